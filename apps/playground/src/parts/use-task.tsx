import { useEffect, useRef, useState } from "preact/hooks";
import { type Problem, problemOf } from "./problem.ts";
import type { Task } from "./task.ts";

/** The jobs of a panel, of which one runs at a time. */
export interface Job {
  readonly running: boolean;
  /** What went wrong in the last job. */
  readonly problems: readonly Problem[];
  complain(error: unknown, title: string): void;
  /** Runs a task in place of the one before. If it fails, the error becomes one of the problems. */
  run(start: () => Task | Promise<Task>): Promise<void>;
  cancel(): void;
}

/** `failed` is the title of the error that ends a task. A task ends at the latest when its panel closes. */
export function useTask(failed: string): Job {
  const [running, setRunning] = useState(false);
  const [problems, setProblems] = useState<readonly Problem[]>([]);
  const task = useRef<Task | null>(null);
  const turn = useRef(0);
  const cancel = () => task.current?.cancel();
  const complain = (error: unknown, title: string) => setProblems((old) => [...old, problemOf(error, title)]);
  const run = async (start: () => Task | Promise<Task>) => {
    const own = ++turn.current;
    cancel();
    setProblems([]);
    setRunning(true);
    try {
      const mine = await start();
      if (own !== turn.current) return mine.cancel(); // another task was started, or the panel was closed
      task.current = mine;
      await mine.done;
    } catch (error) {
      if (own === turn.current) complain(error, failed);
    }
    if (own === turn.current) setRunning(false);
  };
  useEffect(
    () => () => {
      turn.current++;
      cancel();
    },
    [],
  );
  return { running, problems, complain, run, cancel };
}

/** A button that ends what runs. */
export function Cancel({ running, cancel }: Pick<Job, "running" | "cancel">) {
  if (!running) return null;
  return (
    <button type="button" onClick={cancel}>
      Cancel
    </button>
  );
}

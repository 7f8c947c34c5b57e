/**
 * Shows the progress of a run on standard error: one line that is rewritten on a terminal, otherwise a line at the
 * start and at the end.
 */
export interface Progress {
  /**
   * `total` is null if it is unknown. `since` is the time of `performance.now()` at which the task began. Default now.
   */
  start(task: string, total: number | null, since?: number): void;
  step(done: number, current: string): void;
  end(result: string): void;
  /** Removes the unfinished line before other output is printed. */
  clear(): void;
}

/** The parts of standard error that are needed. */
export interface Terminal {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const MS_BETWEEN = 80;
const ERASE = "\r\x1b[K";

export function createProgress(stream: Terminal, env: NodeJS.ProcessEnv): Progress {
  const rewrites = stream.isTTY === true && env.TERM !== "dumb" && !env.CI;
  let [task, started, drawn] = ["", 0, Number.NEGATIVE_INFINITY];
  let total: number | null = 0;
  const erase = () => {
    if (drawn > 0) stream.write(ERASE);
    drawn = Number.NEGATIVE_INFINITY;
  };
  return {
    start(name, count, since = performance.now()) {
      [task, total, started] = [name, count, since];
      if (!rewrites) stream.write(total === null ? `${task}: begins\n` : `${task}: ${total} to do\n`);
    },
    step(done, current) {
      const now = performance.now();
      if (!rewrites || now - drawn < MS_BETWEEN) return;
      drawn = now;
      const line = `${task} ${total === null ? done : shareOf(done, total)} ${current}`;
      stream.write(`${ERASE}${line.slice(0, (stream.columns || 80) - 1)}`);
    },
    end(result) {
      erase();
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      if (!rewrites) stream.write(`${task}: ${result} in ${seconds} s\n`);
    },
    clear: erase,
  };
}

function shareOf(done: number, total: number): string {
  return `${String(Math.floor((100 * done) / Math.max(total, 1))).padStart(3)}% ${done}/${total}`;
}

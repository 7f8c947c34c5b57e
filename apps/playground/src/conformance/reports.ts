import { type JsonReport, parseReport } from "@bn/conformance/report";
import { useState } from "preact/hooks";
import { type Problem, problemOf } from "../parts/problem.ts";

/** Where a report comes from: a file, the gallery, or this page's run. */
export interface Source {
  readonly name: string;
  text(): Promise<string>;
}

interface Loaded {
  readonly name: string;
  readonly report: JsonReport;
}

export interface Reports {
  /** At most two: the old one and the new one. */
  readonly loaded: readonly Loaded[];
  readonly problem: Problem | null;
  /** Reads all of `sources` or none; the last two reports stay. */
  add(sources: readonly Source[]): Promise<void>;
  clear(): void;
  swap(): void;
}

/** The reports that the page compares. */
export function useReports(): Reports {
  const [loaded, setLoaded] = useState<readonly Loaded[]>([]);
  const [problem, setProblem] = useState<Problem | null>(null);
  return {
    loaded,
    problem,
    async add(sources) {
      setProblem(null);
      try {
        const read = await Promise.all(
          sources.map(async (source) => ({ name: source.name, report: parseReport(source.name, await source.text()) })),
        );
        setLoaded((before) => [...before, ...read].slice(-2));
      } catch (error) {
        setProblem(problemOf(error, "This report cannot be read"));
      }
    },
    clear() {
      setProblem(null);
      setLoaded([]);
    },
    swap: () => setLoaded((before) => [...before].reverse()),
  };
}

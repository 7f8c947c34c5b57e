import type { JsonReport, NotStarted, Summary } from "@bn/conformance/report";

/** What the gallery shows of a report: the build writes it, as reports have a megabyte each. */
export interface GalleryEntry {
  /** Of the file, in `results/`. */
  readonly file: string;
  readonly runtime: string;
  readonly os: string;
  /** As in ISO 8601; empty where the report does not say when it was made. */
  readonly date: string;
  readonly suite: string;
  readonly tier: string;
  /** Why the run ended before its end, or null. */
  readonly ended: string | null;
  readonly backends: readonly GalleryBackend[];
  readonly notStarted: readonly NotStarted[];
}

export interface GalleryBackend {
  readonly name: string;
  readonly counts: Summary;
  /** What decides its results there: the adapter, its driver, or threads. */
  readonly facts: readonly string[];
}

const FACTS = ["adapter", "threads"];

export function galleryEntry(file: string, { run, backends, results }: JsonReport): GalleryEntry {
  return {
    file,
    runtime: run?.runtime ?? file,
    os: run?.os ?? "",
    date: run?.date ?? "",
    suite: run?.suite ?? "unknown",
    tier: run?.tier ?? "unknown",
    ended: run?.ended ?? null,
    backends: [...new Set(results.map(({ backend }) => backend))].map((name) => {
      const details = backends.find((one) => one.name === name)?.supports.details ?? {};
      const counts: Summary = { passed: 0, failed: 0, skipped: 0, notRun: 0 };
      for (const { backend, status } of results) if (backend === name) counts[status]++;
      return { name, counts, facts: FACTS.flatMap((key) => (key in details ? [`${key} ${details[key]}`] : [])) };
    }),
    notStarted: run?.notStarted ?? [],
  };
}

import { isMap, kernelOf } from "./jobs.ts";
import type { Row } from "./row.ts";

/**
 * The time that a kernel may take on any shape: a multiple of its time on one row with as many elements, plus a
 * constant per channel and per call.
 */
const TIMES_OF_MAP = 1.3;
const TIMES_OF_REDUCTION = 1.5;
const NS_PER_CHANNEL = 3;
const NS_PER_CALL = 500;

interface Limit {
  readonly row: Row;
  /** Nanoseconds: measured, measured on one long row, and allowed. */
  readonly ns: number;
  readonly longNs: number;
  readonly limitNs: number;
}

/** The limit of each kernel on one thread; null if there is no measurement of the same kernel on one long row. */
function limitsOf(rows: readonly Row[]): Limit[] {
  return rows.flatMap((row) => {
    const long = rows.find(
      ({ impl, op, shape, dtype }) =>
        impl === `one row (${row.impl})` && op === row.op && dtype === row.dtype && shape.join() === row.shape.join(),
    );
    if (long === undefined || row.threads !== 1) return [];
    const channels = row.shape[1] ?? 1;
    const longNs = long.medianMs * 1e6;
    const times = isMap(kernelOf(row)) ? TIMES_OF_MAP : TIMES_OF_REDUCTION;
    const limitNs = times * longNs + NS_PER_CHANNEL * channels + NS_PER_CALL;
    return [{ row, ns: row.medianMs * 1e6, longNs, limitNs }];
  });
}

/** A Markdown table with one line per kernel and shape, the worst first. */
export function limitsTable(rows: readonly Row[]): string {
  const limits = limitsOf(rows).sort((a, b) => b.ns / b.limitNs - a.ns / a.limitNs);
  const over = limits.filter(({ ns, limitNs }) => ns > limitNs).length;
  const lines = limits.map(({ row, ns, longNs, limitNs }) => {
    const cells = [
      row.op.slice("kernel ".length),
      `[${row.shape.join(", ")}]`,
      row.dtype,
      ...[ns, longNs, limitNs].map((time) => time.toPrecision(3)),
      `${(ns / limitNs).toFixed(2)} ${ns > limitNs ? "over" : "ok"}`,
    ];
    return `| ${cells.join(" | ")} |`;
  });
  return [
    `Limit: one row of as many elements x ${TIMES_OF_REDUCTION} (maps x ${TIMES_OF_MAP}) + ${NS_PER_CHANNEL} ns per channel + ${NS_PER_CALL} ns per call. Over: ${over} of ${limits.length}.`,
    "",
    "| kernel | [outer, channels, inner] | dtype | ns | one row, ns | limit, ns | of the limit |",
    "| --- | --- | --- | --- | --- | --- | --- |",
    ...lines,
    "",
  ].join("\n");
}

/** The most that two threads may take, as a multiple of the time of one. */
const LOSS = 1.05;
/** For tensors of more bytes, two threads are to be GAIN times as fast as one, or to take TIMES_OF_COPY of a copy's time. */
const LARGE = 1e6;
const GAIN = 1.7;
const TIMES_OF_COPY = 1.1;

/**
 * A Markdown table with one line per kernel and shape, for two threads beside one and beside a copy by two threads, the
 * smallest gain first. The last columns tell how many samples were taken while both threads were disturbed, and whether
 * their cores had a cache in common (second-thread.ts).
 */
export function threadsTable(rows: readonly Row[]): string {
  const gains = rows
    .filter(({ impl, threads }) => threads === 2 && impl.startsWith("@bn/"))
    .flatMap((two) => {
      const same = rows.filter(({ op, shape, dtype }) => {
        return op === two.op && dtype === two.dtype && shape.join() === two.shape.join();
      });
      const one = same.find(({ impl, threads }) => impl === two.impl && threads === 1);
      const copy = same.find(({ impl, threads }) => impl === `as many bytes (${two.impl})` && threads === 2);
      if (one === undefined || copy === undefined) return [];
      const gain = one.medianMs / two.medianMs;
      const ofCopy = two.medianMs / copy.medianMs;
      const bytes = two.shape.reduce((a, b) => a * b, 1) * (two.dtype === "float32" ? 4 : 8);
      const isFast = bytes <= LARGE || gain >= GAIN || ofCopy <= TIMES_OF_COPY;
      const disturbed = two.disturbed + copy.disturbed;
      return [{ two, one, gain, ofCopy, bytes, disturbed, isWithin: gain >= 1 / LOSS && isFast }];
    })
    .sort((a, b) => a.gain - b.gain);
  if (gains.length === 0)
    return "Two threads were not compared with one: that needs `--kernel --backends wasm --threads 2`.\n";
  const lines = gains.map(({ two, one, gain, ofCopy, bytes, disturbed, isWithin }) => {
    const times = [one, two].map(({ medianMs }) => (medianMs * 1e6).toPrecision(3));
    const cells = [
      ...[two.op.slice("kernel ".length), `[${two.shape.join(", ")}]`, two.dtype, (bytes / 1e6).toPrecision(2)],
      ...[...times, gain.toFixed(2), `${ofCopy.toFixed(2)} ${isWithin ? "ok" : "over"}`],
      String(disturbed),
      (two.lineNs ?? []).map((ns) => ns.toFixed(0)).join(" and "),
    ];
    return `| ${cells.join(" | ")} |`;
  });
  return [
    `Two threads: never slower than one by more than ${Math.round((LOSS - 1) * 100)} %; above ${LARGE / 1e6} MB ${GAIN} times faster, or within ${TIMES_OF_COPY} of a copy of as many bytes by two threads. Over: ${gains.filter(({ isWithin }) => !isWithin).length} of ${gains.length}.`,
    "",
    "| kernel | [outer, channels, inner] | dtype | MB | 1 thread, ns | 2 threads, ns | gain | of the copy | disturbed | a line there and back, ns |",
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ...lines,
    "",
  ].join("\n");
}

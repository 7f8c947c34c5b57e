import type { Dtype } from "@bn/core";
import type { Job, Operation } from "./jobs.ts";
import type { Measured } from "./measure.ts";
import type { Timing } from "./time.ts";

/** A line of the report. */
export interface Row extends Timing {
  readonly op: Operation;
  readonly shape: readonly number[];
  readonly dtype: Dtype;
  readonly impl: string;
  readonly threads: number;
  readonly gbPerS: number;
  readonly nsPerElement: number;
  /** The median divided by the median of one copy of x. */
  readonly ratioToCopy: number;
  /** Before and after the measurement, the nanoseconds that a cache line takes from one thread to another and back. */
  readonly lineNs: readonly [number, number] | null;
}

/** The rows of one job. The first measurement is the copy, by which the others are divided. */
export function rowsOf(job: Job, measured: readonly Measured[], lineNs: Row["lineNs"] = null): Row[] {
  const { op, shape, dtype } = job;
  const copy = measured[0]?.timing.medianMs ?? Number.NaN;
  const elements = shape.reduce((a, b) => a * b, 1);
  return measured.map(({ impl, threads, bytes, timing }) => ({
    ...{ op, shape, dtype, impl, threads, ...timing },
    gbPerS: bytes / timing.medianMs / 1e6,
    nsPerElement: (timing.medianMs * 1e6) / elements,
    ratioToCopy: timing.medianMs / copy,
    lineNs,
  }));
}

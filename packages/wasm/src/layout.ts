/**
 * Where host and kernels meet in memory, below the heap: bytes. What threads contend for has a cache line each. This file is
 * compiled into both (assembly/job.ts imports it).
 */

/** Moves when a job is published. */
export const EPOCH = 64;
/** Not 0: helpers end. */
export const STOP = 68;
/** Items that are done. */
export const DONE = 192;
/** The job: NUMBERS of 8 bytes, then WORDS of 4, then what kernels plan (assembly/job.ts). */
export const JOB = 256;

/**
 * The memory below the heap that host and kernels share, in bytes. Words that threads contend for have a cache line
 * each. This file is compiled into both (assembly/job.ts imports it).
 */

/** Changes when a job is published. */
export const EPOCH = 64;
/** If it is not 0, helpers end. */
export const STOP = 68;
/** The number of items that are done. */
export const DONE = 192;
/** The job: NUMBERS numbers of 8 bytes, then WORDS words of 4, then the fields that kernels plan (assembly/job.ts). */
export const JOB = 256;

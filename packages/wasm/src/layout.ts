/**
 * The memory below the heap that host and kernels share, in bytes. Words that threads contend for have a cache line
 * each. This file is compiled into both (assembly/job.ts imports it).
 */

/** A word of 64 bits that changes when a job is published: the number of its items, and, in the upper half, its own. */
export const HEAD = 64;
/** If it is not 0, helpers end. */
export const STOP = 72;
/** The number of items that helpers have done, of all jobs. */
export const DONE = 192;
/** The most threads of one backend, the calling one included. */
export const MOST_THREADS = 64;
/** The job: NUMBERS numbers of 8 bytes, then WORDS words of 4, then the fields that kernels plan (assembly/job.ts). */
export const JOB = 256;

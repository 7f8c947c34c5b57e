/// <reference lib="esnext.disposable" preserve="true" />
/**
 * The contract between layers and backends. A backend owns memory and kernels. It knows nothing of layers, phases or
 * parameters. Core owns all of those and never looks at device memory. The types cannot express these rules:
 *
 * - Create async, enqueue sync, read async. Kernels and `write` return when the work is queued. Effects happen in the ⏎
 *   order of the calls. Device errors reject the next `read` or `finish`. Only `alloc` and `reserve` may throw, when
 *   memory ⏎   is exhausted.
 * - Core validates; kernels hold no checks. Every operand of a call has the same dtype and is owned by this backend.
 * - Kernels never allocate: `reserve` has made room for everything they need. A failed call has changed nothing.
 * - An output's former contents do not matter, except where a comment says "adds into".
 * - Buffers may be longer than a call needs; a kernel touches only what its geometry names.
 * - `y` may be `x`, and `dx` may be `dy`; no other operands alias. Sums meet the bounds of docs/spec.md, N-1 to N-6.
 */
export const CONTRACT_VERSION = 2;

export type Dtype = "float32" | "float64";
export type HostArray = Float32Array | Float64Array;

/**
 * Memory for `length` elements, all zero at first. Whoever calls `alloc` disposes the buffer; a second `dispose` does
 * nothing.
 */
export interface DeviceBuffer extends Disposable {
  readonly dtype: Dtype;
  readonly length: number;
  dispose(): void;
}

/** A buffer that the host can see. `view` is a getter: do not keep its result across an `alloc`. */
export interface HostBuffer extends DeviceBuffer {
  readonly view: HostArray;
}

/** A tensor seen as [outer][channels][inner], row-major: NCHW is (N, C, H*W), channels-last (N*H*W, C, 1). */
export interface Geometry {
  readonly outer: number;
  readonly channels: number;
  readonly inner: number;
}

/** Per-channel operands; each buffer holds `channels` elements, `factor` one. */
export interface Moments<B> {
  readonly mean: B;
  readonly variance: B;
}
/** Moments that can be merged: the mean is mean + meanLow, and m2 is the sum of the squares of x - (mean + meanLow). */
export interface SplitMoments<B> {
  readonly mean: B;
  readonly meanLow: B;
  readonly m2: B;
}
export interface Running<B> extends Moments<B> {
  readonly factor: B;
}
export interface Affine<B> {
  readonly gamma: B;
  readonly beta: B | null;
}
export interface Sums<B> {
  readonly dy: B;
  readonly dyXhat: B;
}
/** One step of the moving average: running = fraction * running + (mean, correction * variance, 1). */
export interface Average<B> {
  readonly running: Running<B>;
  readonly fraction: number;
  readonly correction: number;
}

/** x^ = (x - mean) * r, r = 1 / sqrt(variance + eps); formulas and clauses in docs/spec.md. */
export interface Kernels<B> {
  /** Mean and biased variance of each channel (K-1). */
  moments(x: B, g: Geometry, out: Moments<B>): void;
  /** Moments before their last roundings, so that those of several batches can be merged (K-12). */
  splitMoments?(x: B, g: Geometry, out: SplitMoments<B>): void;
  /** y = x^ [* gamma + beta] (K-2). */
  normalize(x: B, g: Geometry, stats: Moments<B>, eps: number, affine: Affine<B> | null, y: B): void;
  /**
   * sums = (sum dy, sum dy * x^). If `grad` is given, adds them into grad = (gamma: sum dy * x^, beta: sum dy) (K-3).
   */
  gradSums(dy: B, x: B, g: Geometry, stats: Moments<B>, eps: number, sums: Sums<B>, grad: Affine<B> | null): void;
  /**
   * dx = [gamma *] r * (dy - sums.dy / m - x^ * sums.dyXhat / m); without sums dx = [gamma *] r * dy (K-4). `m` is the
   * number of values that were summed: outer * inner, or more if other processes added theirs.
   */
  gradNormalize(
    dy: B,
    x: B,
    g: Geometry,
    stats: Moments<B>,
    eps: number,
    affine: Affine<B> | null,
    sums: Sums<B> | null,
    m: number,
    dx: B,
  ): void;
  /**
   * Fused kernels: moments + movingAverage + normalize, and gradSums + gradNormalize. Both halves run while a channel
   * is in cache.
   */
  forward?(
    x: B,
    g: Geometry,
    stats: Moments<B>,
    average: Average<B> | null,
    eps: number,
    affine: Affine<B> | null,
    y: B,
  ): void;
  backward?(
    dy: B,
    x: B,
    g: Geometry,
    stats: Moments<B>,
    eps: number,
    affine: Affine<B> | null,
    sums: Sums<B>,
    grad: Affine<B> | null,
    m: number,
    dx: B,
  ): void;

  /** y = x * gamma [+ beta], rounded after the product (K-5). */
  scale(x: B, g: Geometry, affine: Affine<B>, y: B): void;
  /** Adds sum dy * x into dGamma and sum dy into dBeta, if they are given (K-6). */
  scaleSums(dy: B, x: B, g: Geometry, dGamma: B | null, dBeta: B | null): void;

  /** One step of the moving average over `channels` elements (K-7). */
  movingAverage(channels: number, stats: Moments<B>, average: Average<B>): void;
  /** stats = running * (factor[0] === 0 ? 0 : 1 / factor[0]), reciprocal rounded first (K-8). */
  globalStats(channels: number, running: Running<B>, stats: Moments<B>): void;
  copy(length: number, x: B, y: B): void;
  fill(length: number, value: number, y: B): void;
}

/**
 * Facts that the backend declares. Tests and users branch on these, never on `name`. A skipped test names the fact that
 * skips it.
 */
export interface Supports {
  readonly dtypes: readonly Dtype[];
  /** Buffers are `HostBuffer`s and work is done when the call returns. */
  readonly hostVisible: boolean;
  /** NaN and infinities propagate as in IEEE 754 (WGSL may assume that they do not occur). */
  readonly nonFinite: boolean;
  /** Subnormal numbers are kept, not flushed to zero. */
  readonly subnormals: boolean;
  /** + - * / and sqrt round correctly; otherwise they are within WGSL's accuracy. Chooses the constant of bound N-3. */
  readonly correctlyRounded: boolean;
  /**
   * No intermediate overflows unless the result does (N-10). Absent means false, because plain arithmetic does not
   * guarantee it.
   */
  readonly fullRange?: boolean;
  /** The same input gives the same bits. */
  readonly deterministic: boolean;
  /** The number of threads that share the work. */
  readonly threads: number;
  /**
   * For people to read: which features are on, which are off, and why, e.g. `{ threads: "off: no shared memory" }`, `{
   * adapter: "..." }`.
   */
  readonly details: Readonly<Record<string, string>>;
}

export interface Backend<B extends DeviceBuffer = DeviceBuffer> extends AsyncDisposable {
  readonly name: string;
  /** The CONTRACT_VERSION of the core that the backend was written for. */
  readonly contractVersion: number;
  readonly supports: Supports;
  readonly kernels: Kernels<B>;
  readonly disposed: boolean;
  alloc(dtype: Dtype, length: number): B;
  /**
   * True for a live buffer of this backend instance. Takes any value, never throws, and costs the same for every
   * buffer.
   */
  owns(buffer: unknown): buffer is B;
  /** Allocates the memory that kernels over `g` need in addition to their operands. Absent if they need none. */
  reserve?(dtype: Dtype, g: Geometry): void;
  /** How many device errors are known so far. Absent if every error is thrown by the call that caused it. */
  readonly faults?: number;
  /**
   * Copies `source`, an array of the buffer's dtype, to the start of the buffer before it returns. Refuses a buffer
   * that this backend does not own.
   */
  write(target: B, source: HostArray): void;
  /**
   * Resolves to a copy of the first `length` elements once all work queued before is done. Refuses what `write`
   * refuses, and rejects with device errors.
   */
  read(source: B, length: number): Promise<HostArray>;
  /** Waits as `read` does, without returning data. */
  finish(): Promise<void>;
  dispose(): Promise<void>;
}

/**
 * The uniforms of a dispatch, `struct Params` of kernels/lib/params.wgsl. Fields that a kernel does not read may be
 * left out.
 */
export interface Params {
  readonly channels?: number;
  readonly inner?: number;
  readonly units?: number;
  readonly groups?: number;
  readonly splits?: number;
  readonly each?: number;
  readonly items?: number;
  readonly runs?: number;
  readonly m?: number;
  readonly eps?: number;
  readonly fraction?: number;
  readonly correction?: number;
  readonly value?: number;
}

/** The size of the uniforms: 56 bytes, rounded up to 64. */
const BYTES = 64;

const words = new Uint32Array(BYTES / 4);
const floats = new Float32Array(words.buffer);

/** Returns the bytes of `params`, valid until the next call, and a key that is unique to these parameters. */
export function packParams(params: Params): { key: string; bytes: Uint32Array<ArrayBuffer> } {
  const { channels = 0, inner = 1, units = 0, groups = 0, splits = 1, each = 0, items = 0, runs = 0, m = 0 } = params;
  words[0] = channels;
  words[1] = groups;
  words[2] = each;
  words[3] = items;
  words[4] = inner;
  words[5] = units;
  words[6] = splits;
  words[7] = runs;
  words[8] = m;
  floats[9] = params.eps ?? 0;
  floats[10] = 1 / m;
  floats[11] = params.fraction ?? 0;
  floats[12] = params.correction ?? 0;
  floats[13] = params.value ?? 0;
  return { key: words.join(), bytes: words };
}

import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { BnError } from "@bn/core";
import { dataError } from "../../graph/errors.ts";
import { messageOf } from "../../graph/proto.ts";
import { type Bytes, fileBytes } from "./bytes.ts";
import { type DataPort, type TypedTensor, whyUnfit } from "./data.ts";
import { NPY_PREFIX, npyHeadLength, npyValues, readNpyHead, wrongSize } from "./npy.ts";
import { readZip, type ZipEntry } from "./zip.ts";

/** An array in a file. Its first axis counts samples. */
export interface SampleArray {
  readonly where: string;
  readonly samples: number;
  /** The shape of the other axes. */
  readonly shape: readonly number[];
  readonly type: string;
  /** Identifies the content: a checksum, or the array's two ends. */
  readonly mark: string;
  read(first: number, count: number): Promise<TypedTensor>;
  close(): Promise<void>;
}

/** The number of bytes that are read at each end of a .npy, which has no checksum. */
const MARKED = 4096;

/**
 * Opens the arrays of a file, one for each of `ports`. A .npy has one array, for one port. A .npz has arrays with the
 * ports' names, or a single one. No values are read.
 *
 * Errors: `ERR_BN_DATA`, naming the file, if it is truncated or damaged, or of another type or shape than the port.
 */
export async function openArrays(path: string, ports: readonly DataPort[]): Promise<readonly SampleArray[]> {
  try {
    const { size } = await stat(path);
    if (path.endsWith(".npz")) return await openNpz(path, size, ports);
    const [port] = ports as [DataPort];
    if (ports.length !== 1) {
      throw new Error(
        `holds one array, and the model has ${ports.length} inputs, ${namesOf(ports)}; save them with numpy.savez, one array per input name`,
      );
    }
    const bytes = fileBytes(path, 0, size);
    const array = await openNpy(bytes, path, port, await markOf(bytes));
    return [array];
  } catch (cause) {
    if (cause instanceof BnError) throw cause;
    throw dataError(`${path}: ${messageOf(cause)}`, cause);
  }
}

async function openNpz(path: string, size: number, ports: readonly DataPort[]): Promise<SampleArray[]> {
  const entries = (await readZip(path, size)).filter(({ name }) => name.endsWith(".npy"));
  const names = entries.map(({ name }) => name.slice(0, -".npy".length));
  const chosen = ports.map((port): ZipEntry => {
    const own = entries[names.indexOf(port.name)];
    const [only] = entries;
    if (own) return own;
    if (only && entries.length === 1 && ports.length === 1) return only;
    const there = names.length > 0 ? names.map((name) => `"${name}"`).join(", ") : "none";
    throw new Error(`has no array "${port.name}", which the input of that name needs; its arrays are ${there}`);
  });
  const arrays: SampleArray[] = [];
  for (const [i, entry] of chosen.entries()) {
    arrays.push(
      await openNpy(await entry.open(), `${path}, array "${entry.name.slice(0, -4)}"`, ports[i] as DataPort, entry.crc),
    );
  }
  const [first] = arrays as [SampleArray];
  const other = arrays.find(({ samples }) => samples !== first.samples);
  if (other) throw new Error(`has ${first.samples} samples in ${first.where}, and ${other.samples} in ${other.where}`);
  return arrays;
}

/** The caller closes the array. If there is an error, the bytes are closed here. */
async function openNpy(bytes: Bytes, where: string, port: DataPort, mark: string): Promise<SampleArray> {
  try {
    return await arrayIn(bytes, where, port, mark);
  } catch (error) {
    await bytes.close();
    throw error;
  }
}

async function arrayIn(bytes: Bytes, where: string, port: DataPort, mark: string): Promise<SampleArray> {
  const fail = (what: string) => dataError(`${where}: ${what}`);
  const length = npyHeadLength(await bytes.read(0, Math.min(NPY_PREFIX, bytes.size)));
  if (typeof length === "string") throw fail(length);
  if (length > bytes.size)
    throw fail(`has ${bytes.size} bytes, expected a header of ${length}: the file is truncated; save it again`);
  const head = readNpyHead(await bytes.read(0, length));
  if (typeof head === "string") throw fail(head);
  const { type, shape, start } = head;
  const unfit = wrongSize(head, bytes.size - start) ?? whyUnfit(type, shape, port);
  if (unfit !== null) throw fail(unfit);
  const [samples = 0, ...rest] = shape;
  const perSample = rest.reduce((a, b) => a * b, head.bytes);
  return {
    where,
    samples,
    shape: rest,
    type,
    mark,
    async read(first, count) {
      const taken = await bytes.read(start + first * perSample, count * perSample).catch((cause) => {
        throw dataError(`${where}: ${messageOf(cause)}`, cause);
      });
      return { type, shape: [count, ...rest], data: npyValues(head, taken) };
    },
    close: () => bytes.close(),
  };
}

async function markOf(bytes: Bytes): Promise<string> {
  const length = Math.min(MARKED, bytes.size);
  const [head, tail] = [await bytes.read(0, length), await bytes.read(bytes.size - length, length)];
  await bytes.close();
  return createHash("sha256").update(head).update(tail).digest("hex");
}

/**
 * The description of a file in the digest of a data set. It leaves out the folder, so that machines may mount the data
 * in different places.
 */
export function describeArrays(path: string, arrays: readonly SampleArray[]): string {
  return JSON.stringify([
    basename(path),
    ...arrays.map(({ type, samples, shape, mark }) => [type, samples, shape, mark]),
  ]);
}

function namesOf(ports: readonly DataPort[]): string {
  return ports.map(({ name }) => `"${name}"`).join(", ");
}

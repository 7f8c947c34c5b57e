import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CalibrationData, type DataPort, openData, streamData } from "../../src/calibrate/index.ts";
import { npy, npz } from "./npy.ts";

const X: DataPort = { name: "x", type: "float32", shape: [null, 2, null] };
const numbers = (from: number, count: number) => Float32Array.from({ length: count }, (_, i) => from + i);
let folder = "";
const file = (name: string) => join(folder, name);
const put = (name: string, content: Uint8Array) => writeFile(file(name), content);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "bn-data-"));
  await mkdir(file("some"));
  await mkdir(file("none"));
  await put("some/a.npy", npy([2, 2, 3], numbers(0, 12)));
  await put("some/b.npz", npz({ x: npy([3, 2, 3], numbers(12, 18)), labels: npy([3], new Int32Array(3)) }));
  await put("some/c.npz", npz({ any: npy([1, 2, 3], numbers(30, 6)) }, true));
  await put("some/notes.txt", Buffer.from("no data"));
  await put("wide.npz", npz({ x: npy([100, 2, 300], numbers(0, 60_000)) }, true));
});
afterAll(() => rm(folder, { recursive: true }));

/** All values that `read` gives in batches of `size`, starting with batch `first`. */
async function all(data: CalibrationData, size: number, first = 0): Promise<number[]> {
  const values: number[] = [];
  for (let at = first * size; ; at += size) {
    const batch = await data.read(at, size);
    if (batch === null) return values;
    const tensor = batch.get("x") as { shape: readonly number[]; data: Float32Array };
    expect(tensor.shape.reduce((a, b) => a * b, 1)).toBe(tensor.data.length);
    expect(tensor.shape[0]).toBeLessThanOrEqual(size);
    values.push(...tensor.data);
  }
}

describe("files", () => {
  it.each([1, 2, 4, 6, 100])("are one sequence of samples, in batches of %i", async (size) => {
    const data = await openData([file("some")], [X]);
    expect(data.samples).toBe(6);
    expect(await all(data, size)).toEqual(Array.from(numbers(0, 36)));
    await data.close();
  });

  it("come in the order of their paths, each once, by name, folder and glob", async () => {
    const ways = [
      [file("some")],
      [file("some/c.npz"), file("some/a.npy"), file("some/b.npz")],
      [file("some/*")],
      [file("s?me/*.np?"), file("some")],
    ];
    const digests: string[] = [];
    for (const paths of ways) {
      const data = await openData(paths, [X]);
      expect(await all(data, 4)).toEqual(Array.from(numbers(0, 36)));
      digests.push(data.digest());
      await data.close();
    }
    expect(new Set(digests).size).toBe(1);
  });

  it("that are deflated can begin anywhere, and again", async () => {
    const data = await openData([file("wide.npz")], [X]);
    const of = async (first: number) =>
      (await all({ ...data, read: (at) => data.read(at, at === first ? 1 : 0) }, 1, first))[0];
    expect([await of(99), await of(3), await of(50)]).toEqual([59_400, 1800, 30_000]);
    await data.close();
  });

  it("have another digest where a value, a name or an order differs", async () => {
    const digestOf = async (name: string, content: Uint8Array) => {
      await put(name, content);
      const data = await openData([file(name)], [X]);
      await rm(file(name));
      return data.digest();
    };
    const first = await digestOf("d.npy", npy([2, 2, 3], numbers(0, 12)));
    expect(await digestOf("d.npy", npy([2, 2, 3], numbers(0, 12)))).toBe(first);
    expect(await digestOf("d.npy", npy([2, 2, 3], numbers(1, 12)))).not.toBe(first);
    expect(await digestOf("e.npy", npy([2, 2, 3], numbers(0, 12)))).not.toBe(first);
    expect(await digestOf("d.npy", npy([1, 2, 6], numbers(0, 12)))).not.toBe(first);
  });

  it("with an array per input feed several inputs", async () => {
    const y: DataPort = { name: "y", type: "int64", shape: [null] };
    await put("two.npz", npz({ y: npy([4], BigInt64Array.from([5n, 6n, 7n, 8n])), x: npy([4, 2, 1], numbers(0, 8)) }));
    const data = await openData([file("two.npz")], [X, y]);
    const batch = await data.read(1, 2);
    expect(batch?.get("x")?.data).toEqual(numbers(2, 4));
    expect(batch?.get("y")).toEqual({ type: "int64", shape: [2], data: BigInt64Array.from([6n, 7n]) });
    await data.close();
    await expect(openData([file("some/a.npy")], [X, y])).rejects.toThrow(
      'a.npy: holds one array, and the model has 2 inputs, "x", "y"',
    );
    await expect(openData([file("some/b.npz")], [X, y])).rejects.toThrow(
      'has no array "y", which the input of that name needs; its arrays are "x", "labels"',
    );
  });

  it("of float16 are widened, and so are those of the other byte order", async () => {
    await put("half.npy", npy([1, 2, 1], Uint16Array.from([0x3c00, 0xc000])));
    await put("swapped.npy", npy([1, 2, 1], Buffer.from([0x40, 0x40, 0, 0, 0xbf, 0, 0, 0]), ">f4"));
    const widened = await openData([file("half.npy"), file("swapped.npy")], [X]);
    expect(await all(widened, 9)).toEqual([1, -2, 3, -0.5]);
    await widened.close();
    const half = await openData([file("half.npy")], [{ ...X, type: "float16" }]);
    expect((await half.read(0, 1))?.get("x")).toMatchObject({ type: "float32", data: Float32Array.of(1, -2) });
    await half.close();
  });
});

describe("data that cannot be used are refused by name", () => {
  const good = npy([2, 2, 3], numbers(0, 12));
  const zip = npz({ x: good });
  const bad: readonly (readonly [string, Uint8Array, string])[] = [
    ["truncated.npy", good.subarray(0, -1), "has 47 bytes of values, expected 48 for float32 [2,2,3]: truncated"],
    ["longer.npy", Buffer.concat([good, good]), "expected 48 for float32 [2,2,3]: more than one array"],
    ["head.npy", good.subarray(0, 40), "expected a header of 128: the file is truncated"],
    ["empty.npy", new Uint8Array(0), "is not a .npy file; save it with numpy.save"],
    ["text.npy", Buffer.from("hello, this is a text"), "is not a .npy file; save it with numpy.save"],
    [
      "rank.npy",
      npy([2, 3], numbers(0, 6)),
      'has shape [2,3], input "x" takes [n,2,?], n samples; if it is one sample a, save a[None]',
    ],
    ["shape.npy", npy([2, 3, 1], numbers(0, 6)), 'has shape [2,3,1], input "x" takes [n,2,?], n samples'],
    ["scalar.npy", npy([], numbers(0, 1)), "holds a single number"],
    ["double.npy", npy([1, 2, 1], new Float64Array(2)), 'holds float64, input "x" takes float32; convert it'],
    ["bytes.npy", npy([1, 2, 1], new Uint8Array(2)), 'holds uint8, input "x" takes float32; convert it'],
    ["complex.npy", npy([1, 2, 1], new Float64Array(4), "<c16"), "holds c16, expected f2, f4"],
    ["none.npy", npy([0, 2, 1], new Float32Array(0)), "no samples: the first axis is 0"],
    ["short.npz", zip.subarray(0, -30), "it is not a zip file, or is truncated"],
    ["cut.npz", Buffer.concat([zip.subarray(0, 20), zip.subarray(60)]), "cut.npz: "],
    [
      "other.npz",
      npz({ y: good, z: good }),
      'has no array "x", which the input of that name needs; its arrays are "y", "z"',
    ],
    ["arrays.npz", npz({}), "its arrays are none"],
  ];
  it.each(bad)("%s", async (name, content, message) => {
    await put(name, content);
    const found = openData([file(name)], [X]);
    await expect(found).rejects.toMatchObject({ code: "ERR_BN_DATA" });
    await expect(found).rejects.toThrow(message);
    await expect(found).rejects.toThrow(name);
  });

  it("in Fortran order", async () => {
    const text = good.toString("latin1").replace("False", "True ");
    await put("fortran.npy", Buffer.from(text, "latin1"));
    await expect(openData([file("fortran.npy")], [X])).rejects.toThrow("is in Fortran order");
  });

  it("samples of two shapes", async () => {
    await put("u.npy", npy([1, 2, 3], numbers(0, 6)));
    await put("v.npy", npy([1, 2, 4], numbers(0, 8)));
    await expect(openData([file("u.npy"), file("v.npy")], [X])).rejects.toThrow(
      /v\.npy: samples of shape \[2,4\], expected \[2,3\] as in .*u\.npy/,
    );
  });

  it("folders, globs and names without data", async () => {
    await expect(openData([file("none")], [X])).rejects.toThrow("none: is a folder without .npy or .npz");
    await expect(openData([file("some/*.png")], [X])).rejects.toThrow("*.png: matches no file");
    await expect(openData([file("some/*.txt")], [X])).rejects.toThrow("matches 1 files, and none is .npy or .npz");
    await expect(openData([file("some/notes.txt")], [X])).rejects.toThrow("is not a .npy or .npz file");
    await expect(openData([file("gone.npy")], [X])).rejects.toThrow("gone.npy: does not exist");
  });

  it("NaN and infinities, by file and sample", async () => {
    const values = numbers(0, 12);
    values[7] = Number.NaN;
    await put("some-nan.npy", npy([2, 2, 3], values));
    const data = await openData([file("some/a.npy"), file("some-nan.npy")], [X]);
    await expect(data.read(0, 100)).rejects.toThrow(/some-nan\.npy: sample 1 holds NaN, expected finite numbers/);
    await data.close();
  });

  it("a file that became shorter while it was read", async () => {
    await put("shrinks.npy", good);
    const data = await openData([file("shrinks.npy")], [X]);
    await put("shrinks.npy", good.subarray(0, 140));
    await expect(data.read(0, 2)).rejects.toThrow(/shrinks\.npy: it ends at byte 140: it became shorter/);
    await data.close();
  });
});

describe("a stream", () => {
  async function* chunks(bytes: Uint8Array, size: number) {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  }
  const two = Buffer.concat([
    npy([2, 2, 3], numbers(0, 12)),
    npy([0, 2, 3], numbers(0, 0)),
    npy([4, 2, 3], numbers(12, 24)),
  ]);

  it.each([1, 7, 1000])("of arrays is one sequence of samples, whatever its chunks (%i bytes)", async (size) => {
    const data = streamData(chunks(two, size), X);
    expect(data.samples).toBeNull();
    expect(await all(data, 4)).toEqual(Array.from(numbers(0, 36)));
  });

  it("drops what lies before a read, and does not go back", async () => {
    const data = streamData(chunks(two, 100), X);
    expect(await all(data, 2, 1)).toEqual(Array.from(numbers(12, 24)));
    await expect(data.read(0, 1)).rejects.toMatchObject({ code: "ERR_BN_STATE" });
  });

  it("that is cut off, of another kind or shape, is refused", async () => {
    const error = async (bytes: Uint8Array) => all(streamData(chunks(bytes, 50), X), 2).then(String, String);
    expect(await error(two.subarray(0, 150))).toContain(
      "standard input, array 1: ends after 22 of 48 bytes: it is truncated",
    );
    expect(await error(two.subarray(0, 30))).toContain("ends inside its header: it is truncated");
    expect(await error(await readFile(file("some/b.npz")))).toContain(
      "is a .npz file, which cannot be read from a stream",
    );
    expect(await error(Buffer.from("what is this, no npy"))).toContain("is not a .npy");
    expect(await error(Buffer.concat([two, npy([1, 2, 4], numbers(0, 8))]))).toContain(
      "samples of shape [2,4], expected [2,3]",
    );
  });
});

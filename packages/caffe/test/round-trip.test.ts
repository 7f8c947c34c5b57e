import { equals } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { NetParameterSchema, readNet, readWeights, writeNet, writeWeights } from "../src/index.ts";
import { bytesOf, filesOf, textOf } from "./files.ts";

/**
 * The numbers are not packed here, although Caffe's schema packs them. They are written packed, which reads back the
 * same.
 */
const REWRITTEN = "unpacked.caffemodel";

test.each(filesOf(".caffemodel"))("%s is written byte for byte as it was read", (path) => {
  const bytes = bytesOf(path);
  const once = writeWeights(readWeights(bytes, { file: path }));
  if (!path.endsWith(REWRITTEN)) expect(Buffer.compare(once, bytes)).toBe(0);
  expect(Buffer.compare(writeWeights(readWeights(once)), once)).toBe(0);
});

test.each(filesOf(".prototxt"))("%s reads, writes and reads as the same network", (path) => {
  const net = readNet(textOf(path), { file: path });
  expect(net.unknown.size).toBe(0);
  const text = writeNet(net);
  expect(equals(NetParameterSchema, readNet(text).message, net.message)).toBe(true);
  // Caffe's own writer made these files.
  if (path.startsWith("nets/")) expect(text).toBe(textOf(path));
});

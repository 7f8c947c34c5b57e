import type { ConvertedNet } from "@bn/caffe";
import { create, toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema } from "onnx-buf";

/** The model with every layer's top as an additional output. protobuf merges what is appended. */
export function exposed({ bytes, tops, outputs }: ConvertedNet): Uint8Array {
  const there = new Set(outputs.map(({ tensor }) => tensor));
  const more = new Set(tops.map(({ tensor }) => tensor).filter((tensor) => !there.has(tensor)));
  const output = [...more].map((name) => ({ name }));
  return Buffer.concat([bytes, toBinary(ModelProtoSchema, create(ModelProtoSchema, { graph: { output } }))]);
}

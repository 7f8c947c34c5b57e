import { fetched } from "../parts/fetched.ts";

/** A model that can be opened with one click. */
export interface Sample {
  readonly title: string;
  readonly what: string;
  files(): Promise<File[]>;
}

export const SAMPLES: readonly Sample[] = [
  {
    title: "PaddleOCR's classifier",
    what: "ONNX, 35 nodes, 0.6 MB",
    files: () => fetchFiles("ch_ppocr_mobile_v2.0_cls_infer.onnx"),
  },
  {
    title: "yoloface-50k",
    what: "Caffe, weights and network, 23 layers",
    files: () => fetchFiles("yoloface-50k.caffemodel", "yoloface-50k.prototxt"),
  },
  {
    title: "A model with mistakes",
    what: "made here: five of its six nodes have one",
    files: async () => [(await import("./mistaken.ts")).mistaken()],
  },
];

function fetchFiles(...names: readonly string[]): Promise<File[]> {
  return Promise.all(names.map(async (name) => new File([await (await fetched(`samples/${name}`)).blob()], name)));
}

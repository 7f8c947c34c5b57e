import { createBatchNorm, createBatchNormScale, createBlob, createScale } from "../../src/index.ts";
import type { ErrorRow } from "./desk.ts";

type Row = readonly [name: string, says: readonly string[], act: ErrorRow["act"]];

/** L-3: a call may contain no blob and no buffer twice, except top[0] === bottom[0]. */
const ROWS: readonly Row[] = [
  [
    "two blobs on one buffer",
    ["top[0] and bottom[0]", "one blob as both"],
    (t) => {
      const buffer = t.backend.alloc("float32", 24);
      const [a, b] = [
        createBlob(t.backend, [2, 3, 4], "float32", buffer),
        createBlob(t.backend, [2, 3, 4], "float32", buffer),
      ];
      return () => t.bn.forward([a], [b]);
    },
  ],
  [
    "top on bottom's diff",
    ["top[0] and bottom[0]"],
    (t) => {
      const top = createBlob(t.backend, [2, 3, 4], "float32", t.x.diff as never);
      return () => t.bn.forward([t.x], [top]);
    },
  ],
  [
    "bottom on gamma's buffer",
    ["bottom[0]", "blobs[0]", "one buffer"],
    (t) => {
      const bottom = createBlob(t.backend, [1, 3], "float32", t.scale.gamma!.data as never);
      return () => t.scale.forward([bottom], [t.z]);
    },
  ],
  [
    "blobs [m, m, f]",
    ["blobs[1] is blobs[0]"],
    (t) => {
      const [m, f] = [t.blob([3]), t.blob([1])];
      const layer = createBatchNorm({ blobs: [m, m, f] });
      return () => layer.setUp([t.x], [t.y]);
    },
  ],
  [
    "gamma is the mean",
    ["blobs[3] is blobs[0]"],
    (t) => {
      const [m, v, f] = t.bn.blobs;
      const layer = createBatchNormScale({ blobs: [m!, v!, f!, m!] });
      return () => layer.setUp([t.x], [t.y]);
    },
  ],
  ["top is blobs[0]", ["top[0] is blobs[0]"], (t) => () => t.bn.forward([t.x], [t.bn.blobs[0]!])],
  ["bottom is blobs[1]", ["bottom[0] is blobs[1]"], (t) => () => t.scale.forward([t.scale.blobs[1]!], [t.z])],
  [
    "bottom of backward is gamma",
    ["bottom[0] is blobs[0]"],
    (t) => () => t.scale.backward([t.z], [true], [t.scale.gamma!]),
  ],
  ["setUp on the layer's own blob", ["top[0] is blobs[0]"], (t) => () => t.bn.setUp([t.x], [t.bn.blobs[0]!])],
  ["setUp from the layer's own blob", ["bottom[0] is blobs[0]"], (t) => () => t.scale.setUp([t.scale.gamma!], [t.z])],
  [
    "bottom[1] is the bias",
    ["bottom[1] is blobs[0]"],
    (t) => {
      const both = t.blob([3]);
      const layer = createScale({ biasTerm: true, blobs: [both] });
      return () => layer.setUp([t.x, both], [t.z]);
    },
  ],
  [
    "bottom[1] on bottom[0]'s buffer",
    ["bottom[1] and bottom[0]", "one buffer"],
    (t) => {
      const factor = createBlob(t.backend, [3], "float32", t.x.data as never);
      const layer = createScale();
      return () => layer.setUp([t.x, factor], [t.z]);
    },
  ],
];

export const ALIAS_ROWS: readonly ErrorRow[] = ROWS.map(([name, says, act]) => ({
  name: `alias/${name}`,
  clause: "L-3",
  code: "ERR_BN_PARAM",
  says,
  act,
}));

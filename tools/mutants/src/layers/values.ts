import type { Blob } from "@bn/core";
import { EFFECTS, type Effect, PICKS, type Pick } from "../generated/faults.ts";
import { over } from "../over.ts";
import { ALL, NORMALIZING, SCALING } from "./fault.ts";
import type { LayerMutant, LayerType } from "./mutant.ts";
import { around, type Blobs, type Call, type Layer, viewOf } from "./tools.ts";

/** A result of a layer's call, by the place of its blob. */
interface Result {
  readonly name: string;
  readonly call: Call;
  readonly part: "data" | "diff";
  readonly types: readonly LayerType[];
  find(layer: Layer, blobs: Blobs): Blob | undefined;
}

const forward = (name: string, types: readonly LayerType[], find: Result["find"]): Result => ({
  name,
  call: "forward",
  part: "data",
  types,
  find,
});
const backward = (name: string, types: readonly LayerType[], find: Result["find"]): Result => ({
  name,
  call: "backward",
  part: "diff",
  types,
  find,
});

const RESULTS: readonly Result[] = [
  forward("top", ALL, (_, { top }) => top[0]),
  backward("bottom.diff", ALL, (_, { bottom }) => bottom[0]),
  backward("bottom[1].diff", ["Scale"], (_, { bottom }) => bottom[1]),
  backward("gamma.diff", SCALING, ({ gamma }) => gamma ?? undefined),
  backward("beta.diff", SCALING, ({ beta }) => beta ?? undefined),
  ...[0, 1, 2].map((i) => forward(`blobs[${i}]`, NORMALIZING, ({ blobs }) => blobs[i])),
];

/** Numbers on boundaries and between them, up to the sizes of the layers' tensors. */
const SIZES = [1, 2, 3, 6, 8, 11, 16, 24, 32, 50, 64, 100, 128, 200, 255, 300, 512, 700, 1024, 2000, 4096];
const TILES = [2, 4, 8, 16, 32, 64, 128, 256];

/** When the mistake shows. */
const CONDITIONS = [
  { name: "", holds: () => true },
  { name: "in place", holds: ({ bottom, top }: Blobs) => bottom[0] === top[0] },
  { name: "apart", holds: ({ bottom, top }: Blobs) => bottom[0] !== top[0] },
  { name: "float32", holds: ({ top }: Blobs) => top[0]?.dtype === "float32" },
  { name: "float64", holds: ({ top }: Blobs) => top[0]?.dtype === "float64" },
  { name: "the second time", holds: (_: Blobs, turn: number) => turn > 0 },
] as const;

/** Each result x way to select x effect, with sizes and conditions in turn. */
export function valueMutants(): LayerMutant[] {
  let turn = 0;
  return RESULTS.flatMap((result) =>
    result.types.flatMap((type) =>
      PICKS.flatMap((pick) =>
        EFFECTS.flatMap((effect): LayerMutant[] => {
          turn++;
          // it is a single number
          if (result.name === "blobs[2]" && (effect === "the neighbour's" || pick.name !== "beyond")) return [];
          const sizes = pick.name.includes("last ") && !pick.name.includes("beyond") ? TILES : SIZES;
          const size = result.name === "blobs[2]" ? 0 : (sizes[(turn * 5) % sizes.length] as number);
          const when = CONDITIONS[turn % CONDITIONS.length] as (typeof CONDITIONS)[number];
          return [valueMutant(type, result, pick, effect, size, when)];
        }),
      ),
    ),
  );
}

function valueMutant(
  type: LayerType,
  { name, call, part, find }: Result,
  pick: Pick,
  effect: Effect,
  size: number,
  when: (typeof CONDITIONS)[number],
): LayerMutant {
  const where = when.name === "" ? "" : `, ${when.name}`;
  return {
    id: `${type}: ${name} ${effect}, ${pick.name} ${size}${where}`,
    kind: `${name} of a layer ${effect}, ${pick.name} a size${where}`,
    type,
    above: size,
    plant(layer) {
      let last: Float64Array | null = null;
      return over(
        layer,
        around(
          layer,
          call,
          (blobs, n) => {
            const blob = when.holds(blobs, n) ? find(layer, blobs) : undefined;
            return blob && new Float64Array(viewOf(blob, part));
          },
          (blobs, prior) => {
            const blob = prior && find(layer, blobs);
            if (!blob) return;
            const view = viewOf(blob, part);
            const made = new Float64Array(view);
            for (let i = 0; i < made.length; i++) {
              if (!pick.picks(i, made.length, size)) continue;
              const other = i > 0 ? i - 1 : Math.min(1, made.length - 1);
              const stale = last !== null && last.length === made.length ? last : prior;
              const from = effect === "missing" ? prior[i] : effect === "stale" ? stale[i] : made[other];
              view[i] = from as number;
            }
            last = made;
          },
        ),
      );
    },
  };
}

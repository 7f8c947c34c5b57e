import type { Geometry } from "@bn/core";
import { changedInput, type Mutant, replacing } from "../generated/generate.ts";
import { type Args, bufferOf, extentOf, type Operand, SIGNATURES, type Signature } from "../generated/operands.ts";
import { CHANNEL_FAULTS, type ChannelFault, type Circumstances, PLACE_FAULTS, type PlaceFault } from "./faults.ts";

/** The value that a mistake gives to the elements that it affects. */
const RESULTS = ["left as they were", "altered"] as const;
type Effect = (typeof RESULTS)[number] | "counted as 0";

/** The mistakes about elements, for each kernel that has a tensor, and about operands that have one value per channel. */
export function elementMutants(): Mutant[] {
  return SIGNATURES.filter(({ kernel }) => kernel !== "copy" && kernel !== "fill").flatMap((signature) => [
    ...placeMutants(signature),
    ...signature.inputs.flatMap((operand) =>
      CHANNEL_FAULTS.filter(({ operands }) => operands.includes(operand.name)).map((fault) =>
        channelMutant(signature, operand, fault),
      ),
    ),
  ]);
}

/** Alternately, a result is not written or is altered. If no result is a tensor, the first tensor is read as 0. */
function placeMutants(signature: Signature): Mutant[] {
  const result = signature.outputs.find(({ over }) => over === "tensor");
  const operand = result ?? signature.inputs.find(({ over }) => over === "tensor");
  if (operand === undefined) return [];
  return PLACE_FAULTS.filter(({ bug }) => signature.alias !== undefined || !/in place|apart/.test(bug)).map(
    (fault, i) => placeMutant(signature, operand, fault, result ? (RESULTS[i % 2] as Effect) : "counted as 0"),
  );
}

function placeMutant(signature: Signature, operand: Operand, fault: PlaceFault, effect: Effect): Mutant {
  const { kernel, alias } = signature;
  const [dimension, above] = fault.from;
  return {
    id: `${kernel}: ${operand.name}, ${fault.bug}, ${effect}`,
    kind: `${effect}: ${fault.bug}`,
    kernel,
    hint: { dimension, above },
    dtype: null,
    plant(backend) {
      let before: Circumstances["before"] = null;
      return replacing(backend, kernel, (real, args) => {
        const buffer = bufferOf(args, operand);
        if (buffer === null) return real(...args);
        const g = args[signature.size] as Geometry;
        const n = g.outer * g.channels * g.inner;
        const inPlace = alias !== undefined && args[alias[0]] === args[alias[1]];
        const call: Circumstances = { ...g, n, dtype: buffer.dtype, inPlace, spare: buffer.length - n, before };
        const picked = placesOf(call, fault);
        before = { ...g, n, dtype: buffer.dtype };
        if (picked.length === 0) return real(...args);
        if (effect === "counted as 0") {
          return changedInput(backend, real, args, operand, buffer, n, (values) => {
            for (const i of picked) values[i] = 0;
          });
        }
        const was = buffer.view.slice(0, n);
        real(...args);
        for (const i of picked) {
          buffer.view[i] = effect === "altered" ? 1.25 * (buffer.view[i] as number) + 0.25 : (was[i] as number);
        }
      });
    },
  };
}

function placesOf(call: Circumstances, { where }: PlaceFault): number[] {
  const { outer, channels, inner } = call;
  const picked: number[] = [];
  for (let o = 0, i = 0; o < outer; o++) {
    for (let c = 0; c < channels; c++) {
      for (let s = 0; s < inner; s++, i++) if (where({ o, c, s, i }, call)) picked.push(i);
    }
  }
  return picked;
}

function channelMutant(signature: Signature, operand: Operand, { bug, change }: ChannelFault): Mutant {
  const { kernel } = signature;
  return {
    id: `${kernel}: ${operand.name} ${bug}`,
    kind: `${operand.name} ${bug}`,
    kernel,
    hint: { dimension: "channels", above: /channel|2\^15/.test(bug) ? 255 : 16 },
    dtype: null,
    plant: (backend) =>
      replacing(backend, kernel, (real, args: Args) => {
        const buffer = bufferOf(args, operand);
        if (buffer === null) return real(...args);
        const [, channels] = extentOf(args, signature, operand);
        changedInput(backend, real, args, operand, buffer, channels, (values) => {
          for (const [c, value] of values.entries()) values[c] = change(value, c, buffer.dtype);
        });
      }),
  };
}

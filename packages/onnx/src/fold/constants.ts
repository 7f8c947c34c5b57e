import type { NodeProto } from "onnx-buf";
import { isOnnxDomain } from "../graph/proto.ts";
import { constantIn, type Lookup } from "../graph/scope.ts";
import type { Numbers } from "../graph/tensor.ts";
import type { ChannelAffine } from "./affine.ts";

/** A Mul, Add, Sub or Div of a tensor and a constant, as y = (x - mean) * gain + beta. */
export interface ConstantMap {
  /** The input that is not the constant. */
  readonly x: string;
  /**
   * The affine map over `channels` on axis `channelAxis` of a tensor with `rank` axes, or a text that says why it is
   * none.
   */
  over(channels: number, channelAxis: number, rank: number): ChannelAffine | string;
}

type Coefficients = (value: number) => { readonly gain: number; readonly mean: number; readonly beta: number };

/** Coefficients by operator, and by the side on which the constant c is. */
const MAPS: Readonly<Record<string, { readonly right: Coefficients; readonly left: Coefficients | null }>> = {
  Mul: { right: (c) => ({ gain: c, mean: 0, beta: 0 }), left: (c) => ({ gain: c, mean: 0, beta: 0 }) },
  Add: { right: (c) => ({ gain: 1, mean: 0, beta: c }), left: (c) => ({ gain: 1, mean: 0, beta: c }) },
  Sub: { right: (c) => ({ gain: 1, mean: c, beta: 0 }), left: (c) => ({ gain: -1, mean: 0, beta: c }) },
  Div: { right: (c) => ({ gain: 1 / c, mean: 0, beta: 0 }), left: null }, // c / x is not affine
};

/** Returns null if `node` is not such a map. */
export function constantMapOf(node: NodeProto, lookup: Lookup): ConstantMap | null {
  const sides = Object.hasOwn(MAPS, node.opType) && isOnnxDomain(node.domain) ? MAPS[node.opType] : undefined;
  if (sides === undefined || node.input.length !== 2) return null;
  const values = node.input.map((name) => constantIn(lookup, name));
  const [left, right] = values;
  if ((left === null) === (right === null)) return null;
  const coefficients = right === null ? sides.left : sides.right;
  const constant = right ?? left;
  if (coefficients === null || !constant) return null;
  return {
    x: node.input[right === null ? 1 : 0] ?? "",
    over(channels, channelAxis, rank) {
      const perChannel = spread(constant, channels, channelAxis, rank);
      if (typeof perChannel === "string") return perChannel;
      const all = Array.from(perChannel, coefficients);
      return {
        mean: Float64Array.from(all, ({ mean }) => mean),
        gain: Float64Array.from(all, ({ gain }) => gain),
        beta: Float64Array.from(all, ({ beta }) => beta),
      };
    },
  };
}

/** A constant that broadcasts along all axes except that of channels, as one value per channel. */
function spread({ dims, data }: Numbers, channels: number, channelAxis: number, rank: number): Float64Array | string {
  const shape = `its constant has shape [${dims}], expected one value per channel`;
  if (dims.length > rank) return `${shape}, more axes than the tensor`;
  const lead = rank - dims.length; // broadcasting aligns the last axes
  for (const [axis, size] of dims.entries()) {
    if (size !== 1 && axis + lead !== channelAxis) return `${shape}, which is not one value per channel`;
  }
  const own = dims[channelAxis - lead] ?? 1;
  if (own !== 1 && own !== channels) return `${shape} for ${channels} channels`;
  return Float64Array.from({ length: channels }, (_, c) => data[own === 1 ? 0 : c] as number);
}

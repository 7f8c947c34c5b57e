import { countOf } from "../../count.ts";
import { axisOf, type Context, constant, emit, weight } from "../context.ts";
import type { Value } from "../graph.ts";
import { reshape } from "../operators.ts";
import { positive } from "./convolution.ts";

/** InnerProduct: the axes from `axis` on form one vector; top = W x + b. */
export function innerProduct(context: Context, bottom: Value): Value {
  const own = context.params("inner_product_param");
  const axis = axisOf(context, own.number("axis"), bottom.shape.length);
  const outputs = positive(context, own, "num_output");
  const lead = bottom.shape.slice(0, axis);
  const [rows, inputs] = [countOf(lead), countOf(bottom.shape.slice(axis))];
  const transposed = own.flag("transpose");
  const shape = transposed ? [inputs, outputs] : [outputs, inputs];
  const weights = constant(context, "weight", shape, weight(context, 0, "weights", shape));
  // Before operator set 11 Gemm must have a bias.
  const bias = own.flag("bias_term") ? weight(context, 1, "a bias", [outputs]) : new Float32Array(outputs);
  const operands = [reshape(context, bottom, [rows, inputs]), weights, constant(context, "bias", [outputs], bias)];
  const product = emit(context, "Gemm", operands, [rows, outputs], { transB: transposed ? 0 : 1 });
  return reshape(context, product, [...lead, outputs]);
}

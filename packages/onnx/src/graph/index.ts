export type { AttributeProto, NodeProto, TensorProto } from "onnx-buf";
export {
  floatAttribute,
  intAttribute,
  intsAttribute,
  intTensor,
  nodeOf,
  type OpenShape,
  tensorOf,
} from "./encode.ts";
export { encodeModel, type GraphContent, type GraphPort } from "./write.ts";

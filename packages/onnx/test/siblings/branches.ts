import {
  floatAttribute as float,
  intAttribute as int,
  intsAttribute as ints,
  nodeOf as node,
  valueInfo,
} from "../../src/graph/encode.ts";
import {
  boolTensor,
  call,
  constant,
  floats,
  graphAttribute,
  LOCAL,
  local,
  net,
  norm,
  old,
  open,
  referred,
} from "./net.ts";
import { body, branch, P } from "./parts.ts";

/** Branches of If. Every normalization in these models is compared. */
export const BRANCHES: Readonly<Record<string, Uint8Array>> = {
  "every size open, and only the branch tells the channels": net({
    nodes: [branch("c0", "Y", [norm("X", "t")], "t", [node("Neg", "", ["X"], ["q"])], "q")],
    weights: [boolTensor("c0", true)],
    inputs: [valueInfo("X", 1, ["N", "C", "L"])],
  }),
  "a function called in a branch": net({
    imports: LOCAL,
    nodes: [
      node(
        "If",
        "o",
        ["c0"],
        ["Y"],
        [
          graphAttribute("then_branch", {
            node: [call("g", ["X", "scale", "B", "mean", "var"], ["t"])],
            output: [open("t")],
          }),
          graphAttribute("else_branch", { node: [node("Neg", "", ["X"], ["q"])], output: [open("q")] }),
        ],
      ),
    ],
    weights: [boolTensor("c0", true)],
    functions: [
      local("g", ["x", "s", "b", "m", "v"], ["y"], [node("BatchNormalization", "b", ["x", "s", "b", "m", "v"], ["y"])]),
    ],
  }),
  "an attribute by reference in a branch of a function": net({
    imports: LOCAL,
    nodes: [call("g", ["X"], ["Y"], [float("e", 0.25)])],
    functions: [
      local(
        "g",
        ["x"],
        ["y"],
        body([
          constant("c", boolTensor("", true)),
          branch(
            "c",
            "y",
            [node("BatchNormalization", "b", ["x", ...P], ["t"], [referred("epsilon", "e")])],
            "t",
            [node("Neg", "", ["x"], ["q"])],
            "q",
          ),
        ]),
        { attribute: ["e"] },
      ),
    ],
  }),
  "a branch of a function that reads what lies around it": net({
    imports: LOCAL,
    nodes: [call("g", ["X"], ["a"]), call("g", ["a"], ["Y"])],
    functions: [
      local(
        "g",
        ["x"],
        ["y"],
        body([
          node("Abs", "", ["var"], ["v2"]),
          constant("c", boolTensor("", false)),
          branch(
            "c",
            "y",
            [node("Neg", "", ["x"], ["q"])],
            "q",
            [node("BatchNormalization", "b", ["x", "scale", "B", "mean", "v2"], ["t"])],
            "t",
          ),
        ]),
      ),
    ],
  }),
  "operator set 6, a branch in a branch": net({
    opset: 6,
    ir: 3,
    nodes: [
      old("X", "a"),
      branch(
        "c0",
        "Y",
        [
          branch(
            "c0",
            "z",
            [old("a", "t"), node("Dropout", "", ["t"], ["t2"], [int("is_test", 1)])],
            "t2",
            [node("Neg", "", ["a"], ["e"])],
            "e",
            "i",
          ),
        ],
        "z",
        [node("Neg", "", ["a"], ["q"], [ints("consumed_inputs", [0])])],
        "q",
      ),
    ],
    weights: [boolTensor("c0", true)],
  }),
  "operator set 1, a broadcast in a branch by a tensor from around it": net({
    opset: 1,
    ir: 3,
    nodes: [
      old("X", "a"),
      node("Neg", "", ["k"], ["nk"]),
      branch(
        "c0",
        "Y",
        [node("Mul", "", ["a", "nk"], ["u"], [int("broadcast", 1), int("axis", 1)]), old("u", "t")],
        "t",
        [node("Neg", "", ["a"], ["q"])],
        "q",
      ),
    ],
    weights: [boolTensor("c0", true), floats("k", [3], 1, 2, 3)],
  }),
};

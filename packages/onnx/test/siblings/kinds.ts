import { BRANCHES } from "./branches.ts";
import { FUNCTIONS } from "./functions.ts";
import { GRAPHS } from "./graphs.ts";
import { INPUTS } from "./inputs.ts";
import { ODD } from "./odd.ts";
import { OLD_OPERATORS } from "./old-operators.ts";
import { PARAMETERS_FROM } from "./parameters.ts";
import { TRAINING } from "./training.ts";

/** Kinds of models in which every normalization is compared. */
export const COMPARED: Readonly<Record<string, Uint8Array>> = {
  ...BRANCHES,
  ...FUNCTIONS,
  ...GRAPHS,
  ...INPUTS,
  ...ODD,
  ...OLD_OPERATORS,
  ...PARAMETERS_FROM,
  ...TRAINING,
};

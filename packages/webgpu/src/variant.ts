import { LIBRARY, SHADERS } from "./generated/shaders.ts";

export type KernelName = keyof typeof SHADERS;

/** Names that a kernel tests with `#if`. */
export type Flag =
  | "VEC4"
  | "COEF4"
  | "INNER1"
  | "ACROSS"
  | "ALONE"
  | "RUNS"
  | "ONCE"
  | "SURE"
  | "IN_PLACE"
  | "GAMMA"
  | "BETA"
  | "D_GAMMA"
  | "D_BETA"
  | "SUMS"
  | "AVERAGE"
  | "SPLIT"
  | "DEVIATIONS"
  | "TOGETHER"
  | "UNIFORM_ATOMICS";

export type Flags = Readonly<Partial<Record<Flag, boolean>>>;

/** The lines of a file, with those of the library in place of each `#include`. */
function linesOf(text: string): string[] {
  return text.split("\n").flatMap((line) => {
    const [directive, name] = line.split(" ");
    return directive === "#include" ? linesOf(LIBRARY[name as keyof typeof LIBRARY]) : [line];
  });
}

/**
 * Returns the WGSL of a kernel with `flags` decided and `constants` declared. The text of branches that are not taken
 * is removed. A reduction's entry point calls the function `entry`.
 */
export function variantOf(
  kernel: KernelName,
  entry: string,
  flags: Flags,
  constants: Readonly<Record<string, number>>,
): string {
  const lines = Object.entries(constants).map(([name, value]) => `const ${name} = ${value}u;`);
  const taken: boolean[] = [];
  for (const line of linesOf(SHADERS[kernel])) {
    const [directive, name = ""] = line.split(" ");
    if (directive === "#if") {
      taken.push(name.startsWith("!") ? !flags[name.slice(1) as Flag] : flags[name as Flag] === true);
    } else if (directive === "#else") taken.push(!taken.pop());
    else if (directive === "#endif") taken.pop();
    else if (taken.every(Boolean)) lines.push(directive === "#entry" ? `${entry}(here, local);` : line);
  }
  return lines.join("\n");
}

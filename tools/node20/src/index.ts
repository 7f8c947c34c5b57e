import { fileURLToPath } from "node:url";

/**
 * The executable of Node 20, the oldest version that the packages support. It has a package of its own, because a
 * package that depends on npm's `node` runs all its scripts on it, and those need a newer one.
 */
export const NODE_20: string = fileURLToPath(new URL("bin/node", import.meta.resolve("node/package.json")));

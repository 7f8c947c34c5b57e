import { fileURLToPath } from "node:url";

/**
 * The executable of Node 20, the oldest that the packages run on. A package of its own: whoever depends on npm's `node`
 * runs all its scripts on it, and those need a newer one.
 */
export const NODE_20: string = fileURLToPath(new URL("bin/node", import.meta.resolve("node/package.json")));

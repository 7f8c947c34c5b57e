/** `node --import @bn/gpu-setup/register ...`: the adapter is there before the program starts. */
import { setUpAdapter } from "./adapter.ts";

await setUpAdapter();

/** `node --import @bn/gpu-setup/register ...` sets up the adapter before the program starts. */
import { setUpAdapter } from "./adapter.ts";

await setUpAdapter();

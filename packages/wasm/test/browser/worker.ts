/** The suite in a dedicated worker: its answer, or the reason why there is none. */
import { runSuite } from "./suite.ts";

globalThis.onmessage = async ({ data }: MessageEvent<{ goldens: string; threads: number }>) => {
  const answer = await runSuite(data.goldens, data.threads).catch((error: unknown) => ({ failed: String(error) }));
  globalThis.postMessage(answer);
};

/** Runs the suite in a dedicated worker. It posts the result, or the error if there is no result. */
import { runSuite } from "./suite.ts";

globalThis.onmessage = async ({ data }: MessageEvent<{ goldens: string; threads: number }>) => {
  const answer = await runSuite(data.goldens, data.threads).catch((error: unknown) => ({ failed: String(error) }));
  globalThis.postMessage(answer);
};

/**
 * The code of a helper thread: plain JavaScript as text, so that Node, browsers and bundlers need no second file, and
 * no minifier can break it. A helper receives its memory once, reports that it is ready, and works until the stop flag
 * is set.
 */
export const WORKER = `"use strict";
const node = typeof require === "function";
const port = node ? require("node:worker_threads").parentPort : self;
const live = ({ module, memory, scratch, helpers, thread, stop }) => {
  const imports = { env: { memory }, job: { settle() {} } };
  const { configure, help } = new WebAssembly.Instance(module, imports).exports;
  configure(scratch, helpers, thread);
  port.postMessage("ready");
  while (help(stop));
  if (!node) self.close();
};
if (node) port.once("message", live);
else port.onmessage = ({ data }) => {
  navigator.locks.request(data.lock, () => live(data)).catch((error) => {
    if (error.name === "SecurityError") live(data);
    else reportError(error);
  });
};
`;

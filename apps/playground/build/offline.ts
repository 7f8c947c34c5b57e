import { createHash } from "node:crypto";
import type { Plugin } from "vite";

/** Files that are fetched when they are first needed, and then kept: ONNX Runtime alone has 14 MB. */
const ON_DEMAND = /\.wasm$|^(samples|goldens|results)\/|\.(woff|ttf)$/;

/** Writes `service-worker.js`, which keeps the page for visits without a network. It lists every file of this build. */
export function offline(): Plugin {
  return {
    name: "bn-offline",
    apply: "build",
    generateBundle: {
      order: "post",
      handler(_options, bundle) {
        const names = Object.keys(bundle).filter((name) => !name.endsWith(".map"));
        const first = ["./", ...names.filter((name) => !ON_DEMAND.test(name) && name !== "index.html").sort()];
        const digest = createHash("sha256");
        for (const name of names.sort()) {
          const one = bundle[name];
          digest.update(name);
          if (one) digest.update(one.type === "chunk" ? one.code : one.source);
        }
        const source = WORKER.replace("VERSION", JSON.stringify(`bn-${digest.digest("hex").slice(0, 12)}`)).replace(
          "FILES",
          JSON.stringify(first),
        );
        this.emitFile({ type: "asset", fileName: "service-worker.js", source });
      },
    },
  };
}

/**
 * Answers from the cache of this version, otherwise from the network, and stores that answer. Every answer isolates the
 * page (COOP, COEP), so that a host that cannot set headers has threads from the second load on. Everything that the
 * page loads is of its own origin, so isolation costs nothing.
 */
const WORKER = `const version = VERSION;
const files = FILES;
const isolate = (response) => {
  if (response.type === "opaque" || response.status === 0) return response;
  const headers = new Headers(response.headers);
  headers.set("Cross-Origin-Opener-Policy", "same-origin");
  headers.set("Cross-Origin-Embedder-Policy", "require-corp");
  headers.set("Cross-Origin-Resource-Policy", "same-origin");
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
};
addEventListener("install", (event) => {
  event.waitUntil(caches.open(version).then((cache) => cache.addAll(files)).then(() => skipWaiting()));
});
addEventListener("activate", (event) => {
  const old = (names) => Promise.all(names.filter((name) => name.startsWith("bn-") && name !== version).map((name) => caches.delete(name)));
  event.waitUntil(caches.keys().then(old).then(() => clients.claim()));
});
addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin || !url.href.startsWith(registration.scope)) return;
  const answer = async () => {
    const cache = await caches.open(version);
    const kept = await cache.match(request, { ignoreSearch: true, ignoreVary: true });
    if (kept) return isolate(kept);
    const response = await fetch(request);
    // the response does not wait for the disk
    if (response.status === 200) event.waitUntil(cache.put(request, response.clone()).catch(() => {}));
    return isolate(response);
  };
  event.respondWith(answer());
});
`;

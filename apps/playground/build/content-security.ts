import type { Plugin } from "vite";

/**
 * The content security policy of the built page. It may connect only to its own host, so a file that is dropped in
 * cannot leave the browser. WebAssembly needs 'wasm-unsafe-eval', the threads of @bn/wasm and ONNX Runtime start from
 * blobs, and KaTeX sets styles.
 */
const POLICY = [
  "default-src 'self'",
  "script-src 'self' 'wasm-unsafe-eval' blob:",
  "worker-src 'self' blob:",
  "connect-src 'self' blob: data:",
  "img-src 'self' blob: data:",
  "style-src 'self' 'unsafe-inline'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

export function contentSecurity(): Plugin {
  return {
    name: "bn-content-security",
    apply: "build",
    transformIndexHtml: () => [
      { tag: "meta", attrs: { "http-equiv": "Content-Security-Policy", content: POLICY }, injectTo: "head-prepend" },
    ],
  };
}

/**
 * A property of this browser that determines which backends run: the fact, its meaning, and how to get what is missing.
 */
export interface Fact {
  readonly name: string;
  readonly good: boolean;
  readonly value: string;
  /** Empty if nothing is missing. */
  readonly cure: string;
}

export function environment(): Fact[] {
  return [webgpuFact(), threadsFact(), processorsFact(), offlineFact()];
}

export const processors = (): number => navigator.hardwareConcurrency || 1;

function webgpuFact(): Fact {
  const name = "WebGPU";
  if ("gpu" in navigator && navigator.gpu) return good(name, "available; an adapter is requested on first use");
  if (isSecureContext) return { name, good: false, value: "missing", cure: webgpuCure(navigator.userAgent) };
  const value = "hidden: this page came over plain http";
  return { name, good: false, value, cure: "Open the page over https, or from localhost." };
}

const good = (name: string, value: string): Fact => ({ name, good: true, value, cure: "" });

/** The advice depends on the engine, because each hides the setting in another place. */
export function webgpuCure(agent: string): string {
  if (/Firefox\//.test(agent))
    return "Firefox has WebGPU on Windows and on recent Macs; elsewhere set dom.webgpu.enabled in about:config.";
  if (/(Chrome|Chromium|Edg)\//.test(agent))
    return "Chrome and Edge have it from version 113. On Linux start with --enable-unsafe-webgpu, and see chrome://gpu for the reason why it is off.";
  if (/Safari\//.test(agent))
    return "Safari has WebGPU from version 26; in older versions, switch it on under Develop, Feature Flags. WebKitGTK does not have it yet.";
  return "Use a current Chrome, Edge, Firefox or Safari. cpu and wasm run without it.";
}

function threadsFact(): Fact {
  const name = "Threads of wasm";
  if (typeof SharedArrayBuffer === "function" && crossOriginIsolated)
    return good(name, "available: the page is cross-origin isolated");
  if (crossOriginIsolated) {
    const value = "missing: this browser engine cannot share memory with workers";
    return { name, good: false, value, cure: "wasm runs on one thread." };
  }
  const cure =
    "serviceWorker" in navigator && isSecureContext
      ? "Reload once: from the second load on, the page's service worker makes it cross-origin isolated. Or serve the page with the headers COOP same-origin and COEP require-corp."
      : "Serve the page over https with the headers COOP same-origin and COEP require-corp.";
  return { name, good: false, value: "off: the page is not cross-origin isolated", cure };
}

function processorsFact(): Fact {
  const count = processors();
  const cure = count > 2 ? "" : "Runs take longer here; you can cancel each of them.";
  return { name: "Processors", good: count > 1, value: String(count), cure };
}

function offlineFact(): Fact {
  const name = "Offline";
  if ("serviceWorker" in navigator) {
    const kept = navigator.serviceWorker.controller !== null;
    return good(name, kept ? "the page is stored for use without a network" : "after this visit");
  }
  const cure = "Private windows and plain http have no service workers.";
  return { name, good: false, value: "not possible here", cure };
}

/** `Firefox 153.0`, `Chrome 153.0.0.0`: the engine's name and version from the user agent. */
export function browserText(agent: string): string {
  const found =
    /(Firefox|Edg|OPR|Chrome)\/[\d.]+/.exec(agent)?.[0] ??
    (/Version\/[\d.]+ .*Safari/.test(agent) ? `Safari ${/Version\/([\d.]+)/.exec(agent)?.[1]}` : agent);
  const text = found.replace("/", " ").replace("Edg ", "Edge ").replace("OPR ", "Opera ");
  return /Linux/.test(agent) && text.startsWith("Safari") ? text.replace("Safari", "WebKitGTK, as Safari") : text;
}

export function systemText(agent: string): string {
  return /\(([^)]*)\)/.exec(agent)?.[1] ?? "unknown";
}

import { render } from "preact";
import { App } from "./app.tsx";
import "./style.css";

const root = document.querySelector("#app") as HTMLElement;
root.replaceChildren();
render(<App />, root);

// Enables the page offline, and isolates it for threads on hosts without headers: build/offline.ts. The development
// server does neither.
if (import.meta.env.PROD && "serviceWorker" in navigator) {
  addEventListener("load", () => {
    // A host or a private window may refuse the service worker; the page then works without it.
    navigator.serviceWorker.register("./service-worker.js").catch(() => {});
  });
}

import { render } from "preact";
import { App } from "./app.tsx";
import "./style.css";

const root = document.querySelector("#app") as HTMLElement;
root.replaceChildren();
render(<App />, root);

// Offline, and isolated for threads on hosts without headers: build/offline.ts. The development server has neither.
if (import.meta.env.PROD && "serviceWorker" in navigator) {
  addEventListener("load", () => {
    // A host or a private window may refuse it: the page then lives without.
    navigator.serviceWorker.register("./service-worker.js").catch(() => {});
  });
}

import { useLayoutEffect, useRef } from "preact/hooks";
import { Home } from "./home.tsx";
import { PANELS, type PanelEntry } from "./panels.ts";
import { ProblemBox } from "./parts/problem-box.tsx";
import { useLoaded } from "./parts/use-loaded.ts";
import { hashOf, useRoute } from "./route.ts";

export function App() {
  const { panel, params } = useRoute();
  const entry = PANELS.find(({ id }) => id === panel);
  const heading = useRef<HTMLHeadingElement>(null);
  const first = useRef(true);
  const title = entry?.title ?? "Batch normalization, in your own browser";
  // With the panel, not after it has been painted: keys that follow at once belong to it.
  useLayoutEffect(() => {
    document.title = entry ? `${entry.title} - @bn playground` : "@bn playground";
    if (!first.current) heading.current?.focus(); // a screen reader continues at the new panel
    first.current = false;
  }, [entry]);
  return (
    <>
      <button type="button" class="skip" onClick={() => heading.current?.focus()}>
        Skip to the content
      </button>
      <header class="top">
        <a class="brand" href={hashOf("")}>
          <img src="./icon.svg" alt="" width="28" height="28" />
          <span>@bn playground</span>
        </a>
        <nav aria-label="Panels">
          {PANELS.map(({ id, title }) => (
            <a key={id} href={hashOf(id)} aria-current={id === panel ? "page" : undefined}>
              {title}
            </a>
          ))}
        </nav>
      </header>
      <main id="content">
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {entry ? <Lazy key={entry.id} entry={entry} params={params} /> : <Home unknown={panel} />}
      </main>
      <footer>
        Everything is computed in this browser. Nothing is uploaded and nobody is counted. @bn {VERSIONS["@bn/core"]},
        MIT.
      </footer>
    </>
  );
}

/** Loads a panel's code when it is opened, and reserves its place until then. */
function Lazy({ entry, params }: { readonly entry: PanelEntry; readonly params: URLSearchParams }) {
  const { value: Panel, problem } = useLoaded(() => entry.load(), [entry], "This part of the page could not be loaded");
  if (problem) return <ProblemBox problem={problem} />;
  if (!Panel) return <p class="loading">Loading {entry.title} ...</p>;
  return <Panel params={params} />;
}

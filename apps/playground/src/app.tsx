import type { ComponentType } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Home } from "./home.tsx";
import { PANELS, type PanelEntry, type PanelProps } from "./panels.ts";
import { type Problem, problemOf } from "./parts/problem.ts";
import { ProblemBox } from "./parts/problem-box.tsx";
import { hashOf, useRoute } from "./route.ts";

export function App() {
  const { panel, params } = useRoute();
  const entry = PANELS.find(({ id }) => id === panel);
  const heading = useRef<HTMLHeadingElement>(null);
  const first = useRef(true);
  const title = entry?.title ?? "Batch normalization, in your own browser";
  useEffect(() => {
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
  const [panel, setPanel] = useState<{ readonly Panel: ComponentType<PanelProps> } | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  useEffect(() => {
    let here = true;
    entry.load().then(
      (Panel) => here && setPanel({ Panel }),
      (error: unknown) => here && setProblem(problemOf(error, "This part of the page could not be loaded")),
    );
    return () => {
      here = false;
    };
  }, [entry]);
  if (problem) return <ProblemBox problem={problem} />;
  if (!panel) return <p class="loading">Loading {entry.title} ...</p>;
  return <panel.Panel params={params} />;
}

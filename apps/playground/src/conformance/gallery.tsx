import { type JsonReport, parseReport } from "@bn/conformance/report";
import { useEffect, useState } from "preact/hooks";
import { Scroll } from "../parts/scroll.tsx";

interface Entry {
  readonly name: string;
  readonly report: JsonReport;
}

/** Results of other browsers and engines, as CI made them with this page. */
export function Gallery() {
  const [entries, setEntries] = useState<readonly Entry[] | null>(null);
  useEffect(() => {
    let here = true;
    loadGallery().then(
      (found) => here && setEntries(found),
      () => here && setEntries([]),
    );
    return () => {
      here = false;
    };
  }, []);
  return (
    <section class="gallery">
      <h2>Results of other engines</h2>
      {entries === null && <p class="loading">Loading the results ...</p>}
      {entries?.length === 0 && (
        <p class="soft">
          This build has none: it shows the reports that lie in <code>apps/playground/results</code> when it is made.
        </p>
      )}
      {entries && entries.length > 0 && (
        <Scroll label="Results by engine">
          <table class="results">
            <thead>
              <tr>
                <th scope="col">engine</th>
                <th scope="col">date</th>
                <th scope="col">suite</th>
                <th scope="col">results</th>
                <th scope="col">file</th>
              </tr>
            </thead>
            <tbody>
              {entries.map((entry) => (
                <GalleryRow key={entry.name} entry={entry} />
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </section>
  );
}

function GalleryRow({ entry: { name, report } }: { readonly entry: Entry }) {
  const { run, results } = report;
  const backends = [...new Set(results.map(({ backend }) => backend))];
  const of = (backend: string, status: string) =>
    results.filter((r) => r.backend === backend && r.status === status).length;
  return (
    <tr>
      <th scope="row">{run?.runtime ?? name}</th>
      <td>{run?.date.slice(0, 10)}</td>
      <td>
        {run?.suite}, {run?.tier}
        {run?.ended && `, ${run.ended}`}
      </td>
      <td>
        {backends.map((backend) => (
          <div key={backend}>
            {backend}: {of(backend, "passed")} passed, {of(backend, "failed")} failed, {of(backend, "skipped")} skipped
            {of(backend, "notRun") > 0 && `, ${of(backend, "notRun")} not run`}
          </div>
        ))}
        {run?.notStarted.map(({ backend, reason }) => (
          <div key={backend} class="soft">
            {backend}: {reason}
          </div>
        ))}
      </td>
      <td>
        <a href={`./results/${name}`} download={name}>
          {name}
        </a>
      </td>
    </tr>
  );
}

async function loadGallery(): Promise<Entry[]> {
  const names: unknown = await fetchJson("results/index.json");
  if (!Array.isArray(names)) return [];
  return Promise.all(
    names
      .map(String)
      .map(async (name) => ({ name, report: parseReport(name, await (await fetched(`results/${name}`)).text()) })),
  );
}

const fetchJson = async (path: string): Promise<unknown> => (await fetched(path)).json();

async function fetched(path: string): Promise<Response> {
  const response = await fetch(new URL(path, document.baseURI));
  if (!response.ok) throw new Error(`HTTP ${response.status} for ${path}`);
  return response;
}

import { fetched } from "../parts/fetched.ts";
import { ProblemBox } from "../parts/problem-box.tsx";
import { Heads, Table } from "../parts/table.tsx";
import { useLoaded } from "../parts/use-loaded.ts";
import type { GalleryBackend, GalleryEntry } from "./gallery-entry.ts";
import type { Source } from "./reports.ts";

interface GalleryProps {
  readonly onCompare: (source: Source) => void;
}

/** Results of other browsers and engines, as CI made them with this page. */
export function Gallery({ onCompare }: GalleryProps) {
  const { value: entries, problem } = useLoaded(loadGallery, [], "The results could not be loaded");
  return (
    <section class="gallery">
      <h2>Results of other engines</h2>
      {problem && <ProblemBox problem={problem} />}
      {!problem && !entries && <p class="loading">Loading the results ...</p>}
      {entries?.length === 0 && (
        <p class="soft">
          This build has none: it shows the reports that lie in <code>apps/playground/results</code> when it is made.
        </p>
      )}
      {entries && entries.length > 0 && (
        <Table
          label="Results by engine"
          class="results"
          head={<Heads of={["engine", "date", "suite", "results", "file"]} />}
        >
          {entries.map((entry) => (
            <GalleryRow key={entry.file} entry={entry} onCompare={onCompare} />
          ))}
        </Table>
      )}
    </section>
  );
}

function GalleryRow({ entry, onCompare }: GalleryProps & { readonly entry: GalleryEntry }) {
  const { file, runtime, os, date, suite, tier, ended, backends, notStarted } = entry;
  return (
    <tr>
      <th scope="row">
        {runtime}
        <div class="soft">{os}</div>
      </th>
      <td class="date">{date.slice(0, 10)}</td>
      <td>
        {suite}, {tier}
        {ended !== null && `, ${ended}`}
      </td>
      <td>
        {backends.map((one) => (
          <BackendResult key={one.name} backend={one} />
        ))}
        {notStarted.map(({ backend, reason }) => (
          <div key={backend} class="soft">
            {reason.startsWith(`${backend}: `) ? reason : `${backend}: ${reason}`}
          </div>
        ))}
      </td>
      <td>
        <a href={`./results/${file}`} download={file}>
          {file}
        </a>
        <button
          type="button"
          onClick={() => onCompare({ name: file, text: async () => (await fetched(`results/${file}`)).text() })}
        >
          Compare
        </button>
      </td>
    </tr>
  );
}

function BackendResult({ backend: { name, counts, facts } }: { readonly backend: GalleryBackend }) {
  const { passed, failed, skipped, notRun } = counts;
  return (
    <div>
      {name}: {passed} passed, {failed > 0 ? <b class="failed">{failed} failed</b> : "0 failed"}, {skipped} skipped
      {notRun > 0 && `, ${notRun} not run`}
      {facts.length > 0 && <div class="soft">{facts.join("; ")}</div>}
    </div>
  );
}

async function loadGallery(): Promise<readonly GalleryEntry[]> {
  return (await fetched("results/index.json")).json(); // of the same build as this code
}

import { type Html, html, trusted } from "./escape.ts";
import { type Report, ratioText } from "./table.ts";

/** The number of rows that are shown at once. More can be shown on request. */
const ROWS = 100;

const COLUMNS = ["Case", "Clause", "Backend", "Status", "Error / bound", "Reason"] as const;

/**
 * All results as a table that its script fills, sorts and filters. Failures come first, then the results nearest to
 * their bounds.
 */
export function caseTable({ results }: Report): Html {
  const rank = { failed: 0, notRun: 1, passed: 2, skipped: 3 } as const;
  const rows = results
    .toSorted((a, b) => rank[a.status] - rank[b.status] || (b.ratio ?? -1) - (a.ratio ?? -1))
    .map((r) => [
      r.id,
      r.clause,
      r.backend,
      r.status === "notRun" ? "not run" : r.known ? "known" : r.status,
      ratioText(r.ratio),
      r.reason,
      r.ratio !== null && Number.isFinite(r.ratio) ? r.ratio : r.ratio === null ? -1 : 1e308,
    ]);
  // `<` is escaped, so that no text can end the element.
  const data = trusted(JSON.stringify(rows).replaceAll("<", "\\u003c"));
  return html`<div class="filter"><input id="filter" type="search" placeholder="Filter by words: id, clause, backend, status" aria-label="Filter"><span class="counts" id="shown"></span></div>
<div class="panel"><table class="cases" id="cases">
<thead><tr>${COLUMNS.map((name, i) => html`<th${i === 4 ? html` class="ratio"` : html``}><button type="button" data-column="${i}">${name}</button></th>`)}</tr></thead>
<tbody></tbody>
</table><noscript>The table needs JavaScript; the JSON report has the same results.</noscript>
<button type="button" id="more">Show ${ROWS} more</button></div>
<script type="application/json" id="results">${data}</script>`;
}

/** The script writes text, never markup. */
export const TABLE_SCRIPT = `
const all = JSON.parse(document.querySelector("#results").textContent);
const [table, input, shown, more] = ["#cases", "#filter", "#shown", "#more"].map((s) => document.querySelector(s));
const names = ${JSON.stringify(COLUMNS)};
const texts = new Map(all.map((row) => [row, row.slice(0, 6).join(" ").toLowerCase()]));
let [column, down, count] = [-1, false, ${ROWS}];
function cell(text, i, row) {
  const td = document.createElement("td");
  td.className = ["id", "", "", "status-" + row[3].replace(" ", "-"), "ratio", "why"][i];
  td.dataset.name = names[i];
  for (const part of String(text).split(/(?<=[\\/\\-#@,])/)) td.append(part, document.createElement("wbr"));
  return td;
}
function show() {
  const words = input.value.toLowerCase().split(/\\s+/).filter(Boolean);
  const rows = all.filter((row) => words.every((word) => texts.get(row).includes(word)));
  const key = (row) => row[column === 4 ? 6 : column];
  if (column >= 0) rows.sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0) * (down ? -1 : 1));
  table.tBodies[0].replaceChildren(...rows.slice(0, count).map((row) => {
    const tr = document.createElement("tr");
    tr.append(...row.slice(0, 6).map((text, i) => cell(text, i, row)));
    return tr;
  }));
  shown.textContent = Math.min(count, rows.length) + " of " + rows.length;
  more.hidden = rows.length <= count;
}
table.tHead.addEventListener("click", ({ target }) => {
  const button = target.closest("button");
  if (!button) return;
  const next = Number(button.dataset.column);
  [column, down] = [next, next === column ? !down : next === 4];
  for (const one of table.tHead.querySelectorAll("th")) one.removeAttribute("aria-sort");
  button.parentElement.setAttribute("aria-sort", down ? "descending" : "ascending");
  show();
});
input.addEventListener("input", () => { count = ${ROWS}; show(); });
more.addEventListener("click", () => { count += ${ROWS}; show(); });
show();
`;

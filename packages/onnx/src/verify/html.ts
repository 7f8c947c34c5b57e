import {
  DEPTH_STYLE,
  type DepthSeries,
  depthPlot,
  type Html,
  html,
  ratioText,
  reportPage,
} from "@bn/conformance/report";
import { type Finding, findings, worstOf } from "./findings.ts";
import { type BackendRow, countRows, type VerifyReport, type VerifyRow, verifyFault } from "./report.ts";

const OFFENDERS = 12;
const OWN_STYLE = `
.offenders td { white-space: nowrap; } .offenders th, .offenders td[data-name="Who"], .offenders td[data-name="Against"] { white-space: normal; }
.nodes th { white-space: normal; vertical-align: bottom; } .nodes .why { font: 13px/1.5 system-ui, sans-serif; color: var(--soft); }
.cases td.id { white-space: normal; overflow-wrap: anywhere; min-width: 12em; } .nodes td.id { min-width: 30ch; }
h1, .panel li { overflow-wrap: anywhere; }
.cases td.ratio.over { color: var(--bad); font-weight: 600; }
@media (max-width: 900px) {
  .cases thead { display: none; } .cases, .cases tbody, .cases tr, .cases td { display: block; width: 100%; }
  .cases tr { display: flex; flex-direction: column; border-top: 1px solid var(--line); padding: 8px 0; } .cases td.id { order: -1; } .cases td { border: 0; padding: 1px 0; text-align: left; }
  .cases td.ratio { text-align: left; } .cases td.id, .nodes td.id { min-width: 0; font-weight: 600; } .offenders td { white-space: normal; }
  .cases td[data-name]::before { content: attr(data-name) ": "; color: var(--soft); } .cases td:empty { display: none; }
}
`;

/** The report of `bn verify` as one HTML file that loads nothing. Every name in it is escaped. */
export function verifyHtml(title: string, report: VerifyReport, allowNone = false): string {
  const { passed, failed, skipped } = countRows(report.rows);
  const fault = verifyFault(report, allowNone);
  const names = report.rows[0]?.backends.map(({ backend }) => backend) ?? [];
  const nodes = report.rows.length;
  const body = html`<p>${report.inputs.map(({ name, type, shape }) => `input ${name}: ${type} ${shape.join("x")}`).join(" · ")}</p>
<h2>Error by depth</h2>
<p>The largest error of each node as a fraction of its bound, on a log scale. Point at a dot for its name.</p>
<div class="panel">${depthPlot(seriesOf(report), nodes, "node, in the order of the network")}</div>
<h2>Worst offenders</h2>
<p>The comparisons that are nearest to their bound or beyond it. A ratio of at most 1 passes.</p>
<div class="panel">${offenders(worstOf(report, OFFENDERS))}</div>
${diagnostics(report)}
<h2>Nodes, worst first</h2>
<div class="filter"><input id="filter" type="search" placeholder="Filter by words: node, shape, status" aria-label="Filter"><span class="counts" id="shown">${report.rows.length} shown</span></div>
<div class="panel"><table class="cases nodes">
<thead><tr><th>Node</th><th>Shape</th><th>Type</th><th class="ratio">|mean| / std</th><th class="ratio">ONNX Runtime ~ float64</th>${names.map((name) => html`<th class="ratio">${name} ~ float64</th><th class="ratio">${name} ~ ONNX Runtime</th>`)}</tr></thead>
<tbody>${worstFirst(report.rows).map(nodeRow)}</tbody>
</table></div>`;
  return reportPage({
    title: `bn verify ${title}: ${fault ?? "all passed"}`,
    heading: title,
    verdict: fault ?? "all passed",
    failed: fault !== null,
    counts: [
      `${nodes} normalization ${nodes === 1 ? "node" : "nodes"}`,
      ...[`${passed} passed`, `${failed} failed`, `${skipped} skipped`],
    ],
    style: DEPTH_STYLE + OWN_STYLE,
    body,
  });
}

/**
 * ONNX Runtime, then each backend, compared with float64 and with ONNX Runtime. Colours distinguish the results; lines
 * against ONNX Runtime are hollow.
 */
function seriesOf(report: VerifyReport): DepthSeries[] {
  const all = findings(report);
  const whos = [...new Set(all.map(({ who }) => who))];
  const nameOf = ({ who, against }: Finding) => `${who} against ${against}`;
  return [...new Map(all.map((one) => [nameOf(one), one]))].map(([name, { who, against }]) => {
    const points = all
      .filter((one) => nameOf(one) === name)
      .map(({ depth, row, comparison: { ratio } }) => ({ depth, ratio, title: `${depth + 1}: ${row.node}, ${name}` }));
    const kind = `s${whos.indexOf(who) % 6}${against === "ONNX Runtime" ? " hollow" : ""}`;
    return { name, kind, judged: true, points };
  });
}

function offenders(found: readonly Finding[]): Html {
  if (found.length === 0) return html`<p>None: every comparison was exact.</p>`;
  return html`<table class="cases offenders"><thead><tr><th class="ratio">Error / bound</th><th>Node</th>${OFFENDER_CELLS.map(([name]) => html`<th>${name}</th>`)}</tr></thead>
<tbody>${found.map(
    ({ row, who, against, comparison: { ratio, at, got, expected, error, bound } }) =>
      html`<tr>${ratioCell(ratio, "Error / bound")}<td class="id">${row.node}</td>${OFFENDER_CELLS.map(
        ([name, text]) => html`<td data-name="${name}">${text({ who, against, at, got, expected, error, bound })}</td>`,
      )}</tr>
`,
  )}</tbody></table>`;
}

type Offender = Pick<Finding, "who" | "against"> &
  Pick<Finding["comparison"], "at" | "got" | "expected" | "error" | "bound">;

const OFFENDER_CELLS: readonly (readonly [name: string, text: (one: Offender) => string])[] = [
  ["Who", ({ who }) => who],
  ["Against", ({ against }) => against],
  ["(outer, channel, inner)", ({ at }) => `(${at.outer}, ${at.channel}, ${at.inner})`],
  ["Got", ({ got }) => digits(got)],
  ["Expected", ({ expected }) => digits(expected)],
  ["Error", ({ error }) => error.toPrecision(2)],
  ["Allowed", ({ bound }) => bound.toPrecision(2)],
];

/** Rows without numbers come last, in the network's order. */
function worstFirst(rows: readonly VerifyRow[]): VerifyRow[] {
  const worst = ({ onnxRuntime, backends }: VerifyRow) =>
    [onnxRuntime, ...backends.flatMap(({ float64, onnxRuntime }) => [float64, onnxRuntime])].reduce(
      (most, one) => Math.max(most, one === null ? -1 : Number.isNaN(one.ratio) ? Number.POSITIVE_INFINITY : one.ratio),
      -1,
    );
  return rows.toSorted((a, b) => worst(b) - worst(a));
}

/** Ten digits distinguish adjacent float32 numbers. The JSON report has all digits. */
function digits(value: number): string {
  return String(Number(value.toPrecision(10)));
}

function diagnostics(report: VerifyReport): Html {
  if (report.diagnostics.length === 0) return html``;
  const items = report.diagnostics.map(({ kind, message }) => html`<li><b>${kind}</b>: ${message}</li>`);
  return html`<h2>Diagnostics</h2><div class="panel"><ul>${items}</ul></div>`;
}

function nodeRow({ node, shape, dtype, meanOverStd, onnxRuntime, reason, backends }: VerifyRow): Html {
  const words = `${node} ${shape.join("x")} ${dtype} ${backends.map(({ status }) => status).join(" ")}`;
  const told = backends.filter((one) => one.reason !== "").map((one) => `${one.backend}: ${one.reason}`);
  const reasons = reason === "" ? told : [reason, ...told];
  const ratios = ({ backend, float64, onnxRuntime }: BackendRow) =>
    html`${ratioCell(float64?.ratio ?? null, `${backend} ~ float64`)}${ratioCell(onnxRuntime?.ratio ?? null, `${backend} ~ ONNX Runtime`)}`;
  const size = Number.isNaN(meanOverStd) ? "-" : meanOverStd.toPrecision(3);
  return html`<tr data-find="${words}"><td class="id">${node}${reasons.map((reason) => html`<div class="why">${reason}</div>`)}</td><td data-name="Shape">${shape.join("x") || "-"}</td><td data-name="Type">${dtype || "-"}</td><td class="ratio" data-name="|mean| / std">${size}</td>${ratioCell(onnxRuntime?.ratio ?? null, "ONNX Runtime ~ float64")}${backends.map(ratios)}</tr>
`;
}

function ratioCell(ratio: number | null, name: string): Html {
  const over = ratio !== null && !(ratio <= 1);
  return html`<td class="ratio${over ? " over" : ""}" data-name="${name}">${ratioText(ratio)}</td>`;
}

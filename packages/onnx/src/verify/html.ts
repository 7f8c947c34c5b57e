import { type Html, html, ratioText, SCRIPT, STYLE, trusted } from "@bn/conformance/report";
import { type Finding, worstOf } from "./findings.ts";
import { depthPlot, seriesOf } from "./plot.ts";
import { type BackendRow, countRows, type VerifyReport, type VerifyRow, verifyPassed } from "./report.ts";

const OFFENDERS = 12;
const OWN_STYLE = `
polyline { fill: none; stroke: var(--c); stroke-width: 1.2; stroke-opacity: .45; }
polyline.hollow { stroke-dasharray: 4 4; }
circle.hollow { fill: var(--panel); fill-opacity: 1; stroke: var(--c); }
circle.hollow.over { fill: var(--bad); }
.dot.hollow { background: none; border: 2px solid var(--c); }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 0 0 8px; font-size: 13.5px; }
.legend span { display: inline-flex; align-items: center; gap: 6px; }
.offenders td { white-space: nowrap; }
.cases td.ratio.over { color: var(--bad); font-weight: 600; }
`;

/** The report of `bn verify` as one HTML file that loads nothing. Every name in it is escaped. */
export function verifyHtml(title: string, report: VerifyReport): string {
  const { passed, failed, skipped } = countRows(report.rows);
  const ok = verifyPassed(report, false);
  const names = report.rows[0]?.backends.map(({ backend }) => backend) ?? [];
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>bn verify ${title}: ${ok ? "all passed" : "failed"}</title>
<style>${trusted(STYLE)}${trusted(OWN_STYLE)}</style>
</head>
<body>
<main>
<header>
<h1>${title}</h1>
<span class="verdict${ok ? "" : " failed"}">${ok ? "all passed" : failed > 0 ? `${failed} failed` : "ONNX Runtime is off"}</span>
<span class="counts">${report.rows.length} BatchNormalization nodes · ${passed} passed · ${failed} failed · ${skipped} skipped</span>
</header>
<p>${report.inputs.map(({ name, type, shape }) => `input ${name}: ${type} ${shape.join("x")}`).join(" · ")}</p>
<h2>Error by depth</h2>
<p>The largest error of each node as a fraction of its bound, on a log scale. Point at one for its name.</p>
<div class="panel"><div class="legend">${seriesOf(report).map(({ name, kind }) => html`<span><i class="dot ${kind}"></i>${name}</span>`)}</div>${depthPlot(report)}</div>
<h2>Worst offenders</h2>
<p>What comes nearest to its bound, or passes it. At most 1 passes.</p>
<div class="panel">${offenders(worstOf(report, OFFENDERS))}</div>
${diagnostics(report)}
<h2>Nodes</h2>
<div class="filter"><input id="filter" type="search" placeholder="Filter by words: node, shape, status" aria-label="Filter"><span class="counts" id="shown">${report.rows.length} shown</span></div>
<div class="panel"><table class="cases">
<thead><tr><th>Node</th><th>Shape</th><th>Type</th><th class="ratio">|mean| / std</th><th class="ratio">ONNX Runtime ~ float64</th>${names.map((name) => html`<th class="ratio">${name} ~ float64</th><th class="ratio">${name} ~ ONNX Runtime</th>`)}<th></th></tr></thead>
<tbody>${report.rows.map(nodeRow)}</tbody>
</table></div>
</main>
<script>${trusted(SCRIPT)}</script>
</body>
</html>
`;
  return page.markup;
}

function offenders(found: readonly Finding[]): Html {
  if (found.length === 0) return html`<p>None: every comparison was exact.</p>`;
  return html`<table class="cases offenders"><thead><tr><th class="ratio">Error / bound</th><th>Node</th><th>Who</th><th>Against</th><th>(outer, channel, inner)</th><th>Got</th><th>Expected</th><th>Error</th><th>Allowed</th></tr></thead>
<tbody>${found.map(
    ({ row, who, against, comparison: { ratio, at, got, expected, error, bound } }) =>
      html`<tr>${ratioCell(ratio)}<td class="id">${row.node}</td><td>${who}</td><td>${against}</td><td>(${at.outer}, ${at.channel}, ${at.inner})</td><td class="mono">${digits(got)}</td><td class="mono">${digits(expected)}</td><td class="mono">${error.toPrecision(2)}</td><td class="mono">${bound.toPrecision(2)}</td></tr>
`,
  )}</tbody></table>`;
}

/** Ten digits tell two neighbours of float32 apart; all of them are in the JSON. */
function digits(value: number): string {
  return String(Number(value.toPrecision(10)));
}

function diagnostics(report: VerifyReport): Html {
  if (report.diagnostics.length === 0) return html``;
  const items = report.diagnostics.map(({ kind, message }) => html`<li><b>${kind}</b>: ${message}</li>`);
  return html`<h2>Diagnostics</h2><div class="panel"><ul>${items}</ul></div>`;
}

function nodeRow({ node, shape, dtype, meanOverStd, onnxRuntime, backends }: VerifyRow): Html {
  const words = `${node} ${shape.join("x")} ${dtype} ${backends.map(({ status }) => status).join(" ")}`;
  const reasons = backends.filter(({ reason }) => reason !== "").map(({ backend, reason }) => `${backend}: ${reason}`);
  const ratios = ({ float64, onnxRuntime }: BackendRow) =>
    html`${ratioCell(float64?.ratio ?? null)}${ratioCell(onnxRuntime?.ratio ?? null)}`;
  const size = Number.isNaN(meanOverStd) ? "-" : meanOverStd.toPrecision(3);
  return html`<tr data-find="${words}"><td class="id">${node}</td><td>${shape.join("x")}</td><td>${dtype}</td><td class="ratio">${size}</td>${ratioCell(onnxRuntime?.ratio ?? null)}${backends.map(ratios)}<td class="why">${reasons.join("; ")}</td></tr>
`;
}

function ratioCell(ratio: number | null): Html {
  const over = ratio !== null && !(ratio <= 1);
  return html`<td class="ratio${over ? " over" : ""}">${ratioText(ratio)}</td>`;
}

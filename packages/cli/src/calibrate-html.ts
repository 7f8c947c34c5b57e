import { type Html, html, reportPage } from "@bn/conformance/report";
import type { CalibrationRow, Spread } from "@bn/onnx/calibrate";
import { countCalibrated, LEGEND, numberText, remarksOf } from "./calibrate-report.ts";
import { type Scale, spreadPlot } from "./spread-plot.ts";

/**
 * The scale of shifts is linear up to 0.01 standard deviations and logarithmic beyond, so that both ends are visible.
 */
const SHIFT: Scale = {
  name: "shift in standard deviations",
  place: (value) => Math.asinh(value / 0.01),
  ticks: [-100, -10, -1, -0.1, -0.01, 0, 0.01, 0.1, 1, 10, 100],
  least: [-0.1, 0.1],
  neutral: 0,
};
const RATIO: Scale = {
  name: "new variance / old variance",
  place: Math.log10,
  ticks: [1e-8, 1e-6, 1e-4, 0.01, 0.1, 0.5, 1, 2, 10, 100, 1e4, 1e6, 1e8],
  least: [0.5, 2],
  neutral: 1,
};

/** The report of `bn calibrate` as one HTML file that loads nothing. Every name in it is escaped. */
export function calibrateHtml(title: string, rows: readonly CalibrationRow[]): string {
  const { recalibrated, left } = countCalibrated(rows);
  const done = rows.filter(({ status }) => status === "recalibrated");
  const spreads = (what: "shift" | "ratio") => done.map((row) => ({ name: row.node, spread: row[what] as Spread }));
  const remarks = done.flatMap(remarksOf);
  const body = html`<p>${LEGEND[0]} ${LEGEND[1]}</p>
<p>A bar reaches from the smallest to the largest value of a node's channels; the dot is the median. Point at a dot for the node's name.</p>
<h2>How far the means moved</h2>
<div class="panel">${spreadPlot(spreads("shift"), SHIFT)}</div>
<h2>How the variances changed</h2>
<div class="panel">${spreadPlot(spreads("ratio"), RATIO)}</div>
${remarks.length === 0 ? html`` : html`<h2>Remarks</h2><div class="panel"><ul>${remarks.map((text) => html`<li>${text}</li>`)}</ul></div>`}
<h2>Nodes</h2>
<div class="filter"><input id="filter" type="search" placeholder="Filter by words: node, status" aria-label="Filter"><span class="counts" id="shown">${rows.length} shown</span></div>
<div class="panel"><table class="cases">
<thead><tr><th>Node</th><th class="ratio">Channels</th><th class="ratio">Values per channel</th><th class="ratio">Shift, median</th><th class="ratio">least</th><th class="ratio">most</th><th class="ratio">Ratio, median</th><th class="ratio">least</th><th class="ratio">most</th><th></th></tr></thead>
<tbody>${rows.map(nodeRow)}</tbody>
</table></div>`;
  return reportPage({
    title: `bn calibrate ${title}`,
    heading: title,
    verdict: `${recalibrated} recalibrated`,
    failed: recalibrated === 0,
    counts: [`${rows.length} BatchNormalization nodes`, `${left} left`],
    style: OWN_STYLE,
    body,
  });
}

const OWN_STYLE = `
line.bar { stroke: var(--c, #4477aa); stroke-width: 4; stroke-opacity: .45; stroke-linecap: round; }
circle.median { fill: var(--c, #4477aa); }
`;

function nodeRow({ node, status, reason, channels, count, shift, ratio }: CalibrationRow): Html {
  const cells = (spread: Spread | null) =>
    [spread?.median, spread?.least, spread?.most].map(
      (value) => html`<td class="ratio">${value === undefined ? "-" : numberText(value)}</td>`,
    );
  const sizes = status === "left" ? ["-", "-"] : [String(channels), String(count)];
  return html`<tr data-find="${node} ${status}"><td class="id">${node}</td>${sizes.map((size) => html`<td class="ratio">${size}</td>`)}${cells(shift)}${cells(ratio)}<td class="why">${status === "left" ? `left: it ${reason}` : ""}</td></tr>
`;
}

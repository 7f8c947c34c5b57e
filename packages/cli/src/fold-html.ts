import {
  DEPTH_STYLE,
  type DepthSeries,
  depthPlot,
  type Html,
  html,
  ratioText,
  reportPage,
} from "@bn/conformance/report";
import type { FoldRow } from "@bn/onnx";
import type { FoldProof, ProofComparison, ProofRow } from "@bn/onnx/verify";
import type { FoldOutcome } from "./fold-command.ts";
import { lostText, outputText } from "./fold-report.ts";

const OWN_STYLE = `
.cases td.ratio.over { color: var(--bad); font-weight: 600; } .cases td { white-space: nowrap; }
.cases td.why, .cases td.id, .cases td.holds { white-space: normal; min-width: 14ch; }
li { margin: 2px 0; }
`;

/** The lines and lists of the report, each for one of a row's comparisons. */
const SERIES = [
  { key: "original", name: "original against float64", kind: "s3" },
  { key: "float64", name: "folded against float64", kind: "s0" },
  { key: "layerOnly", name: "folded layer against the original's, all outputs", kind: "s1" },
  { key: "network", name: "folded network against the original (not judged)", kind: "s2 hollow" },
] as const;

/** The report of `bn fold` as one HTML file that loads nothing. Every name in it is escaped. */
export function foldHtml(title: string, { rows, proof, unproven }: FoldOutcome, passed: boolean): string {
  const done = rows.filter(({ status }) => status === "folded").length;
  const verdict = proof === null ? "not proven" : passed ? "within bounds" : "off";
  const body = html`${proof === null ? html`<p>There is no proof: ${unproven}</p>` : proofHtml(proof)}
${leftHtml(rows.filter(({ status }) => status === "left"))}`;
  return reportPage({
    title: `bn fold ${title}: ${verdict}`,
    heading: title,
    verdict,
    failed: !passed || proof === null,
    counts: [`${done} folded`, `${rows.length - done} left`],
    style: DEPTH_STYLE + OWN_STYLE,
    body,
  });
}

function proofHtml({ inputs, rows, outputs }: FoldProof): Html {
  const lost = rows.filter(({ lostChannels }) => lostChannels.length > 0);
  return html`<p>${inputs.map(({ name, type, shape }) => `input ${name}: ${type} ${shape.join("x")}`).join(" · ")}</p>
<ul>${outputs.map((one) => html`<li>${outputText(one)}</li>`)}</ul>
<h2>Error by depth</h2>
<p>The largest error of each layer as a fraction of its bound, on a log scale. Every layer gets the input that it has in the original. On the dashed line, all layers before it are folded too. Point at a dot for the layer's name.</p>
<div class="panel">${depthPlot(seriesOf(rows), rows.length, "folded layer, in the order of the network")}</div>
${lost.length === 0 ? html`` : html`<h2>Channels that lose digits</h2><p>In these channels the sum of products is many powers of ten larger than the result, and the folded bias cancels its leading digits. The number is the digits lost.</p><div class="panel"><ul>${lost.map((row) => html`<li><b>${row.layer}</b> ${lostText(row.lostChannels)}</li>`)}</ul></div>`}
<h2>Layers</h2>
<p>Fractions of bounds. Weights: against float64. Original, Folded: in ONNX Runtime against float64. Layer: folded against original, all outputs. Digits: decimal digits that cancel in the folded layer on this input.</p>
<div class="filter"><input id="filter" type="search" placeholder="Filter by words: layer, normalization, status" aria-label="Filter"><span class="counts" id="shown">${rows.length} shown</span></div>
<div class="panel"><table class="cases">
<thead><tr><th>Layer</th><th>Holds</th><th>Shape</th><th>Type</th><th class="ratio">Terms</th><th class="ratio">Weights</th>${["Original", "Folded", "Layer", "Network"].map((name) => html`<th class="ratio">${name}</th>`)}<th class="ratio">Digits</th><th></th></tr></thead>
<tbody>${rows.map(rowHtml)}</tbody>
</table></div>`;
}

function seriesOf(rows: readonly ProofRow[]): DepthSeries[] {
  return SERIES.map(({ key, name, kind }) => {
    const points = rows.flatMap((row, depth) => {
      const found = row[key];
      return found === null ? [] : [{ depth, ratio: found.ratio, title: `${depth + 1}: ${row.layer}, ${name}` }];
    });
    return { name, kind, judged: key !== "network", points };
  });
}

function rowHtml(row: ProofRow): Html {
  const { layer, normalizations, shape, dtype, terms, weights, status, reason, lostDigits } = row;
  const words = `${layer} ${normalizations.join(" ")} ${dtype} ${status}`;
  const cells = [weights.ratio, ...SERIES.map(({ key }) => row[key])];
  return html`<tr data-find="${words}"><td class="id">${layer}</td><td class="holds">${normalizations.join(", ")}</td><td>${shape.join("x")}</td><td>${dtype}</td><td class="ratio">${terms}</td>${cells.map((one, i) => ratioCell(one, i < cells.length - 1))}<td class="ratio">${lostDigits.toFixed(1)}</td><td class="why">${reason}</td></tr>
`;
}

function ratioCell(found: ProofComparison | number | null, judged: boolean): Html {
  const ratio = typeof found === "number" ? found : (found?.ratio ?? null);
  const over = judged && ratio !== null && !(ratio <= 1);
  return html`<td class="ratio${over ? " over" : ""}">${ratioText(ratio)}</td>`;
}

function leftHtml(left: readonly FoldRow[]): Html {
  if (left.length === 0) return html``;
  return html`<h2>Left as they were</h2><div class="panel"><ul>${left.map(({ node, reason }) => html`<li><b>${node}</b>: ${reason}</li>`)}</ul></div>`;
}

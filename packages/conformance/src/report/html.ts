import type { Supports } from "@bn/core";
import type { Result } from "../case.ts";
import { type Html, html, trusted } from "./escape.ts";
import { plot } from "./plot.ts";
import { SCRIPT, STYLE } from "./style.ts";
import {
  type Cell,
  groupBy,
  numberText,
  type Report,
  type ReportedBackend,
  ratioText,
  summarize,
  tabulate,
} from "./table.ts";

/** The report as one HTML file that loads nothing. Every name and message in it is escaped. */
export function htmlReport(report: Report): string {
  const { passed, failed, skipped } = summarize(report.results);
  const failures = report.results.filter((r) => r.status === "failed");
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>bn conformance: ${failed > 0 ? `${failed} failed` : `${passed} passed`}</title>
<style>${trusted(STYLE)}</style>
</head>
<body>
<main>
<header>
<h1>Batch normalization conformance</h1>
<span class="verdict${failed > 0 ? " failed" : ""}">${failed > 0 ? `${failed} failed` : "all passed"}</span>
<span class="counts">${passed} passed · ${failed} failed · ${skipped} skipped</span>
</header>
<div class="backends">${report.backends.map(backendCard)}</div>
<h2>By group</h2>
<p>Passed of run, skipped, and the worst error as a fraction of its bound: at most 1 passes. The deeper the green, the more of its bound was used.</p>
<div class="panel">${heatMap(report)}</div>
<h2>Every comparison</h2>
<p>The worst element of each case: its error as a fraction of its bound, on a log scale. Point at one for its name.</p>
<div class="panel">${plot(report)}</div>
${failures.length > 0 ? html`<h2>Failures</h2><p>Where a case draws its inputs, its id is the seed.</p>${failures.map(failure)}` : html``}
${skips(report)}
<h2>Cases</h2>
<div class="filter"><input id="filter" type="search" placeholder="Filter by words: id, clause, backend, status" aria-label="Filter"><span class="counts" id="shown">${report.results.length} shown</span></div>
<div class="panel"><table class="cases">
<thead><tr><th>Case</th><th>Clause</th><th>Backend</th><th>Status</th><th class="ratio">Error / bound</th><th></th></tr></thead>
<tbody>${report.results.map(caseRow)}</tbody>
</table></div>
</main>
<script>${trusted(SCRIPT)}</script>
</body>
</html>
`;
  return page.markup;
}

const FACTS = [
  "hostVisible",
  "nonFinite",
  "subnormals",
  "correctlyRounded",
  "deterministic",
] as const satisfies readonly (keyof Supports)[];

function backendCard({ name, supports }: ReportedBackend, i: number): Html {
  const chip = (text: string, on: boolean) => html`<span class="chip${on ? "" : " no"}">${text}</span>`;
  const details = Object.entries(supports.details);
  return html`<section class="panel"><h3><span class="dot s${i % 6}"></span>${name}</h3>
<div class="chips">${supports.dtypes.map((dtype) => chip(dtype, true))}${FACTS.map((fact) => chip(fact, supports[fact]))}</div>
<dl><dt>threads</dt><dd>${supports.threads}</dd>${details.map(([key, value]) => html`<dt>${key}</dt><dd>${value}</dd>`)}</dl></section>`;
}

function heatMap(report: Report): Html {
  const { backends, rows, total } = tabulate(report);
  const row = (group: string, cells: readonly Cell[], kind: string) =>
    html`<tr class="${kind}"><th scope="row">${group}</th>${cells.map(heatCell)}</tr>`;
  return html`<table class="heat"><thead><tr><th></th>${backends.map((name, i) => html`<th scope="col"><span class="dot s${i % 6}" style="display:inline-block"></span> ${name}</th>`)}</tr></thead>
<tbody>${rows.map(({ group, cells }) => row(group, cells, "group"))}${row("total", total, "total")}</tbody></table>`;
}

function heatCell({ passed, failed, skipped, worst }: Cell): Html {
  const ran = passed + failed;
  const kind = failed > 0 ? "failed" : ran > 0 ? "ran" : "none";
  const skippedText = skipped > 0 ? html` <small>${skipped} skipped</small>` : html``;
  if (ran === 0) return html`<td class="none">${skipped > 0 ? `${skipped} skipped` : "-"}</td>`;
  const heat = Math.min(worst ?? 0, 1).toFixed(3);
  return html`<td class="${kind}" style="--heat:${heat}"><b>${ratioText(worst)}</b> ${passed} of ${ran}${skippedText}</td>`;
}

function failure({ backend, id, clause, reason, worst }: Result): Html {
  const find = `${backend} ${id} ${clause} failed ${reason}`;
  const head = html`<h3><span class="status-failed">${backend}</span> <code>${id}</code> (${clause})</h3>`;
  if (!worst) return html`<section class="panel failure" data-find="${find}">${head}<pre>${reason}</pre></section>`;
  const { what, at, got, expected, error, bound, ratio, note } = worst;
  const lines = [
    ["tensor", what],
    ["index (outer, channel, inner)", `(${at.outer}, ${at.channel}, ${at.inner})`],
    ["got", numberText(got)],
    ["expected", numberText(expected)],
    ["error", String(error)],
    ["allowed", `${bound} (error / allowed = ${ratioText(ratio)})`],
    ...(note === undefined ? [] : [["note", note] as const]),
  ] as const;
  return html`<section class="panel failure" data-find="${find}">${head}<dl class="mono">${lines.map(([key, value]) => html`<dt>${key}</dt><dd>${value}</dd>`)}</dl></section>`;
}

function skips({ results }: Report): Html {
  const skipped = groupBy(
    results.filter((r) => r.status === "skipped"),
    (r) => `${r.backend}: ${r.reason}`,
  );
  if (skipped.size === 0) return html``;
  const items = [...skipped].map(
    ([reason, some]) => html`<li>${reason} <span class="counts">(${some.length})</span></li>`,
  );
  return html`<h2>Skipped, and the fact that skips</h2><div class="panel"><ul>${items}</ul></div>`;
}

function caseRow({ backend, id, clause, status, ratio, reason }: Result): Html {
  return html`<tr data-find="${backend} ${id} ${clause} ${status} ${reason}"><td class="id">${id}</td><td>${clause}</td><td>${backend}</td><td class="status-${status}">${status}</td><td class="ratio">${ratioText(ratio)}</td><td class="why">${reason}</td></tr>
`;
}

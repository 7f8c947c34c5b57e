import type { Supports } from "@bn/core";
import { type Html, html } from "./escape.ts";
import { causeSections } from "./html-causes.ts";
import { caseTable, TABLE_SCRIPT } from "./html-table.ts";
import { reportPage } from "./page.ts";
import { strips } from "./strips.ts";
import { type Cell, groupBy, type Report, type ReportedBackend, ratioText, summarize, tabulate } from "./table.ts";

/** The report as one HTML file that loads nothing. Failures come first. Every name and message in it is escaped. */
export function htmlReport(report: Report): string {
  const { passed, failed, skipped, notRun } = summarize(report.results);
  const known = report.results.filter((r) => r.known).length;
  const bad = failed - known + notRun + (report.run?.notStarted.length ?? 0) > 0 || passed + failed === 0;
  const verdict = bad ? (failed > known ? `${failed - known} failed` : "no verdict") : "all passed";
  const counts = [
    `${passed} passed`,
    `${failed} failed${known > 0 ? ` (${known} known)` : ""}`,
    `${skipped} skipped`,
    ...(notRun > 0 ? [`${notRun} not run`] : []),
  ];
  const body = html`${notStarted(report)}
${causeSections(report)}
<div class="backends">${report.backends.map(backendCard)}</div>
<h2>By group</h2>
<p>The worst error as a fraction of its bound, and how many passed of those that ran. Green is far from the bound, red is near it or over it.</p>
<div class="panel">${heatMap(report)}</div>
<h2>Every comparison</h2>
<p>The worst element of each case: its error as a fraction of its bound, on a log scale. Right of the line it has failed.</p>
<div class="panel">${strips(report)}</div>
${reasons(report, "skipped", "Skipped, with the reason")}
${reasons(report, "notRun", "Not run, and why")}
<details class="fold"><summary><h2>All ${report.results.length} results</h2></summary>
${caseTable(report)}
</details>
${runFacts(report)}`;
  const heading = "Batch normalization conformance";
  return reportPage({
    title: `bn conformance: ${verdict}`,
    heading,
    verdict,
    failed: bad,
    counts,
    body,
    script: TABLE_SCRIPT,
  });
}

const FACTS = [
  "hostVisible",
  "nonFinite",
  "fullRange",
  "subnormals",
  "correctlyRounded",
  "deterministic",
] as const satisfies readonly (keyof Supports)[];

function backendCard({ name, supports }: ReportedBackend, i: number): Html {
  const chip = (text: string, on: boolean) => html`<span class="chip${on ? "" : " no"}">${text}</span>`;
  const details = Object.entries({ threads: String(supports.threads), ...supports.details });
  return html`<section class="panel"><h3><span class="dot s${i % 6}"></span>${name}</h3>
<div class="chips">${supports.dtypes.map((dtype) => chip(dtype, true))}${FACTS.map((fact) => chip(fact, supports[fact] === true))}</div>
<dl>${details.map(([key, value]) => html`<dt>${key}</dt><dd>${value}</dd>`)}</dl></section>`;
}

function heatMap(report: Report): Html {
  const { backends, rows, total } = tabulate(report);
  const row = (group: string, cells: readonly Cell[], kind: string) =>
    html`<tr class="${kind}"><th scope="row">${group}</th>${cells.map((cell, i) => heatCell(cell, backends[i] ?? ""))}</tr>`;
  return html`<table class="heat"><thead><tr><th></th>${backends.map((name, i) => html`<th scope="col"><span class="dot s${i % 6}"></span> ${name}</th>`)}</tr></thead>
<tbody>${rows.map(({ group, cells }) => row(group, cells, "group"))}${row("total", total, "total")}</tbody></table>`;
}

function heatCell({ passed, failed, skipped, notRun, worst }: Cell, backend: string): Html {
  const ran = passed + failed;
  const kind = failed > 0 ? "failed" : ran > 0 ? "ran" : "none";
  const rest = [...(skipped > 0 ? [`${skipped} skipped`] : []), ...(notRun > 0 ? [`${notRun} not run`] : [])].join(
    ", ",
  );
  if (ran === 0) return html`<td class="none" data-name="${backend}">${rest || "-"}</td>`;
  const heat = Math.min(worst ?? 0, 1);
  // Colours go from green to amber to red; amber is at half of the bound.
  const [from, to, part] = heat < 0.5 ? ["good", "warn", heat * 2] : ["warn", "bad", heat * 2 - 1];
  const style = `--from:var(--${from});--to:var(--${to});--part:${Math.round(part * 100)}%`;
  const failures = failed > 0 ? html` <small>${failed} failed</small>` : html``;
  return html`<td class="${kind}" style="${style}" data-name="${backend}"><b>${ratioText(worst)}</b> ${passed} of ${ran}${failures}${rest ? html` <small>${rest}</small>` : html``}</td>`;
}

function notStarted({ run }: Report): Html {
  const all = run?.notStarted ?? [];
  if (all.length === 0) return html``;
  return html`<h2>Not judged</h2>${all.map(({ backend, reason }) => html`<section class="panel failure"><h3>${backend}</h3><pre>${reason}</pre></section>`)}`;
}

function reasons({ results }: Report, status: "skipped" | "notRun", title: string): Html {
  const some = groupBy(
    results.filter((r) => r.status === status),
    (r) => `${r.backend}: ${r.reason}`,
  );
  if (some.size === 0) return html``;
  const items = [...some].map(([reason, all]) => html`<li>${reason} <span class="counts">(${all.length})</span></li>`);
  return html`<h2>${title}</h2><div class="panel"><ul>${items}</ul></div>`;
}

function runFacts({ run }: Report): Html {
  if (!run) return html``;
  const packages = Object.entries({ "@bn/conformance": run.suite, ...run.packages }).map(
    ([name, version]) => `${name} ${version}`,
  );
  const facts = [
    ["date", run.date],
    ["duration", `${run.seconds} s`],
    ["packages", packages.join(", ")],
    ["contract", String(run.contract)],
    ...(run.tier === null ? [] : [["tier", run.tier]]),
    ...(run.seed === null ? [] : [["seed", run.seed]]),
    ["runtime", run.runtime],
    ["system", run.os],
    ["processor", run.cpu],
    ["options", run.flags.join(" ")],
    ...(run.shard ? [["shard", `${run.shard.index} of ${run.shard.count}`]] : []),
    ...(run.ended === null ? [] : [["ended early", run.ended]]),
  ] as const;
  return html`<h2>The run</h2><div class="panel"><dl>${facts.map(([key = "", value = ""]) => html`<dt>${key}</dt><dd>${value}</dd>`)}</dl></div>`;
}

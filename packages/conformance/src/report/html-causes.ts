import { type CauseGroup, causesOf } from "./causes.ts";
import { type Html, html } from "./escape.ts";
import { numberText, type Report, ratioText } from "./table.ts";

/**
 * The number of causes that are open at first, of causes on the page, and of ids under each, so that a page has a
 * bounded length.
 */
const OPEN = 3;
const MOST = 40;
const IDS = 30;

/** The failures by cause; empty if there are none. */
export function causeSections(report: Report): Html {
  const causes = causesOf(report);
  if (causes.length === 0) return html``;
  const more = causes.length > MOST ? html`<p>The JSON report has ${causes.length - MOST} more causes.</p>` : html``;
  return html`<h2>Why it failed</h2>${causes.slice(0, MOST).map(section)}${more}`;
}

function section(cause: CauseGroup, i: number): Html {
  const { backend, text, clause, clauseText, count, smallest, call, worst, snippet, repeat, ids } = cause;
  const open = i < OPEN ? html` open` : html``;
  const facts = [
    ["smallest case", smallest.id],
    ...(call === null ? [] : [["smallest call", call]]),
    ...(worst
      ? [
          ["tensor", worst.what],
          ["index (outer, channel, inner)", `(${worst.at.outer}, ${worst.at.channel}, ${worst.at.inner})`],
          ["got", numberText(worst.got)],
          ["expected", numberText(worst.expected)],
          ["error", `${worst.error}, allowed ${worst.bound}: ${ratioText(worst.ratio)} of its bound`],
          ...(worst.note === undefined ? [] : [["note", worst.note]]),
        ]
      : [["reason", smallest.reason]]),
  ] as const;
  return html`<details class="panel failure"${open}><summary><span class="who">${backend}</span> ${text} <span class="counts">(${clause}, ${count} ${count === 1 ? "case" : "cases"})</span></summary>
${clauseText === "" ? html`` : html`<p><b>${clause}</b> ${clauseText}</p>`}
<dl class="mono">${facts.map(([key = "", value = ""]) => html`<dt>${key}</dt><dd>${breakable(value)}</dd>`)}</dl>
${smallest.stack === undefined ? html`` : html`<pre>${smallest.stack.slice(0, 2000)}</pre>`}
${repeat === null ? html`` : html`<h4>Repeat it</h4><pre>${repeat}</pre>`}
${snippet === null ? html`` : html`<h4>Without the suite</h4><pre>${snippet}</pre>`}
<details><summary>${count === 1 ? "its case" : `its ${count} cases`}</summary><ul>${ids.slice(0, IDS).map((id) => html`<li><code>${breakable(id)}</code></li>`)}</ul>${ids.length > IDS ? html`<p>and ${ids.length - IDS} more</p>` : html``}</details>
</details>
`;
}

/** Allows line breaks after separators, never within a word. */
function breakable(text: string): Html {
  const parts = text.split(/(?<=[/\-#@])/);
  return html`${parts.map((part, i) => (i === 0 ? html`${part}` : html`<wbr>${part}`))}`;
}

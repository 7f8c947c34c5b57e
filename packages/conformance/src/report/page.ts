import { type Html, html, trusted } from "./escape.ts";
import { SCRIPT, STYLE } from "./style.ts";

/** The parts of a report's page. Text is escaped. */
export interface ReportPage {
  readonly title: string;
  readonly heading: string;
  readonly verdict: string;
  readonly failed: boolean;
  readonly counts: readonly string[];
  readonly body: Html;
  /** Rules in addition to the common style. */
  readonly style?: string;
  /** Default: the script that filters the rows of a table by words. */
  readonly script?: string;
}

/** One HTML file that loads nothing: a heading with the verdict, then the body. */
export function reportPage({ title, heading, verdict, failed, counts, body, ...own }: ReportPage): string {
  const { style = "", script = SCRIPT } = own;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${trusted(STYLE)}${trusted(style)}</style>
</head>
<body>
<main>
<header>
<h1>${heading}</h1>
<span class="verdict${failed ? " failed" : ""}">${verdict}</span>
<span class="counts">${counts.join(" \u00b7 ")}</span>
</header>
${body}
</main>
<script>${trusted(script)}</script>
</body>
</html>
`.markup;
}

export { type Html, html, trusted } from "./escape.ts";
export { htmlReport } from "./html.ts";
export { type JsonReport, type JsonResult, jsonReport, numberOrName } from "./json.ts";
export { SCRIPT, STYLE } from "./style.ts";
export { type Report, type ReportedBackend, ratioText, type Summary, summarize } from "./table.ts";
export { type TextOptions, textReport } from "./text.ts";

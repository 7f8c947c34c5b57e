export { type Known, withBaseline } from "./baseline.ts";
export { type CauseGroup, causesOf } from "./causes.ts";
export { DEPTH_STYLE, type DepthSeries, depthPlot } from "./depth-plot.ts";
export { type Change, diffReports, type ErrorChange, pairOf, type ReportDiff, renameBackends } from "./diff.ts";
export { diffText } from "./diff-text.ts";
export { type Html, html, trusted } from "./escape.ts";
export { githubAnnotations } from "./github.ts";
export { htmlReport } from "./html.ts";
export {
  type JsonCause,
  type JsonComparison,
  type JsonReport,
  type JsonResult,
  jsonReport,
  jsonText,
  numberOrName,
} from "./json.ts";
export { junitReport } from "./junit.ts";
export { parseReport } from "./load.ts";
export { mergeReports } from "./merge.ts";
export { type ReportPage, reportPage } from "./page.ts";
export { digestOf, type NotStarted, type RunRecord, type Shard } from "./record.ts";
export { SCRIPT, STYLE } from "./style.ts";
export {
  type Cell,
  type Report,
  type ReportedBackend,
  ratioText,
  type Summary,
  summarize,
  type Table,
  tabulate,
} from "./table.ts";
export { type TextOptions, textReport } from "./text.ts";

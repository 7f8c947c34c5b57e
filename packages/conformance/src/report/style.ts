/** The page's own style: light or dark by the reader's setting, with nothing loaded from outside. */
export const STYLE = `
:root { color-scheme: light dark; --page: #f6f7f9; --panel: #fff; --ink: #1a1f26; --soft: #5c6773; --line: #dfe3e8;
  --band: #eef1f4; --good: #1f9d6b; --warn: #e0a021; --bad: #d23b3b; --skip: #a4782a;
  --s0: #2c6fbb; --s1: #c76a15; --s2: #0f8f7f; --s3: #9b4fb5; --s4: #7a8a12; --s5: #b8456f; }
@media (prefers-color-scheme: dark) { :root { --page: #12161b; --panel: #1a2027; --ink: #e6eaef; --soft: #93a0ad;
  --line: #2d3640; --band: #212932; --good: #2f9d70; --warn: #b9852a; --bad: #e05555; --skip: #d9a94e;
  --s0: #6aaaf0; --s1: #f2a154; --s2: #4ecdbb; --s3: #cd8fe3; --s4: #c2d14b; --s5: #f08bb0; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 32px 24px 64px; }
h1 { font-size: 26px; line-height: 1.2; margin: 0; letter-spacing: -.01em; }
h2 { font-size: 17px; margin: 36px 0 10px; }
p { margin: 4px 0 12px; color: var(--soft); max-width: 80ch; }
code, pre, td.id, .mono { font: 13px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
header { display: flex; flex-wrap: wrap; align-items: center; gap: 8px 16px; }
.verdict { padding: 3px 12px; border-radius: 99px; font-weight: 600; color: #fff; background: var(--good); }
.verdict.failed { background: var(--bad); }
@media (prefers-color-scheme: dark) { .verdict { color: #10151a; } }
.counts { color: var(--soft); font-variant-numeric: tabular-nums; }
.panel { background: var(--panel); border: 1px solid var(--line); border-radius: 10px; padding: 16px 18px; overflow-x: auto; }
.backends { display: grid; grid-template-columns: repeat(auto-fill, minmax(300px, 1fr)); gap: 14px; margin-top: 20px; }
.backends h3 { margin: 0 0 6px; font-size: 16px; display: flex; align-items: baseline; gap: 8px; }
.dot { width: 11px; height: 11px; border-radius: 50%; background: var(--c); flex: none; }
.chips { display: flex; flex-wrap: wrap; gap: 4px 6px; margin-bottom: 8px; }
.chip { font-size: 12.5px; padding: 0 8px; border-radius: 99px; border: 1px solid var(--line); }
.chip.no { color: var(--soft); text-decoration: line-through; }
dl { display: grid; grid-template-columns: auto 1fr; gap: 0 12px; margin: 0; font-size: 13.5px; }
dt { color: var(--soft); } dd { margin: 0; min-width: 0; overflow-wrap: break-word; }
table { border-collapse: separate; border-spacing: 0; width: 100%; font-variant-numeric: tabular-nums; }
th { text-align: left; white-space: nowrap; font-weight: 600; font-size: 13.5px; padding: 4px 10px; }
.heat { width: auto; border-spacing: 3px; }
.heat td { font-size: 13.5px; padding: 4px 12px; border-radius: 6px; min-width: 170px; background: var(--band); }
.heat td.ran { background: color-mix(in srgb, color-mix(in srgb, var(--to) var(--part), var(--from)) 42%, var(--panel)); }
.heat td.failed { background: var(--bad); color: #fff; }
.heat td b { display: inline-block; min-width: 6.4ch; } .heat td small { opacity: .9; margin-left: 8px; white-space: nowrap; }
.heat .dot { display: inline-block; }
.heat tr.total th, .heat tr.total td { font-weight: 600; }
.strip { display: grid; grid-template-columns: 130px 1fr; align-items: center; gap: 0 10px; padding: 2px 0; }
.strip .name { font-size: 13px; } .lanes { width: 100%; display: block; background: var(--band); border-radius: 4px; overflow: visible; }
.lanes .beyond { fill: var(--bad); fill-opacity: .14; } .ticks { position: relative; height: 18px; font-size: 11.5px; color: var(--soft); }
.ticks span { position: absolute; transform: translateX(-50%); white-space: nowrap; } .ticks span:first-child { transform: none; }
.plot { display: block; width: 100%; min-width: 760px; height: auto; }
.grid { stroke: var(--line); stroke-width: 1; }
.bound { stroke: var(--bad); stroke-width: 1.5; stroke-dasharray: 6 4; }
.plot text { font-size: 11px; fill: var(--soft); font-family: inherit; } .plot text.name { fill: var(--ink); }
circle { fill: var(--c); fill-opacity: .6; } circle.over { fill: var(--bad); fill-opacity: 1; stroke: var(--c); stroke-width: 1.5; }
.s0 { --c: var(--s0); } .s1 { --c: var(--s1); } .s2 { --c: var(--s2); }
.s3 { --c: var(--s3); } .s4 { --c: var(--s4); } .s5 { --c: var(--s5); }
.failure { border-left: 4px solid var(--bad); margin-bottom: 10px; } .failure h3 { margin: 0 0 6px; font-size: 14px; }
h4 { margin: 12px 0 4px; font-size: 13px; } summary { cursor: pointer; } summary h2 { display: inline-block; } .failure > summary { font-weight: 600; }
.failure .who { color: var(--bad); } .failure dl { margin: 6px 0; } .failure pre { background: var(--band); border-radius: 6px; padding: 8px 10px; }
.failure pre { margin: 0 0 6px; white-space: pre-wrap; overflow-wrap: break-word; }
.status-passed { color: var(--good); } .status-failed { color: var(--bad); font-weight: 600; } .status-skipped { color: var(--skip); }
.cases td { padding: 2px 10px; border-top: 1px solid var(--line); vertical-align: top; } .cases td, .cases th { overflow-wrap: break-word; }
.cases td { white-space: normal; }
.cases td.ratio { text-align: right; } .cases th.ratio { text-align: right; } .cases td.why { color: var(--soft); font-size: 13px; }
.filter { display: flex; gap: 10px; align-items: center; position: sticky; top: 0; padding: 10px 0; background: var(--page); }
input { font: inherit; color: inherit; background: var(--panel); border: 1px solid var(--line); border-radius: 8px; padding: 6px 12px; width: min(420px, 100%); }
button { font: inherit; color: inherit; background: none; border: 0; padding: 0; cursor: pointer; font-weight: 600; }
#more { margin-top: 10px; padding: 4px 12px; border: 1px solid var(--line); border-radius: 8px; }
th[aria-sort="ascending"] button::after { content: " \\2191"; } th[aria-sort="descending"] button::after { content: " \\2193"; }
.status-not-run { color: var(--bad); } .status-known { color: var(--skip); }
@media (max-width: 640px) {
  main { padding: 20px 12px 48px; } .panel { padding: 12px; } dl { grid-template-columns: 1fr; } dd { margin-bottom: 6px; }
  .backends { grid-template-columns: 1fr; } .strip { grid-template-columns: 1fr; } .strip.axis .name { display: none; }
  .heat, .heat tbody, .heat tr { display: block; width: 100%; } .heat thead { display: none; } .heat td { display: block; margin: 3px 0; min-width: 0; }
  .heat td::before { content: attr(data-name) ": "; color: inherit; opacity: .8; }
  #cases, #cases tbody, #cases tr, #cases td { display: block; width: 100%; } #cases thead tr { display: flex; flex-wrap: wrap; gap: 4px 14px; }
  #cases thead { display: block; } #cases th { padding: 2px 0; } #cases td { border: 0; padding: 1px 0; text-align: left; }
  #cases td:empty { display: none; } #cases tr { border-top: 1px solid var(--line); padding: 8px 0; }
  #cases td.ratio::before, #cases td:nth-child(2)::before, #cases td:nth-child(3)::before { content: attr(data-name) ": "; color: var(--soft); }
}
ul { margin: 0; padding-left: 20px; } [hidden] { display: none !important; }
`;

/** Hides rows that do not contain every word of the filter. */
export const SCRIPT = `
const input = document.querySelector("#filter"), shown = document.querySelector("#shown");
const items = [...document.querySelectorAll("[data-find]")].map((e) => [e, e.dataset.find.toLowerCase()]);
input.addEventListener("input", () => {
  const words = input.value.toLowerCase().split(/\\s+/).filter(Boolean);
  let rows = 0;
  for (const [element, text] of items) {
    element.hidden = !words.every((word) => text.includes(word));
    if (!element.hidden && element.tagName === "TR") rows++;
  }
  shown.textContent = rows + " shown";
});
`;

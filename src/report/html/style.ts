/** How the page looks: light and dark, on paper and on a phone. */
export const pageStyle = `
:root { color-scheme: light dark; --back: #f6f7f9; --card: #fff; --text: #1a1d23; --muted: #5b6472;
  --line: #dfe3e9; --accent: #2b5fd9; --soft: #e8eefc; --good: #14723f; --good-soft: #e0f4e8;
  --bad: #b3261e; --bad-soft: #fce8e6; --warn: #8a5300; --warn-soft: #fdf0d9; --violet: #6a3fc2; }
@media screen and (prefers-color-scheme: dark) { :root { --back: #13161b; --card: #1b1f27; --text: #e6e9ef;
  --muted: #9aa4b3; --line: #303744; --accent: #8fb0ff; --soft: #232d45; --good: #7ddba3;
  --good-soft: #17321f; --bad: #ff9d94; --bad-soft: #421d1b; --warn: #f2c277; --warn-soft: #3a2b12;
  --violet: #c3a6ff; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text); line-height: 1.5;
  font: 15px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.5rem; margin: .2rem 0 .4rem; letter-spacing: -.01em; overflow-wrap: anywhere; }
h2 { font-size: 1.12rem; margin: 0 0 .8rem; }
h2 small { color: var(--muted); font-weight: 400; font-size: .88rem; margin-left: .4rem; }
code, .mono { font-family: ui-monospace, "SF Mono", Menlo, "DejaVu Sans Mono", monospace; font-size: .88em;
  overflow-wrap: anywhere; }
.indent { white-space: pre; }
.brand, .muted { color: var(--muted); }
.brand { font-weight: 600; letter-spacing: .02em; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 12px;
  padding: .9rem 1.2rem; margin: .7rem 0; }
.badges { display: flex; flex-wrap: wrap; gap: .4rem; margin: .3rem 0; }
.badge { display: inline-block; border-radius: 999px; padding: .08rem .6rem; font-size: .84rem; font-weight: 600;
  background: var(--soft); color: var(--accent); white-space: nowrap; }
.good { background: var(--good-soft); color: var(--good); }
.bad { background: var(--bad-soft); color: var(--bad); }
.warn { background: var(--warn-soft); color: var(--warn); }
table { border-collapse: collapse; width: 100%; }
th { text-align: left; color: var(--muted); font-weight: 600; font-size: .84rem; border-bottom: 1px solid var(--line); }
th, td { padding: .38rem .7rem .38rem 0; vertical-align: top; }
td { border-bottom: 1px solid var(--line); }
tr:last-child td { border-bottom: 0; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.scroll { overflow-x: auto; }
.pick { user-select: all; -webkit-user-select: all; cursor: copy; border: 1px dashed var(--line); border-radius: 5px;
  padding: .08rem .4rem; background: var(--back); }
.commands { display: flex; flex-wrap: wrap; gap: .5rem; margin: 0 0 .8rem; }
.commands::after, .stacked + p::after { content: "one click selects all of it"; color: var(--muted); font-size: .84rem; }
.file { border: 1px solid var(--line); border-radius: 8px; margin: .5rem 0; }
.file > summary { padding: .4rem .7rem; overflow-wrap: anywhere; }
.plus { color: var(--good); } .minus { color: var(--bad); }
.diff { margin: 0; padding: .4rem 0; border-top: 1px solid var(--line); overflow-x: auto; max-height: 40rem;
  font: .82rem/1.45 ui-monospace, "SF Mono", Menlo, "DejaVu Sans Mono", monospace; }
.diff span { display: block; min-width: max-content; padding: 0 .7rem; }
.diff .add { background: var(--good-soft); color: var(--good); }
.diff .del { background: var(--bad-soft); color: var(--bad); }
.diff .at, .diff .head { color: var(--muted); } .diff .note { color: var(--warn); }
svg { display: block; width: 100%; height: auto; }
svg text { font: 11px ui-monospace, Menlo, "DejaVu Sans Mono", monospace; fill: var(--text); }
svg .tick { stroke: var(--line); stroke-width: 1; }
svg .axis { fill: var(--muted); }
svg .bar { fill: var(--accent); opacity: .85; }
svg .bar.failed { fill: var(--bad); }
svg .bar.killed { fill: var(--warn); }
svg .mark { fill: var(--violet); }
svg .meter { fill: var(--accent); opacity: .35; }
.tree, .tree ul { list-style: none; margin: 0; padding-left: 0; }
.tree ul { padding-left: 1.15rem; border-left: 1px solid var(--line); margin-left: .42rem; }
.tree li { padding: .1rem 0; overflow-wrap: anywhere; }
details > summary { cursor: pointer; }
section.folded { padding: .35rem 1.2rem; margin: .3rem 0; }
.folded > details > summary > h2 { display: inline; font-size: 1rem; }
.folded > details[open] > summary { margin-bottom: .8rem; }
summary:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
.tag { display: inline-block; min-width: 1.35em; text-align: center; border-radius: 5px; padding: 0 .35em; font-size: .74rem;
  font-weight: 700; background: var(--soft); color: var(--accent); margin-right: .3em; }
.tag.w, .tag.c { background: var(--good-soft); color: var(--good); }
.tag.d { background: var(--bad-soft); color: var(--bad); }
.tag.n { background: var(--warn-soft); color: var(--warn); }
.legend { color: var(--muted); font-size: .86rem; margin: 0 0 .6rem; }
.pairs { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.2rem; margin: 0; }
.pairs dt { color: var(--muted); } .pairs dd { margin: 0; overflow-wrap: anywhere; }
footer { color: var(--muted); font-size: .86rem; }
@media (max-width: 560px) { .pairs { grid-template-columns: 1fr; } .pairs dd { margin-bottom: .4rem; } }
@media (max-width: 700px) { main { padding: 1.2rem .8rem 3rem; } section { padding: .9rem .9rem 1rem; }
  .diff .note { min-width: 0; white-space: pre-wrap; overflow-wrap: anywhere; }
  .stacked thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .stacked, .stacked tbody, .stacked tr { display: block; }
  .stacked td { display: block; border: 0; padding: .1rem 0; text-align: left; white-space: normal; }
  .stacked td[data-label]::before { content: attr(data-label) " "; color: var(--muted); font-size: .84rem; }
  .stacked td:empty { display: none; }
  .stacked tr { padding: .5rem 0; border-bottom: 1px solid var(--line); } }
@media print { :root { color-scheme: light; } body { background: none; } main { max-width: none; padding: 0; }
  section, tr { break-inside: avoid; } section { border: 0; border-radius: 0; padding: 0; }
  section:has(.file), section:has(.tree) { break-inside: auto; }
  details::details-content { content-visibility: visible; block-size: auto; }
  .diff { max-height: none; } .diff span { min-width: 0; white-space: pre-wrap; overflow-wrap: anywhere; }
  .commands::after, .stacked + p::after { content: ""; } }
`;

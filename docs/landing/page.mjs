// The first page: what wasbox is, a command to copy, the tour, its three steps, four promises, start-up beside others.
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleForSite } from '../site/bundle.mjs';
import { escapeHtml, inline } from '../site/html.mjs';
import { codeBlock } from '../site/markdown.mjs';
import { newestResults } from '../site/results.mjs';
import { capture, terminal } from './terminal.mjs';

const here = dirname(fileURLToPath(import.meta.url));

const timeOf = (us) => (us >= 1000 ? `${Number((us / 1000).toPrecision(2))} ms` : `${us} µs`);

/** The sandboxes beside which it is shown; the page of benchmarks has all that were measured. */
const peers = ['bubblewrap', 'runc', 'firejail'];

/** The rows of wasbox by their names in the results, and what they are called here. */
const own = new Map([
  ['wasbox run, repeated', 'wasbox run, again'],
  ['first run of a command line', 'wasbox run, new command line'],
  [
    'first run of a command line, without the engine',
    'wasbox run, new command line, built without the engine',
  ],
]);

/** A table with bars in proportion to the times. */
function startup({ startup: rows, situations, machine }) {
  const shown = [...rows, ...situations.rows.filter(({ name }) => own.has(name))]
    .filter(({ name }) => own.has(name) || peers.includes(name))
    .map(({ name, medianUs }) => ({ name: own.get(name) ?? name, medianUs }))
    .sort((a, b) => a.medianUs - b.medianUs);
  const longest = shown.at(-1).medianUs;
  const body = shown.map(({ name, medianUs }) => {
    const kind = name.startsWith('wasbox') ? ' class="own"' : '';
    const width = ((medianUs / longest) * 100).toFixed(1);
    return `<tr${kind}><th scope="row">${escapeHtml(name)}</th><td><span class="bar-of" style="width:${width}%"></span></td><td class="amount">${timeOf(medianUs)}</td></tr>`;
  });
  return `<table class="bars"><caption>From start to end of a program that does nothing, each tool as close to the isolation of wasbox as its options go. A command line that ran before is started as it was recorded; a new one is started by the engine that the build includes where its sources can be fetched</caption>
<thead class="hidden"><tr><th scope="col">Tool</th><th scope="col">Bar</th><th scope="col">Median</th></tr></thead>
<tbody>${body.join('\n')}</tbody></table>
<p class="muted small">Medians on ${escapeHtml(`${machine.cores} cores, ${machine.system}, Linux ${machine.kernel.split('-')[0]}, ${machine.date.slice(0, 10)}`)}. <a href="about/benchmarks.html">All benchmarks</a> · <a href="about/criteria.html">more than speed</a> · your machine: <code>npm run bench</code></p>`;
}

const captures = [
  {
    title: '1. What it tried',
    text: 'What the sandbox refused, why, and the option that would allow it. Nothing is allowed on the way.',
    command: 'wasbox run nasty.py',
    from: 'blocked:',
    to: 'namespace unshare',
  },
  {
    title: '2. What it changed',
    text: 'All that it wrote, as a diff. What would run later by itself, such as a git hook, is marked.',
    command: 'wasbox diff --stat',
    from: 'post-checkout',
    to: 'paths changed',
  },
  {
    title: '3. What you keep',
    text: '`apply` takes over what is safe and names what it leaves to you. `discard` drops everything.',
    command: 'wasbox apply',
    from: 'wasbox: in ',
    to: 'to apply it anyway',
  },
];

const promises = [
  {
    title: 'Your files stay as they are',
    text: 'The code writes to copies of the directory and of an empty home. You see every change, then apply or discard it.',
    proof: [
      ['guide/changes.html', 'how to review'],
      ['about/threat-model.html#what-wasbox-promises', 'the promise'],
    ],
    tests: ['files', 'home', 'changes'],
  },
  {
    title: 'Your secrets stay yours',
    text: 'The code sees no keys, tokens, agent sockets or variables of yours. It does see the project that it runs in: `--hide-secrets` hides keys there.',
    proof: [
      ['guide/files.html#what-the-code-sees', 'what it sees'],
      ['about/criteria.html#probes', 'the same attempts on other sandboxes'],
    ],
    tests: ['shown', 'services', 'proc'],
  },
  {
    title: 'It has no network',
    text: 'The network is off until you name a host. Afterwards wasbox lists what the code tried to reach, with the option for it.',
    proof: [
      ['guide/network.html', 'how to allow a host'],
      ['about/criteria.html#probes', 'the same attempts on other sandboxes'],
    ],
    tests: ['network', 'packets', 'sockets'],
  },
  {
    title: 'It cannot get out or stay',
    text: 'No capabilities, no new privileges, an allow list of system calls; limits on memory, processes and disk. No process is left.',
    proof: [
      ['about/criteria.html#holes', 'public holes of the kernel'],
      ['about/threat-model.html#what-wasbox-does-not-promise', 'what is not promised'],
    ],
    tests: ['escapes', 'calls', 'bombs'],
  },
];

const promise = ({ title, text, proof, tests }) => `<li><h3>${inline(title)}</h3>
<p>${inline(text)}</p>
<p class="proof">Proof: ${proof.map(([href, words]) => `<a href="${href}">${words}</a>`).join(', ')}; the attacks in <code>test/attacks</code>: ${tests.map((name) => `<code>${name}</code>`).join(', ')}.</p></li>`;

/** Every page by section, as a map of the site. */
function documentation(pages) {
  const sections = [...new Set(pages.map(({ section }) => section))];
  const list = (section) =>
    pages
      .filter((page) => page.section === section && page.path !== 'index.html')
      .map(
        ({ path, title, description }) =>
          `<li><a href="${path}" title="${escapeHtml(description)}">${escapeHtml(title)}</a></li>`,
      )
      .join('\n');
  return sections
    .map((section) => `<section><h3>${escapeHtml(section)}</h3><ul>${list(section)}</ul></section>`)
    .join('\n');
}

async function bundle(folder) {
  mkdirSync(folder, { recursive: true });
  await bundleForSite({
    entryPoints: ['tour.js', 'landing.css'].map((name) => join(here, name)),
    outdir: folder,
    format: 'esm',
    target: 'es2023',
  });
}

export async function render({ root, outdir, pages }) {
  await bundle(join(outdir, 'landing'));
  const read = (name) => JSON.parse(readFileSync(join(here, name), 'utf8'));
  const tour = read('tour.json');
  const channels = read('channels.json');
  const installs = channels
    .map(
      ([name, command]) =>
        `<div><dt>${escapeHtml(name)}</dt><dd>${codeBlock(`${command}\n`, 'bash')}</dd></div>`,
    )
    .join('\n');
  const body = `<div class="hero">
<div class="pitch">
<h1>Run code that you do not trust, with one command</h1>
<p class="lead">wasbox runs a script in a sandbox, as an ordinary user and without any setup, then shows what it tried and changed, for you to apply or discard.</p>
${codeBlock('$ wasbox run script.py\n', 'console')}
<p class="actions"><a class="button main" href="guide/start.html">Quick start</a> <a class="button" href="playground/index.html">Playground</a> <a class="button" href="about/comparison.html">Comparison</a></p>
</div>
${terminal(tour)}
</div>
<h2 id="review">What you see afterwards</h2>
<ol class="captures">${captures.map((one) => capture(tour, one)).join('\n')}</ol>
<h2 id="install">Install</h2>
<dl class="channels">${installs}</dl>
<p class="muted small">Linux 5.12 or newer, x64 or arm64; no root, daemon, image, setuid helper or configuration. wasbox is not on npm yet: a package of that name there is not this one. Then <code>wasbox doctor</code> checks your machine. <a href="guide/install.html">All about installing</a></p>
<h2 id="promises">Four promises</h2>
<ul class="promises">${promises.map(promise).join('\n')}</ul>
<h2 id="start-up">Start-up, next to others</h2>
${startup(newestResults(root))}
<h2 id="documentation">Documentation</h2>
<div class="overview">${documentation(pages)}</div>
<p class="muted small">MIT licence. <a href="THIRD-PARTY.txt">Code of others in these pages</a>, with its terms.</p>`;
  return { body, styles: ['landing/landing.css'], scripts: ['landing/tour.js'] };
}

// The recorded tour as HTML, whole and in parts: every line is there from the start, as text; tour.js only plays it.
import { escapeHtml, inline } from '../site/html.mjs';

/** SGR codes that wasbox writes, and the classes that show them. */
const classes = { 1: 'bold', 2: 'dim', 31: 'red', 32: 'green', 33: 'yellow', 36: 'cyan' };

/** Options are not broken behind one of their hyphens. */
const wholeOptions = (text) =>
  escapeHtml(text).replace(/--[\w-]+/g, '<span class="t-whole">$&</span>');

/** A line with SGR sequences as spans; any other control character is an error in the recording. */
function lineHtml(line) {
  const parts = line.split(/\u001b\[([\d;]*)m/);
  let active = [];
  return parts
    .map((part, at) => {
      if (at % 2 === 1) {
        const code = Number(part || 0);
        if (code === 0 || code === 22 || code === 39) active = [];
        else if (classes[code] !== undefined) active = [...active, classes[code]];
        return '';
      }
      if (/\p{Cc}/u.test(part))
        throw new Error(`tour.json: control character in ${JSON.stringify(line)}`);
      if (part === '') return '';
      const text = wholeOptions(part);
      return active.length === 0 ? text : `<span class="t-${active.join(' t-')}">${text}</span>`;
    })
    .join('');
}

/** Returns what a command wrote, line by line, with the milliseconds at which each began. */
function linesOf({ output }) {
  const lines = [];
  let rest = '';
  let begun = 0;
  for (const [at, text] of output) {
    if (rest === '') begun = at;
    const pieces = (rest + text).split('\n');
    rest = pieces.pop() ?? '';
    for (const piece of pieces) {
      lines.push({ at: begun, text: piece });
      begun = at;
    }
  }
  return rest === '' ? lines : [...lines, { at: begun, text: rest }];
}

/**
 * Part of what a command of the tour wrote, as a figure.
 * @param from what the first line has, `to` the last one
 */
export function capture(tour, { command, from, to, title, text }) {
  const step = tour.steps.find((one) => one.command === command);
  const lines = linesOf(step ?? { output: [] }).map((line) => line.text);
  const first = lines.findIndex((line) => line.includes(from));
  const last = lines.findLastIndex((line) => line.includes(to));
  if (first < 0 || last < first)
    throw new Error(`tour.json: no "${from}" to "${to}" in ${command}`);
  const shown = lines.slice(first, last + 1).map((line) => `${lineHtml(line)}\n`);
  const typed = `<span class="t-prompt">$ </span><span class="t-command">${escapeHtml(command)}</span>\n`;
  const more = first > 0 ? '<span class="t-dim">…</span>\n' : '';
  return `<li><h3>${escapeHtml(title)}</h3>
<p>${inline(text)}</p>
<pre class="tour-screen" tabindex="0" role="group" aria-label="Terminal: ${escapeHtml(command)}">${typed}${more}${shown.join('')}</pre></li>`;
}

/** @param tour docs/landing/tour.json */
export function terminal(tour) {
  const steps = tour.steps.map((step) => {
    const typed = `<span class="t-line t-typed"><span class="t-prompt">$ </span><span class="t-command">${escapeHtml(step.command)}</span>\n</span>`;
    const said = linesOf(step).map(
      ({ at, text }) => `<span class="t-line" data-at="${at}">${lineHtml(text)}\n</span>`,
    );
    return typed + said.join('');
  });
  return `<figure class="tour" id="tour">
<div class="tour-bar"><span class="tour-title">~/demo</span><button type="button" class="tour-play" hidden>Pause</button></div>
<pre class="tour-screen" tabindex="0" role="group" aria-label="Terminal: the tour, as it ran">${steps.join('<span class="t-line">\n</span>')}</pre>
<figcaption>Recorded from a real run on ${escapeHtml(tour.recorded)}. nasty.py tries what malicious scripts try; an ordinary user runs it, with a token in the environment. Played slower than it ran.</figcaption>
</figure>`;
}

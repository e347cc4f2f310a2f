// Reference of error codes, from the table in src/errors.
import { heading, inline } from '../site/html.mjs';

const areas = {
  usage: 'Usage',
  policy: 'Policies',
  support: 'Platform support',
  launch: 'Launching',
  run: 'Running',
  abort: 'Aborted runs',
  changes: 'Saved changes',
  image: 'Images',
};
const classes = {
  usage: 'UsageError',
  policy: 'PolicyError',
  support: 'SupportError',
  launch: 'LaunchError',
  run: 'RunError',
  abort: 'AbortError',
  changes: 'ChangesError',
  image: 'ImageError',
};

export function render({ facts }) {
  const codes = Object.entries(facts.errorCodes);
  const found = [...new Set(codes.map(([, { area }]) => area))];
  const body = `${heading(1, 'Error codes')}
<p class="lead">Every error code and what it means. Codes are stable, so programs can depend on them. The message says what failed and where, <code>hint</code> how to fix it.</p>
<p>The library throws a <code>WasboxError</code> or one of its subclasses, with <code>code</code>, <code>message</code>, <code>hint</code> and <code>cause</code>. A program that fails inside the sandbox is a result, not an error.</p>
${found
  .map(
    (area) => `${heading(2, areas[area] ?? area, area)}
<p class="muted">Class: <code>${classes[area] ?? 'WasboxError'}</code></p>
<dl class="options">${codes
      .filter(([, entry]) => entry.area === area)
      .map(
        ([code, { exit }]) =>
          `<dt id="${code}"><code>${code}</code> <a class="anchor" href="#${code}" aria-label="Link to ${code}">#</a></dt><dd>${inline(facts.errorMeanings[code])} <span class="muted"><code>wasbox run</code> exits ${exit}.</span></dd>`,
      )
      .join('\n')}</dl>`,
  )
  .join('\n')}`;
  return { body };
}

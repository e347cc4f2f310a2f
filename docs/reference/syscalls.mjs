// Reference of system calls: numbers, typed arguments, groups, the decisions of the default policy
// and the reasons. The page fetches the rows as data and shows a screenful at a time.
import { join } from 'node:path';
import { bundleForSite } from '../site/bundle.mjs';
import { escapeHtml, heading, table } from '../site/html.mjs';

export async function render({ facts, docs, outdir, put }) {
  put('reference/syscalls.json', JSON.stringify(facts.calls));
  await bundleForSite({
    entryPoints: [join(docs, 'reference/assets/syscalls.js')],
    outfile: join(outdir, 'reference/syscalls.js'),
    format: 'esm',
  });
  const options = (names) => names.map((name) => `<option>${escapeHtml(name)}</option>`).join('');
  const groups = table(
    ['Group', 'Calls'],
    facts.groups.map(([name, members]) => [
      `<a href="#calls" data-group="${escapeHtml(name)}"><code>@${escapeHtml(name)}</code></a>`,
      String(members.length),
    ]),
    { label: 'Groups', className: 'narrow' },
  );
  const architectures = table(
    ['Architecture', '<code>AUDIT_ARCH</code>', 'Pointer', 'Byte order'],
    facts.architectures.map(({ name, audit, bits, bigEndian, numberBase }) => [
      `<code>${name}</code>`,
      `<code>0x${audit.toString(16)}</code>${numberBase === 0 ? '' : ` + numbers from <code>0x${numberBase.toString(16)}</code>`}`,
      `${bits} bits`,
      bigEndian ? 'big' : 'little',
    ]),
    { label: 'Architectures' },
  );
  const constants = facts.constants
    .map(
      ([set, members]) =>
        `<details><summary><code>${escapeHtml(set)}</code>, ${members.length} constants</summary><p class="constants">${members.map(({ name, value }) => `<code title="${value}">${escapeHtml(name)}</code>`).join(' ')}</p></details>`,
    )
    .join('\n');
  const body = `${heading(1, 'System calls')}
<p class="lead">Every system call that a policy can name, and what the built-in policy decides about it: ${facts.calls.length} calls of ${facts.architectures.length} architectures, up to Linux ${escapeHtml(facts.tables)}.</p>
${heading(2, 'Calls')}
<form class="filters" role="search" aria-label="System calls">
<label>Name, argument or reason <input id="call-text" type="search" autocomplete="off" spellcheck="false"></label>
<label>Architecture <select id="call-arch">${options(facts.architectures.map(({ name }) => name))}</select></label>
<label>Group <select id="call-group"><option value="">any</option>${options(facts.groups.map(([name]) => name))}</select></label>
<label>Default policy <select id="call-decision"><option value="">any</option><option value="allow">allows</option><option value="some">depends on arguments</option><option value="deny">refuses</option></select></label>
</form>
<p id="call-count" role="status" class="muted">The table needs JavaScript; <code>wasbox policy explain default</code> has the same.</p>
<ul id="calls-list" class="calls"></ul>
<p><button type="button" id="call-more" class="button" hidden>Show more</button></p>
${heading(2, 'Groups')}
${groups}
${heading(2, 'Architectures')}
${architectures}
${heading(2, 'Constants')}
<p>Names that a policy can use instead of numbers. Point at one to see its value on x86_64.</p>
${constants}`;
  return { body, scripts: ['reference/syscalls.js'] };
}

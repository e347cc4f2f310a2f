// Reference of the command line, from the tables that the parser uses.
import { escapeHtml, heading, inline, slug } from '../site/html.mjs';

function option(command, entry) {
  const id = `${slug(command.name)}-${entry.name}`;
  const value = entry.metavar === undefined ? '' : ` <var>${escapeHtml(entry.metavar)}</var>`;
  const short = entry.short === undefined ? '' : `<code>-${entry.short}</code>, `;
  const help = entry.help.charAt(0).toUpperCase() + entry.help.slice(1);
  const facts = [
    ...(entry.default === undefined ? [] : [`Default: ${inline(entry.default)}.`]),
    ...(entry.repeatable === true ? ['Repeatable.'] : []),
    ...(entry.scope === 'sandbox' && command.name === 'run'
      ? [`In the library: <code>${escapeHtml(entry.property)}</code>.`]
      : []),
  ];
  return `<dt id="${id}">${short}<code>--${entry.name}${value}</code> <a class="anchor" href="#${id}" aria-label="Link to --${entry.name} of ${escapeHtml(command.name)}">#</a></dt>
<dd>${inline(help)}.${facts.length === 0 ? '' : ` <span class="muted">${facts.join(' ')}</span>`}</dd>`;
}

function options(command) {
  const groups = [...new Set(command.options.map(({ group }) => group))];
  return groups
    .map((group) => {
      const entries = command.options.filter((entry) => entry.group === group);
      const head = command.name === 'run' ? heading(3, group, `run-group-${slug(group)}`) : '';
      return `${head}\n<dl class="options">${entries.map((entry) => option(command, entry)).join('\n')}</dl>`;
    })
    .join('\n');
}

function section(command) {
  const usages = command.usages.map((usage) => `wasbox ${command.name} ${usage}`).join('\n');
  const [what = '', ...more] = command.what.split('\n');
  return `${heading(2, `wasbox ${command.name}`, slug(command.name))}
<p>${inline(what)}</p>
<div class="code"><pre tabindex="0" role="group" aria-label="Usage"><code>${escapeHtml(usages)}</code></pre></div>
${more.map((line) => `<p>${inline(line)}</p>`).join('\n')}
${options(command)}`;
}

export function render({ facts }) {
  const body = `${heading(1, 'Command line')}
<p class="lead">Every command and option, from the tables that the parser uses. <code>man wasbox</code> has the same.</p>
<p>Options end at the script or command, or at <code class="whole">--</code>; everything after it belongs to the program. <code>wasbox run</code> exits with the program’s own status, or with one of these:</p>
<ul>
<li><code>124</code>: the time limit was reached</li>
<li><code>125</code>: wasbox itself failed, or the command line is wrong</li>
<li><code>126</code>: the program cannot be executed</li>
<li><code>127</code>: the program was not found</li>
<li><code>128+n</code>: signal <var>n</var> killed the program</li>
</ul>
<p>The other commands exit 0 on success, 1 if the answer is no or the input is invalid, and 2 for a usage error.</p>
${facts.commands.map(section).join('\n')}`;
  return { body };
}

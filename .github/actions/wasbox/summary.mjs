// What a job's summary says of a run, from its report. The run's program chose names in it: nothing of them is Markdown.

/** Rows of a list at most. */
const MOST = 50;

/** Characters of a text at most. With `MOST`, they keep a summary below the 1 MiB that GitHub shows; it drops a larger one. */
const LONGEST = 120;

/** Returns the characters of a text; of a long one, its beginning and its end. */
function charactersOf(text) {
  const all = [...text];
  if (all.length <= LONGEST) return all;
  const half = (LONGEST - 1) / 2;
  return [...all.slice(0, Math.ceil(half)), '…', ...all.slice(-Math.floor(half))];
}

/** A text that the program may have chosen, as HTML in a row of a table. */
const code = (text) => {
  const shown = charactersOf(String(text))
    .map((one) =>
      /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(one) ? `\\u{${one.codePointAt(0).toString(16)}}` : one,
    )
    .join('');
  const escaped = shown.replace(/[&<>"'`|\\*_~[\]]/g, (one) => `&#${one.codePointAt(0)};`);
  return `<code>${escaped}</code>`;
};

function table(title, heads, rows) {
  if (rows.length === 0) return '';
  const row = (tag, cells) =>
    `<tr>${cells.map((cell) => `<${tag}>${cell}</${tag}>`).join('')}</tr>`;
  const shown = rows.slice(0, MOST).map((cells) => row('td', cells));
  const more = rows.length > MOST ? `<p>and ${rows.length - MOST} more</p>\n` : '';
  return `<h4>${title}</h4>\n<table>${row('th', heads)}\n${shown.join('\n')}\n</table>\n${more}`;
}

/** Says what became of the changes. A runner goes away, and with it what is saved there. */
const endings = {
  kept: ', not applied',
  applied: ', applied',
  'partly-applied': ', applied in part',
  discarded: ', discarded',
};

function ending({ kind, status, limit }) {
  if (kind === 'timeout') return 'ran into its time limit';
  if (limit !== undefined) return `ran into its limit on ${limit}`;
  if (kind === 'exited' || kind === 'signaled') return `ended with ${status}`;
  return 'did not start';
}

/** HTML for a job's summary. */
export function summaryOf({ argv, outcome, sandbox, refusals, network, changes, notes = [] }) {
  const hosts = (network?.destinations ?? []).map(
    ({ name, address, port, protocol, allowed, count, option }) => [
      code(`${name ?? address}${port === undefined ? '' : `:${port}`}`),
      code(protocol),
      allowed ? 'reached' : '<strong>blocked</strong>',
      count,
      option === undefined ? '' : code(option),
    ],
  );
  hosts.sort(([, , a], [, , b]) => Number(a === 'reached') - Number(b === 'reached'));
  const calls = (refusals?.calls ?? []).map(({ call, target, count, cause }) => [
    code(target === undefined ? call : `${call} ${target}`),
    count,
    code(cause ?? ''),
  ]);
  const left = new Map((changes?.refused ?? []).map(({ path, message }) => [path, message]));
  const paths = (changes?.paths ?? []).map(({ path, kind }) => [
    code(path),
    code(kind),
    left.has(path) ? code(left.get(path)) : '',
  ]);
  paths.sort(([, , a], [, , b]) => Number(a === '') - Number(b === ''));
  const isolation =
    sandbox === undefined ? '' : `, ${code(sandbox.isolation)}, network ${code(sandbox.net)}`;
  return [
    `<h3>wasbox: ${code(argv?.at(-1)?.split('\n', 1)[0] ?? '')}</h3>\n`,
    `<p>The step ${ending(outcome)}${isolation}.</p>\n`,
    ...notes.slice(0, MOST).map((note) => `<p>${code(note)}</p>\n`),
    table('Blocked', ['call', 'times', 'why'], calls),
    table('Hosts', ['host', 'protocol', '', 'times', 'to allow it'], hosts),
    table(`Changes${endings[changes?.disposition] ?? ''}`, ['path', 'change', 'left alone'], paths),
    '\n',
  ].join('');
}

// Results as text for a terminal, as the block of the README, and as tables of the page.
import { describe } from './machine.mjs';

const us = (value) => (value >= 1e4 ? `${(value / 1e3).toFixed(1)} ms` : `${Math.round(value)} µs`);
const spread = ({ lowUs, highUs }) => `${us(lowUs)} – ${us(highUs)}`;

/** @returns {{title: string, rows: Record<string, string>[]}[]} */
export function tables(results) {
  const {
    startup = [],
    isolations = [],
    situations,
    programs = [],
    library,
    pool = [],
    throughput = [],
    memory = [],
    steady = [],
  } = results;
  const timing = (rows) =>
    rows.map((row) => ({
      what: row.name,
      median: us(row.medianUs),
      quartiles: spread(row),
      'over bubblewrap': (row.ratio ?? row.overBubblewrap)?.toFixed(2) ?? '',
    }));
  const all = [
    {
      title: 'Targets',
      rows: results.targets.map(({ what, target, figure, met, spentOn }) => ({
        what,
        target,
        figure,
        met: met === null ? '–' : met ? 'yes' : 'no',
        'where the time goes': spentOn ?? '',
      })),
    },
    { title: 'Start to end of a program that does nothing', rows: timing(startup) },
    { title: 'With and without namespaces, a small directory', rows: timing(isolations) },
    { title: 'Beside the repeated run', rows: timing(situations?.rows ?? []) },
    {
      title: 'Programs that users run',
      rows: programs.map((row) => ({
        what: row.name,
        median: us(row.medianUs),
        quartiles: spread(row),
        'the program alone': row.aloneUs === undefined ? '' : us(row.aloneUs),
        'beyond it': row.moreUs === undefined ? '' : us(row.moreUs),
        'beyond it, over bubblewrap': row.ratio?.toFixed(2) ?? '',
      })),
    },
    { title: 'Library, 50 MB resident', rows: timing(library?.small ?? []) },
    { title: 'Library, 1.1 GB resident', rows: timing(library?.large ?? []) },
    {
      title: 'Request to first byte',
      rows: pool.map((row) => ({
        what: row.name,
        median: us(row.medianUs),
        quartiles: spread(row),
        'over plain': row.ratio.toFixed(3),
      })),
    },
    {
      title: 'Sandboxes a second',
      rows: throughput.map((row) => ({
        what: row.name,
        'at a time': String(row.jobs),
        'a second': `${row.perSecond} (${row.lowPerSecond} – ${row.highPerSecond})`,
        'over bubblewrap': row.overBubblewrap?.toFixed(2) ?? '',
      })),
    },
    {
      title: 'Memory',
      rows: memory.map(({ name, pssBytes }) => ({
        what: name,
        PSS: `${Math.round(pssBytes / 1024)} KB`,
      })),
    },
    {
      title: 'While it runs',
      rows: steady.map(({ name, insideUs, outsideUs, ratio }) => ({
        what: name,
        inside: `${insideUs} µs`,
        outside: `${outsideUs} µs`,
        ratio: ratio.toFixed(2),
      })),
    },
    {
      title: 'Not measured',
      rows: (results.missing ?? []).map(({ name, why }) => ({ what: name, why })),
    },
  ];
  return all.filter(({ rows }) => rows.length > 0);
}

export function text(results) {
  const out = [describe(results.machine)];
  for (const { title, rows } of tables(results)) {
    const names = Object.keys(rows[0]).filter((name) => name !== 'where the time goes');
    const widths = names.map((name) =>
      Math.max(name.length, ...rows.map((row) => row[name].length)),
    );
    const line = (cells) =>
      `  ${cells.map((cell, i) => cell.padEnd(widths[i])).join('  ')}`.trimEnd();
    out.push('', title, line(names));
    for (const row of rows) {
      out.push(line(names.map((name) => row[name])));
      if (row['where the time goes']) out.push(`      ${row['where the time goes']}`);
    }
  }
  return out.join('\n');
}

/** The figures that the README has, of all that were measured: the starts that people see, each beside a peer. */
const shortList = [
  ['`wasbox run` again, from start to end', 'startup', 'wasbox run, repeated', 'bubblewrap'],
  [
    '`wasbox run` of a new command line, with the engine',
    'situations',
    'first run of a command line',
    'bubblewrap',
  ],
  [
    'the same, built without the engine',
    'situations',
    'first run of a command line, without the engine',
    'bubblewrap',
  ],
];

const timeOf = (us) => `${Number((us / 1000).toPrecision(2))} ms`;

/** The block between the README's markers. */
export function readmeBlock(results, chartPath) {
  const rowsOf = { startup: results.startup, situations: results.situations?.rows ?? [] };
  const rows = shortList.flatMap(([what, section, own, peer]) => {
    const median = (name) => rowsOf[section].find((row) => row.name === name)?.medianUs;
    return median(own) === undefined || median(peer) === undefined
      ? []
      : [`| ${what} | ${timeOf(median(own))} | ${peer}: ${timeOf(median(peer))} |`];
  });
  const [idle, peer] = results.memory.map(({ pssBytes }) => `${Math.round(pssBytes / 1024)} KB`);
  if (peer) rows.push(`| memory of an idle sandbox | ${idle} | bubblewrap: ${peer} |`);
  return [
    '| | wasbox | beside it |',
    '|---|---|---|',
    ...rows,
    '',
    `${describe(results.machine)}; medians of interleaved runs as an ordinary user, [chart](${chartPath}). Yours: \`npm run bench\`,`,
    'which also lists the targets and what is missed.',
  ].join('\n');
}

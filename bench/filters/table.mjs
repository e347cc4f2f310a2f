// The results of bench/filters.mjs as Markdown.

/** Peers that no Debian package has: figures measured once, with their own frequency mix. */
const recorded = [
  ['kafel', 108, 10.5, 8.7, '17 of 4,000'],
  ['minijail, bst + frequency', 105, 11.8, 6.3, '0 of 2,000'],
];
const bars = { instructions: 100, mean: 9, weighted: 5 };
/** No tree of tests gets below this weighted mean: see wasm-core/src/normalize.c. */
const bound = 5.76;

const count = (value) => value.toLocaleString('en-US');
const row = (cells) => `| ${cells.join(' | ')} |\n`;

function random({ policies, ...tallies }, who) {
  const { wrong, weaker, stronger, refused } = tallies[who];
  const of = `${count(wrong)} of ${count(policies)}`;
  const kinds =
    wrong > 0 ? ` (${count(weaker)} let through too much, ${count(stronger)} too little)` : '';
  return of + kinds + (refused > 0 ? `, ${count(refused)} not compiled` : '');
}

const names = {
  libseccomp: 'libseccomp, tree',
  native: 'wasbox, native build',
  wasm: 'wasbox, WASM',
};

export function renderTable({ machine, versions, profile, filters, random: tallies, compile }) {
  const line = (name, f, wrong) =>
    row([
      name,
      f.instructions,
      f.mean.toFixed(1),
      f.weighted.toFixed(2),
      f.filtered.toFixed(2),
      wrong,
    ]);
  const { wasbox, wasboxCacheAware, libseccomp, libseccompTree } = filters;
  return [
    '# Filter quality\n\n',
    `Docker’s default profile without capabilities for ${profile.arch}\n`,
    `(\`${profile.file}\`). Written by \`npm run bench -- filters\`.\n\n`,
    `${machine.date}; ${machine.cpu}, ${machine.cores} cores, Linux ${machine.kernel}, Node ${machine.node};\n`,
    `wasbox ${versions.wasbox} with the system calls of Linux ${versions.tables}, libseccomp ${versions.libseccomp}.\n\n`,
    row([
      '',
      'instructions',
      'executed, mean over 0–469',
      'executed, weighted by use',
      'the same, of calls that Linux 5.11 runs it for',
      'miscompiled random policies',
    ]),
    row(['---', '---:', '---:', '---:', '---:', '---']),
    line(`libseccomp ${versions.libseccomp}`, libseccomp, random(tallies, 'libseccomp')),
    line(`libseccomp ${versions.libseccomp}, tree`, libseccompTree, 'as above'),
    ...recorded.map(([name, size, mean, weighted, wrong]) =>
      row([`${name} *`, size, mean.toFixed(1), weighted.toFixed(2), '', wrong]),
    ),
    line('**wasbox**', wasbox, `${random(tallies, 'wasbox')}, and each filter is proved`),
    line('**wasbox**, `--kernel 5.11`', wasboxCacheAware, 'as above'),
    row(['aim', `≤ ${bars.instructions}`, `≤ ${bars.mean}`, `≤ ${bars.weighted} **`, '', '0']),
    '\n\\* Recorded earlier on another machine with another mix of calls; not measured in this run.\n\n',
    `\\** Out of reach for this mix: no program takes less than ${bound} (the reasoning is in \`wasm-core/src/normalize.c\`).\n\n`,
    `wasbox: ${wasbox.worst} instructions at most; the kernel remembers ${wasbox.cacheable} of ${wasbox.known} calls.\n`,
    'The random policies have one or two rules that allow one call by two 64-bit arguments. ',
    'Weighted: by `wasm-core/syscalls/weights.txt`.\n\n',
    '## Time to compile\n\n',
    'From rules to program, in turns; wasbox’s includes the proof. Ratios are medians of pairs.\n\n',
    row(['', 'median, µs', 'quartiles, µs', 'ratio']),
    row(['---', '---:', '---:', '---:']),
    ...compile.map(({ name, medianUs, lowUs, highUs, ratio }) =>
      row([
        names[name],
        Math.round(medianUs),
        `${Math.round(lowUs)}–${Math.round(highUs)}`,
        ratio.toFixed(2),
      ]),
    ),
  ].join('');
}

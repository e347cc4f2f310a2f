// The targets, each with its figure from one run's results; one that misses says where the time goes.
const us = (value) => (value >= 1e4 ? `${(value / 1e3).toFixed(1)} ms` : `${Math.round(value)} µs`);
const times = (value) => `${value.toFixed(2)}×`;
const find = (rows, name, more = () => true) => rows?.find((row) => row.name === name && more(row));

/** One limit on one figure. `figure` is undefined where what it needs was not there. */
const limit = (what, figure, wanted, unit = times, atLeast = false) => ({
  what,
  target: `${atLeast ? '≥' : '≤'} ${unit(wanted)}`,
  figure: figure === undefined ? 'not measured: a peer or a part is missing' : unit(figure),
  value: figure ?? null,
  met: figure === undefined ? null : atLeast ? figure >= wanted : figure <= wanted,
});

function startupTargets({ startup = [], isolations = [] }) {
  const spaces = find(isolations, 'wasbox run with namespaces');
  const landlock = find(isolations, 'wasbox run without namespaces');
  const repeated = find(startup, 'wasbox run, repeated');
  const bwrap = find(startup, 'bubblewrap');
  const plain = find(startup, 'plain program');
  const repeatedSpent =
    repeated && plain
      ? `${us(repeated.medianUs)} from start to end, of which the program itself takes ${us(plain.medianUs)}; the rest is the namespaces, mounts, filter and teardown in the kernel (strace -rf shows each step), and the check of the saved start.`
      : 'The native command was not there.';
  return [
    {
      ...limit('`wasbox run` repeated, over bubblewrap', bwrap && repeated?.ratio, 1),
      spentOn: repeatedSpent,
    },
    {
      ...limit(
        '`wasbox run` without namespaces, over the same with them',
        landlock && spaces && landlock.ratio / spaces.ratio,
        0.7,
      ),
      spentOn: landlock ? `${us(landlock.medianUs)} from start to end, with the copy.` : '',
    },
  ];
}

function situationTargets({ situations }) {
  const { rows = [], sizeBytes } = situations ?? {};
  const over = (name) => find(rows, name)?.ratio;
  const same = find(rows, 'the same again');
  const many = find(rows, 'the same again, 10000 runs saved');
  const spent = (name) => `${us(find(rows, name)?.medianUs ?? 0)} from start to end.`;
  const row = (what, name, wanted) => ({
    ...limit(`${what}, over bubblewrap`, over(name), wanted),
    spentOn: spent(name),
  });
  const ms = (name) => find(rows, name)?.medianUs;
  return [
    row('`wasbox run` of any command line, the first time', 'first run of a command line', 2),
    limit('the same, from start to end', ms('first run of a command line'), 10_000, us),
    row('`wasbox run` with other arguments', 'other arguments', 1),
    row('`wasbox run` that changes a file', 'a changed file', 2),
    limit(
      '`wasbox run` repeated with 10,000 saved runs, over none',
      same && many && many.ratio / same.ratio,
      1.1,
    ),
    limit('`wasbox diff` of 10 files', ms('diff of 10 files'), 10_000, us),
    limit('`wasbox apply` of 10 files', ms('apply of 10 files'), 10_000, us),
    limit(
      'size of the native command',
      sizeBytes,
      2.5e6,
      (bytes) => `${(bytes / 1e6).toFixed(1)} MB`,
    ),
  ].map((one) => ({ spentOn: '', ...one }));
}

function programTargets({ programs = [] }) {
  const of = (name) => find(programs, name);
  const spent = (name) => `${us(of(name)?.medianUs ?? 0)} from start to end.`;
  const firsts = programs.filter(({ name }) => name.startsWith('first run: '));
  const failures = ['sh', 'py', 'js'].flatMap((extension) => {
    const [small, large] = ['small', '1 MB'].map((size) => `a failing .${extension} file, ${size}`);
    if (of(small) === undefined) return [];
    const more = Math.max(0, of(large).moreUs - of(small).moreUs);
    return [
      {
        ...limit(`${small}, beyond the program alone`, of(small).moreUs, 25_000, us),
        spentOn: spent(small),
      },
      { ...limit(`${large}, more than a small one`, more, 30_000, us), spentOn: spent(large) },
    ];
  });
  const many = programs.filter(({ name }) => name.startsWith('a run that writes '));
  return [
    ...firsts.map(({ name, ratio, moreUs }) => ({
      ...limit(
        `${name}${moreUs === undefined ? '' : ', less its own time'}, over bubblewrap`,
        ratio,
        2,
      ),
      spentOn: spent(name),
    })),
    ...failures,
    ...many.map(({ name, medianUs, aloneUs }) => ({
      ...limit(
        `${name}, less 50 ms, over the program alone`,
        Math.max(0, medianUs - 50_000) / aloneUs,
        1.4,
      ),
      spentOn: spent(name),
    })),
  ];
}

function libraryTargets({ library = {} }) {
  const { small = [], large = [] } = library;
  const run = find(small, 'run()');
  const big = find(large, 'run()');
  const inner = find(small, 'run(), until the payload ended');
  const spawn = find(small, 'spawn');
  const spent =
    run && inner
      ? `${us(run.medianUs)} in all; ${us(inner.medianUs)} until the payload has ended, in the kernel, init and the payload; ${us(run.medianUs - inner.medianUs)} in Node for options, plan, layer, streams and report.`
      : '';
  return [
    { ...limit('library run(), over spawn(bwrap)', run?.overBubblewrap, 0.7), spentOn: spent },
    { ...limit('library run(), over a plain spawn', spawn && run?.overSpawn, 2.4), spentOn: spent },
    {
      ...limit(
        'library run() with 1.1 GB resident, over 50 MB',
        run && big && big.medianUs / run.medianUs,
        1.2,
      ),
      spentOn: 'Pages that Node touches again after the start, and its collector.',
    },
  ];
}

function otherTargets({ pool = [], throughput = [], memory = [] }) {
  const at8 = (name) => find(throughput, name, ({ jobs }) => jobs === 8);
  const eight = at8('run()');
  const one = find(throughput, eight?.name, ({ jobs }) => jobs === 1);
  const pooled = (name) =>
    `${us(find(pool, name)?.medianUs ?? 0)} from request to first byte: waking the interpreter, compiling the code, and two turns of Node's event loop.`;
  return [
    {
      ...limit(
        'pooled Python to the first byte, over python3',
        find(pool, 'python, pooled')?.ratio,
        0.12,
      ),
      spentOn: pooled('python, pooled'),
    },
    {
      ...limit('pooled Node to the first byte, over node', find(pool, 'node, pooled')?.ratio, 0.1),
      spentOn: pooled('node, pooled'),
    },
    {
      ...limit(
        'sandboxes a second by run(), 8 at a time, over spawn(bwrap)',
        eight?.overBubblewrap,
        1.2,
        times,
        true,
      ),
      spentOn:
        eight && one
          ? `${eight.perSecond} a second 8 at a time, ${one.perSecond} one at a time: the processors are busy with making and removing namespaces and mounts in the kernel; which part bounds it was not measured.`
          : '',
    },
    {
      ...limit(
        'memory of an idle sandbox',
        find(memory, 'wasbox, idle')?.pssBytes,
        64 * 1024,
        (b) => `${Math.round(b / 1024)} KB`,
      ),
      spentOn: '',
    },
  ];
}

/** @returns rows {what, target, figure, value, met, spentOn} */
export function judge(results) {
  return [
    ...startupTargets(results),
    ...situationTargets(results),
    ...programTargets(results),
    ...libraryTargets(results),
    ...otherTargets(results),
  ].map(({ spentOn, ...row }) => (row.met === false ? { ...row, spentOn } : row));
}

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
  const first = find(startup, 'wasbox run, through Node');
  const bwrap = find(startup, 'bubblewrap');
  const plain = find(startup, 'plain program');
  const repeatedSpent =
    repeated && plain
      ? `${us(repeated.medianUs)} from start to end, of which the program itself takes ${us(plain.medianUs)}; the rest is the namespaces, mounts, filter and teardown in the kernel (strace -rf shows each step), and the check of the saved start.`
      : 'The native command was not there.';
  const node = find(startup, 'plain Node');
  const firstSpent =
    first && node
      ? `${us(first.medianUs)} through Node, of which an empty Node takes ${us(node.medianUs)}; the rest is the bundle, resolving the options and the sandbox.`
      : '';
  return [
    {
      ...limit('`wasbox run` repeated, over bubblewrap', bwrap && repeated?.ratio, 0.6),
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
    {
      ...limit(
        '`wasbox run` the first time, over codex sandbox',
        find(startup, 'codex sandbox')?.firstOver,
        0.6,
      ),
      spentOn: firstSpent,
    },
    {
      ...limit('`wasbox run` the first time, over srt', find(startup, 'srt')?.firstOver, 0.2),
      spentOn: firstSpent,
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
  const throughput = (name) => over(name) && 1 / over(name);
  return [
    row('`wasbox run` of any command line, the first time', 'first run of a command line', 1.5),
    limit('the same, from start to end', ms('first run of a command line'), 10_000, us),
    ...['a large static program', 'a script of 100 bytes', 'a script of 1 MB'].map((program) =>
      row(`the first run of ${program}`, `first run: ${program}`, 2),
    ),
    row('`wasbox run` with other arguments', 'other arguments', 1.2),
    row('`wasbox run` that changes a file', 'a changed file', 2),
    limit(
      '`wasbox run` repeated with 10,000 saved runs, over none',
      same && many && many.ratio / same.ratio,
      1.1,
    ),
    limit('`wasbox diff` of 10 files', ms('diff of 10 files'), 10_000, us),
    limit('`wasbox apply` of 10 files', ms('apply of 10 files'), 10_000, us),
    limit(
      'other arguments, 8 at a time: sandboxes a second over bubblewrap',
      throughput('other arguments, 8 at a time'),
      1.5,
      times,
      true,
    ),
    limit(
      'size of the native command',
      sizeBytes,
      2.5e6,
      (bytes) => `${(bytes / 1e6).toFixed(1)} MB`,
    ),
  ].map((one) => ({ spentOn: '', ...one }));
}

function libraryTargets({ library = {} }) {
  const { small = [], large = [] } = library;
  const run = find(small, 'run()');
  const big = find(large, 'run()');
  const inner = find(small, 'run(), until the payload ended');
  const spawn = find(small, 'spawn');
  const bwrap = find(small, 'spawn(bwrap)');
  const python = find(small, 'python3');
  const sandboxed = find(small, 'python3 in run()');
  const spent =
    run && inner
      ? `${us(run.medianUs)} in all; ${us(inner.medianUs)} until the payload has ended, in the kernel, init and the payload; ${us(run.medianUs - inner.medianUs)} in Node for options, plan, layer, streams and report.`
      : '';
  return [
    { ...limit('library run(), over spawn(bwrap)', run?.overBubblewrap, 0.35), spentOn: spent },
    { ...limit('library run(), over a plain spawn', spawn && run?.overSpawn, 1.2), spentOn: spent },
    {
      ...limit(
        'library run() with 1.1 GB resident, over 50 MB',
        run && big && big.medianUs / run.medianUs,
        1.2,
      ),
      spentOn: 'Pages that Node touches again after the start, and its collector.',
    },
    {
      ...limit('a cold Python script inside, over outside', python && sandboxed?.overPython, 1.15),
      spentOn: `${us((sandboxed?.medianUs ?? 0) - (python?.medianUs ?? 0))} more than outside: the sandbox's start and end (${bwrap ? `bubblewrap's take ${us(bwrap.medianUs)} by themselves` : 'see run()'}). A Python that is started from within a sandbox takes the processor time of one outside.`,
    },
  ];
}

function otherTargets({ pool = [], throughput = [], memory = [] }) {
  const at8 = (name) => find(throughput, name, ({ jobs }) => jobs === 8);
  const [kind, eight] = at8('wasbox run, repeated')
    ? ['`wasbox run`', at8('wasbox run, repeated')]
    : ['run()', at8('run()')];
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
        `sandboxes a second, 8 at a time (${kind}), over bubblewrap`,
        eight?.overBubblewrap,
        2.5,
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
    ...libraryTargets(results),
    ...otherTargets(results),
  ].map(({ spentOn, ...row }) => (row.met === false ? { ...row, spentOn } : row));
}

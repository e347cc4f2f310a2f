/**
 * `wasbox bench`: start-up on this machine, in a few seconds, next to the other sandboxes
 * that are installed. The repository's `npm run bench` measures the rest.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { cpus, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { homeOfUser } from '../changes/index.js';
import { runtime } from '../doctor/index.js';
import { LaunchError } from '../errors/index.js';
import { run } from '../launch/index.js';
import { jsonText } from '../text/index.js';
import { wasboxVersion } from '../version.js';
import { out, style } from './terminal.js';
import { flag, parseVerb } from './verb.js';

/** Milliseconds that the measurements take in all. */
const budgetMs = 15_000;
const mostRounds = 100;
const warmUps = 2;

/** Makes Node start slowly, and has nothing to do with what is measured. */
const unset = ['NODE_EXTRA_CA_CERTS', 'NODE_OPTIONS', 'SSL_CERT_FILE'];

interface Contestant {
  readonly name: string;
  readonly once: () => Promise<void>;
}

interface Row {
  readonly name: string;
  readonly medianUs: number;
  readonly lowUs: number;
  readonly highUs: number;
  readonly rounds: number;
}

function environment(): NodeJS.ProcessEnv {
  const env = { ...process.env };
  for (const name of unset) delete env[name];
  return env;
}

function program(argv: readonly string[], cwd: string): () => Promise<void> {
  const [file = '', ...args] = argv;
  const env = environment();
  return () =>
    new Promise((resolve, reject) => {
      const child = spawn(file, args, { cwd, env, stdio: 'ignore' });
      child.once('error', reject);
      child.once('close', (status) => {
        if (status === 0) resolve();
        else reject(new LaunchError('ERR_EXEC', `${file} exited ${status}`));
      });
    });
}

/** Other sandboxes, each with about the isolation that wasbox gives. */
function peers(work: string, payload: string): [name: string, argv: string[]][] {
  const links = ['bin', 'sbin', 'lib', 'lib64'].filter((name) => existsSync(`/usr/${name}`));
  return [
    [
      'bubblewrap',
      [
        ...['bwrap', '--unshare-all', '--die-with-parent', '--new-session', '--ro-bind', '/usr'],
        ...['/usr', '--ro-bind', '/etc', '/etc', '--proc', '/proc', '--dev', '/dev'],
        ...links.flatMap((name) => ['--symlink', `usr/${name}`, `/${name}`]),
        ...['--tmpfs', '/tmp', '--bind', work, work, '--chdir', work, payload],
      ],
    ],
    [
      'firejail',
      ['firejail', '--quiet', '--noprofile', '--net=none', '--private-tmp', '--seccomp', payload],
    ],
    ['srt', ['srt', payload]],
    ['codex sandbox', ['codex', 'sandbox', '--', payload]],
  ];
}

async function contestants(work: string): Promise<Contestant[]> {
  const payload = realpathSync('/bin/true');
  const own = realpathSync(process.argv[1] ?? '');
  const inNode = runtime().node !== undefined;
  // Where Node does not run it, the command is an executable.
  const starter = inNode ? [process.execPath] : [];
  const words = ['run', '-q', '--discard', '--', payload];
  const list: Contestant[] = [
    { name: 'no sandbox', once: program([payload], work) },
    { name: 'wasbox run', once: program([...starter, own, ...words], work) },
  ];
  // The library is for programs in Node.
  if (inNode) {
    list.push({
      name: 'wasbox, run() in a program',
      once: async () => {
        await run({ command: payload, workdir: work, changes: 'discard' });
      },
    });
  }
  for (const [name, argv] of peers(work, payload)) {
    const once = program(argv, work);
    // The program may not be installed, or not for this user here.
    if (
      await once().then(
        () => true,
        () => false,
      )
    )
      list.push({ name, once });
  }
  return list;
}

const quantile = (sorted: readonly number[], q: number): number =>
  Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0);

/** Runs them in turn, so that a machine that gets slower slows all of them. */
async function measure(list: readonly Contestant[], rounds: number): Promise<Row[]> {
  const samples = list.map((): number[] => []);
  const end = performance.now() + budgetMs;
  for (let round = -warmUps; round < rounds; round++) {
    if (round > 2 && performance.now() > end) break;
    for (const [index, { once }] of list.entries()) {
      const begun = performance.now();
      await once();
      if (round >= 0) samples[index]?.push((performance.now() - begun) * 1000);
    }
  }
  return list.map(({ name }, index) => {
    const sorted = (samples[index] ?? []).sort((a, b) => a - b);
    const [lowUs, medianUs, highUs] = [0.25, 0.5, 0.75].map((q) => quantile(sorted, q)) as [
      number,
      number,
      number,
    ];
    return { name, medianUs, lowUs, highUs, rounds: sorted.length };
  });
}

function print(rows: readonly Row[]): void {
  const most = Math.max(...rows.map(({ medianUs }) => medianUs));
  const ms = (us: number): string => `${(us / 1000).toFixed(1)} ms`;
  for (const { name, medianUs, lowUs, highUs } of rows) {
    const bar = '█'.repeat(Math.max(1, Math.round((medianUs / most) * 24)));
    const shown = name.startsWith('wasbox') ? style(1, 'green', bar) : style(1, 'dim', bar);
    const spread = style(1, 'dim', `${ms(lowUs)} – ${ms(highUs)}`);
    out(`${name.padEnd(27)} ${ms(medianUs).padStart(9)}  ${shown}  ${spread}\n`);
  }
}

export async function benchVerb(argv: readonly string[]): Promise<number> {
  const parsed = parseVerb(
    {
      name: 'bench',
      what:
        'Measure how long a program that does nothing takes from start to exit on this machine: without ' +
        'a sandbox, in wasbox, and in other installed sandboxes. Takes about 20 seconds.',
      usage: '[--json]',
      options: [flag('json', 'print the measurements as JSON')],
      maxOperands: 0,
    },
    argv,
  );
  if (parsed === undefined) return 0;
  // The directory is in home: below /tmp it would be hidden from the sandboxes.
  const home = homeOfUser() ?? tmpdir();
  const work = realpathSync(
    mkdtempSync(join(existsSync(home) ? home : tmpdir(), '.wasbox-bench-')),
  );
  try {
    const rows = await measure(await contestants(work), mostRounds);
    const machine = {
      date: new Date().toISOString(),
      kernel: release(),
      cpu: cpus()[0]?.model ?? 'unknown processor',
      cores: cpus().length,
      ...runtime(),
    };
    if (parsed.values.json === true) {
      out(`${jsonText({ schemaVersion: 1, wasboxVersion, machine, rows })}\n`);
    } else {
      const { cpu, cores, kernel, node, quickjs } = machine;
      const by = node === undefined ? `QuickJS ${quickjs}` : `Node ${node}`;
      out(`${cpu}, ${cores} cores, Linux ${kernel}, ${by}\n`);
      out('From start to exit of a program that does nothing: median and quartiles.\n\n');
      print(rows);
    }
    return 0;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

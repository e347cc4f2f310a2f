// Measures what the supervisor adds to single calls: opening a file, which it is asked about where the network has
// rules; chmod(2) and TCP connections, which it makes on behalf of the program where there are no namespaces. The same
// program in turn outside, in namespaces and with Landlock isolation. For each call: what it takes, and the processor
// time of all that takes part (the program's and wasbox's, less that of a run without calls); medians of the rounds.
//   node bench/asked.mjs [--rounds N] [--count N]
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { cleanEnvironment, median } from './measure.mjs';
import { compile } from './timer.mjs';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '11' },
    count: { type: 'string', default: '5000' },
  },
});
const count = Number(values.count);
const wasbox = fileURLToPath(new URL('../dist/bin/wasbox.bin', import.meta.url));
const place = mkdtempSync(join(process.getuid() === 0 ? '/var/tmp' : homedir(), 'wasbox-asked-'));
const state = `${place}-state`;
const server = createServer((socket) => socket.on('error', () => {}).destroy());

/** Returns what one call took, and the processor time of the whole, in microseconds. */
async function once(argv) {
  const timed = ['-c', 'TIMEFORMAT="%3U %3S"; time "$@"', 'bash', ...argv];
  const child = spawn('bash', timed, {
    cwd: place,
    env: { ...cleanEnvironment(), XDG_STATE_HOME: state },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = ['', ''];
  for (const [i, stream] of [child.stdout, child.stderr].entries())
    stream.on('data', (data) => {
      said[i] += data;
    });
  const status = await new Promise((done) => child.on('close', done));
  if (status !== 0) throw new Error(`${argv.join(' ')} ended with ${status}: ${said[1]}`);
  const [user, system] = said[1].trim().split('\n').at(-1).split(' ').map(Number);
  return { call: Number(said[0]), processor: (user + system) * 1e6 };
}

try {
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address();
  compile(fileURLToPath(new URL('asked.c', import.meta.url)), join(place, 'asked'));
  const program = (kind, n) => ['./asked', kind, String(n), String(port)];
  const inside = (isolation, argv) => [
    ...[wasbox, 'run', '-q', '--discard', '--isolation', isolation],
    ...['--net', `127.0.0.1:${port}`, '--', ...argv],
  ];
  const ways = {
    outside: (argv) => argv,
    namespaces: (argv) => inside('namespaces', argv),
    landlock: (argv) => inside('landlock', argv),
  };
  for (const kind of ['open', 'mode', 'connect']) {
    // Each connection leaves a port behind for a minute.
    const calls = kind === 'connect' ? Math.min(count, 1000) : count;
    const samples = Object.fromEntries(
      Object.keys(ways).map((way) => [way, { call: [], processor: [] }]),
    );
    for (let round = -1; round < Number(values.rounds); round++) {
      for (const [way, argv] of Object.entries(ways)) {
        const without = await once(argv(program(kind, 0)));
        const { call, processor } = await once(argv(program(kind, calls)));
        if (round < 0) continue;
        samples[way].call.push(call);
        samples[way].processor.push((processor - without.processor) / calls);
      }
    }
    for (const [way, { call, processor }] of Object.entries(samples))
      console.log(
        `${kind.padEnd(8)} ${way.padEnd(10)} ${median(call).toFixed(1)} µs, ${median(processor).toFixed(1)} µs of processor time`,
      );
  }
} finally {
  server.close();
  for (const directory of [place, state]) rmSync(directory, { recursive: true, force: true });
}

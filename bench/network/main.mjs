// Measures what a connection through wasbox costs, beside the same program outside: throughput (iperf3),
// connect(2), many at once, many in a row. The network is two namespaces and a veth pair, so root
// starts it; the programs run as --user, who must be able to read the build (--cli FILE, else this one).
// node bench/network/main.mjs --user NAME [--rounds N] [--net MODE] [--cli FILE] [--save FILE]
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { machine } from '../machine.mjs';
import { median, quantile } from '../measure.mjs';

const { values } = parseArgs({
  options: {
    user: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    cli: { type: 'string' },
    net: { type: 'string', default: 'internet' },
    save: { type: 'string' },
  },
});
if (process.getuid() !== 0 || values.user === undefined) {
  console.error('bench/network: as root, with --user NAME: root makes the namespaces');
  process.exit(2);
}
/** The programs as text: a user need not see this folder. */
const program = (name) => readFileSync(new URL(name, import.meta.url), 'utf8');
const cli = values.cli ?? fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const [near, far] = ['93.184.216.10', '93.184.216.34'];
const rounds = Number(values.rounds);
const held = [];

/** A process that holds a network namespace. */
async function holdNamespace() {
  const child = spawn('unshare', ['--net', 'sh', '-c', 'ip link set lo up && echo && exec cat'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  held.push(child);
  return child.pid;
}

const enter = (pid, argv) => ['nsenter', `--net=/proc/${pid}/ns/net`, ...argv];
const run = ([command, ...args], options) =>
  execFileSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 26, ...options });

const client = await holdNamespace();
const server = await holdNamespace();
process.on('exit', () => {
  for (const child of held) child.kill('SIGKILL');
});
const ip = (pid, ...args) => run(enter(pid, ['ip', ...args]));
ip(server, 'link', 'add', 'far', 'type', 'veth', 'peer', 'name', 'near', 'netns', `${client}`);
// Single addresses, because networks of this machine do not count as internet.
for (const [pid, name, address, other] of [
  [client, 'near', near, far],
  [server, 'far', far, near],
]) {
  ip(pid, 'address', 'add', `${address}/32`, 'dev', name);
  ip(pid, 'link', 'set', name, 'up');
  ip(pid, 'route', 'add', `${other}/32`, 'dev', name);
}
for (const argv of [
  ['iperf3', '--server'],
  ['/usr/bin/python3', '-c', program('echo.py'), '7000'],
]) {
  const [command, ...args] = enter(server, argv);
  held.push(spawn(command, args, { stdio: 'ignore' }));
}
for (const port of ['5201', '7000']) {
  while (
    spawnSync('nsenter', [`--net=/proc/${client}/ns/net`, 'nc', '-z', far, port]).status !== 0
  );
}

const home = run(['getent', 'passwd', values.user]).split(':')[5];
const asUser = (argv) =>
  enter(client, [
    ...['setpriv', '--reuid', values.user, '--regid', values.user, '--init-groups'],
    ...['env', '-i', `HOME=${home}`, `PATH=${dirname(process.execPath)}:/usr/bin:/bin`, ...argv],
  ]);
const workdir = run(asUser(['mktemp', '-d', '-p', home])).trim();
const inside = (argv) =>
  asUser([
    ...[process.execPath, cli, 'run', '-q', '--discard', '--net', values.net],
    ...['--', ...argv],
  ]);
const connections = (...args) => [
  ...['/usr/bin/python3', '-c', program('connections.py'), far, ...args],
];
const both = { outside: asUser, inside };
const results = {};

const spread = (list) => ({
  median: median(list),
  low: quantile(list, 0.25),
  high: quantile(list, 0.75),
});

/** One number of each side, in turn, round by round. */
function inTurns(argv, read) {
  const samples = { outside: [], inside: [] };
  for (let round = 0; round < rounds; round++) {
    for (const side of round % 2 ? ['inside', 'outside'] : ['outside', 'inside']) {
      samples[side].push(read(JSON.parse(run(both[side](argv), { cwd: workdir }))));
    }
  }
  const ratio = median(samples.inside.map((value, i) => value / samples.outside[i]));
  return { outside: spread(samples.outside), inside: spread(samples.inside), ratio };
}

const bits = (json) => json.end.sum_received.bits_per_second / 1e9;
for (const [name, ...options] of [['to the server'], ['from the server', '--reverse']]) {
  const iperf = ['iperf3', '--client', far, '--time', values.seconds, '--json', ...options];
  results[`Gbit/s ${name}`] = inTurns(iperf, bits);
}
const latency = inTurns(connections('7000', 'latency', '1000'), (json) => json.median);
results['µs to connect'] = { ...latency, more: latency.inside.median - latency.outside.median };
results['1,000 at once'] = JSON.parse(
  run(inside(connections('7000', 'at-once', '1000')), { cwd: workdir }),
);

/** Descriptors of the process that runs the sandbox. */
async function inARow(number) {
  const [command, ...args] = inside(connections('7000', 'in-a-row', String(number)));
  const child = spawn(command, args, { cwd: workdir, stdio: ['pipe', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  const count = () => readdirSync(`/proc/${child.pid}/fd`).length;
  const memory = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`))[1]);
  const before = { descriptors: count(), kilobytes: memory() };
  child.stdin.write('\n');
  await once(child.stdout, 'data');
  const after = { descriptors: count(), kilobytes: memory() };
  child.stdin.end();
  await once(child, 'exit');
  return { before, after };
}
results['10,000 in a row'] = await inARow(10_000);
run(['rm', '-rf', workdir]);

for (const [name, value] of Object.entries(results)) console.log(name, JSON.stringify(value));
if (values.save !== undefined) {
  writeFileSync(
    values.save,
    `${JSON.stringify({ ...machine(), net: values.net, results }, null, 2)}\n`,
  );
}
process.exit(0);

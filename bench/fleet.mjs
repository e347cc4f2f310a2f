// The constants of the page that docs/reference/many-machines.mjs makes: what a job costs the queue's server and its
// worker, how large results and reports are, and what an image takes on a node:
//     npm run bench -- fleet [--jobs 500] [--user NAME] [--root FILE.tar] [--write]
// Counts and processor time only, so that other load on the machine does not matter. Needs valkey-server and a built
// checkout; for the image root, mmdebstrap and umoci (FILE.tar: what mmdebstrap has made already). As root, --user is whom the
// worker and the runs belong to. --write keeps the figures in bench/results/fleet.json.
import { spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { submitMany } from '../dist/bullmq.js';
import { drained, Server, Workers } from '../test/fleet/harness.mjs';
import { makeImage } from '../test/images/debian.mjs';
import { machine } from './machine.mjs';

const { values } = parseArgs({
  options: {
    jobs: { type: 'string', default: '500' },
    user: { type: 'string', default: 'nobody' },
    root: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
});
const checkout = resolve(fileURLToPath(new URL('..', import.meta.url)));
const wasbox = join(checkout, 'dist/bin/wasbox.bin');
const jobs = Number(values.jobs);
const work = fs.mkdtempSync('/var/tmp/wasbox-fleet-');
fs.chmodSync(work, 0o755);
const root = process.getuid() === 0;
const home = join(work, 'home');
fs.mkdirSync(home);
if (root) spawnSync('chown', [values.user, home]);
const env = { PATH: process.env.PATH, HOME: home, XDG_STATE_HOME: join(home, 'state') };

/** The words that start a program as the ordinary user. */
const asUser = (...argv) =>
  root
    ? ['setpriv', '--reuid', values.user, '--regid', '65534', '--clear-groups', '--', ...argv]
    : argv;

const idleSeconds = 20;
const ticksPerSecond = 100; // sysconf(_SC_CLK_TCK) of Linux

/** `name:value` lines of INFO as numbers; `a=1,b=2` values as objects. */
async function info(client, section) {
  const lines = (await client.info(section)).split('\r\n').filter((line) => /^\w[^:]*:/.test(line));
  return Object.fromEntries(
    lines.map((line) => {
      const at = line.indexOf(':');
      return [line.slice(0, at), line.slice(at + 1)];
    }),
  );
}

const commandCalls = (stats) =>
  Object.fromEntries(
    Object.entries(stats).map(([name, text]) => [
      name.replace('cmdstat_', ''),
      Number(/calls=(\d+)/.exec(text)?.[1]),
    ]),
  );

/** Processor milliseconds of a process and those of its children that have ended. proc_pid_stat(5) */
function processorTime(pid) {
  const fields = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return (ticks / ticksPerSecond) * 1000;
}

const round = (value, digits = 1) => Number(value.toFixed(digits));

function startWorkers(server, queue, args) {
  const start = (...[program, argv, options]) => {
    const [first, ...rest] = asUser(program, ...argv);
    return spawn(first, rest, { ...options, env });
  };
  const connection = ['--connection', server.socket, '--concurrency', '2'];
  return new Workers({ args: ['--queue', queue, ...connection, ...args], count: 1, start });
}

/** Calls of all commands that are not of the measurement itself. */
const sumOf = (commands) =>
  Object.entries(commands)
    .filter(([command]) => !/^(info|config|ping|auth|hello|client)/.test(command))
    .reduce((sum, [, count]) => sum + count, 0);

/** Measures what `jobs` jobs of one kind cost, one worker taking them. */
async function queueCosts(server, client, name, job, args = []) {
  const queue = new Queue(name, { connection: { path: server.socket } });
  await queue.waitUntilReady();
  const workers = startWorkers(server, name, args);
  while (workers.ready.size === 0) await sleep(50);
  const [worker] = workers.running;
  await submitMany(queue, [job]); // what happens once
  await drained(queue, { everyMs: 1000 });
  const before = {
    cpu: await info(client, 'cpu'),
    worker: processorTime(worker.pid),
  };
  await client.config('RESETSTAT');
  await submitMany(
    queue,
    Array.from({ length: jobs }, () => job),
  );
  await drained(queue, { everyMs: 1000 });
  const commands = commandCalls(await info(client, 'commandstats'));
  const [net, cpu] = [await info(client, 'stats'), await info(client, 'cpu')];
  const used = (at) => Number(at.used_cpu_user) + Number(at.used_cpu_sys);
  // Scripts are counted, and each command that they make, too.
  const scripts = sumOf(
    Object.fromEntries(Object.entries(commands).filter(([name]) => /^(eval|fcall)/.test(name))),
  );
  const [first] = await queue.getCompleted(0, 0);
  const returned = JSON.stringify(first?.returnvalue ?? null);
  const costs = {
    commands: round(sumOf(commands) / jobs),
    scripts: round(scripts / jobs),
    serverMs: round((1000 * (used(cpu) - used(before.cpu))) / jobs, 3),
    inBytes: round(Number(net.total_net_input_bytes) / jobs, 0),
    outBytes: round(Number(net.total_net_output_bytes) / jobs, 0),
    keptBytes: await client.memory('USAGE', `bull:${name}:${first.id}`, 'SAMPLES', '0'),
    resultBytes: Buffer.byteLength(returned),
    workerMs: round((processorTime(worker.pid) - before.worker) / jobs),
  };
  await workers.end();
  await queue.close();
  return costs;
}

/** Measures what a worker without jobs asks of the server. */
async function idleCosts(server, client) {
  const before = (await client.client('LIST')).trim().split('\n').length;
  const workers = startWorkers(server, 'idle', []);
  while (workers.ready.size === 0) await sleep(50);
  await sleep(2000);
  const connections = (await client.client('LIST')).trim().split('\n').length - before;
  await client.config('RESETSTAT');
  await sleep(idleSeconds * 1000);
  const commands = sumOf(commandCalls(await info(client, 'commandstats')));
  await workers.end();
  return { connections, commandsEachSecond: round(commands / idleSeconds, 2) };
}

async function queues() {
  const directory = join(work, 'server');
  fs.mkdirSync(directory, { mode: 0o755 });
  const server = new Server(directory);
  await server.start();
  const client = new Redis(server.socket);
  try {
    return {
      idle: await idleCosts(server, client),
      shell: await queueCosts(server, client, 'shell', { code: 'echo done' }),
      python: await queueCosts(server, client, 'python', { lang: 'python', code: 'print(6 * 7)' }),
      pooled: await queueCosts(server, client, 'pooled', { lang: 'python', code: 'print(6 * 7)' }, [
        '--pool',
        'python',
      ]),
      withReport: await queueCosts(server, client, 'report', { code: 'echo done' }, [
        '--with-report',
      ]),
    };
  } finally {
    client.disconnect();
    await server.stop();
  }
}

const reported = {
  'echo done': ['-c', 'echo done'],
  'python, a line': ['--lang', 'python', '-c', 'print(6 * 7)'],
  '100 files written': ['-c', 'for i in $(seq 100); do echo $i >file-$i; done'],
  'refused network': [
    '--lang',
    'python',
    '-c',
    'import socket\ntry: socket.create_connection(("192.0.2.1", 80), 1)\nexcept OSError: pass',
  ],
  'python with --audit': ['--audit', '--lang', 'python', '-c', 'print(6 * 7)'],
};

function reports() {
  const project = join(home, 'project');
  fs.mkdirSync(project);
  if (root) spawnSync('chown', [values.user, project]);
  return Object.fromEntries(
    Object.entries(reported).map(([name, argv]) => {
      const file = join(home, 'report.json');
      const [program, ...words] = asUser(
        wasbox,
        'run',
        '-q',
        '--discard',
        '--report',
        file,
        ...argv,
      );
      const { status, stderr } = spawnSync(program, words, { cwd: project, env, encoding: 'utf8' });
      if (status !== 0) throw new Error(`${name}: ${stderr}`);
      return [name, fs.statSync(file).size];
    }),
  );
}

const disk = (path) => {
  const { stdout } = spawnSync('du', ['-sB1', path], { encoding: 'utf8' });
  return Number(stdout.split('\t')[0]);
};

/** Debian with Python as a registry has it, and as the store has it. */
function image() {
  fs.mkdirSync(join(work, 'image'));
  const { layout } = makeImage(join(work, 'image'), values.root);
  const state = join(work, 'state');
  const importing = { env: { ...env, XDG_STATE_HOME: state }, encoding: 'utf8' };
  const { status, stderr } = spawnSync(wasbox, ['image', 'import', `oci:${layout}`], importing);
  if (status !== 0) throw new Error(stderr);
  return { pulledBytes: disk(join(layout, 'blobs')), storedBytes: disk(state) };
}

try {
  const figures = { machine: machine(), jobs, queue: await queues(), reportBytes: reports() };
  if (root) figures.image = image();
  const text = `${JSON.stringify(figures, null, 2)}\n`;
  process.stdout.write(text);
  if (values.write) fs.writeFileSync(join(checkout, 'bench/results/fleet.json'), text);
} finally {
  fs.rmSync(work, { recursive: true, force: true, maxRetries: 3 });
}

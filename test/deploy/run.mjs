/**
 * docs/deploy/kubernetes without a cluster: the containers of its pods, started by runc of this machine's file tree with what
 * a kubelet gives them by their manifests. The workers take jobs from a real queue; the Job's script runs. And
 * docs/deploy/systemd under a systemd of its own (systemd.mjs).
 *
 *     npm run nightly -- deploy
 *
 * Needs root, runc, systemd, valkey-server, Debian's golang-github-docker-docker-dev (Docker's filter), and a built checkout. The
 * scheduler, the NetworkPolicies and KEDA are not part of it. Changes nothing of this machine.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Queue, QueueEvents, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { parseAllDocuments } from 'yaml';
import { submit } from '../../dist/bullmq.js';
import { MachineRoot } from '../containers/machine-root.mjs';
import { Checks, must } from '../support/checks.mjs';
import { freePort } from '../support/free-port.mjs';
import { podBundle } from './pod-bundle.mjs';
import { checkSystemd } from './systemd.mjs';

const checkout = fileURLToPath(new URL('../..', import.meta.url));
const manifests = join(checkout, 'docs/deploy/kubernetes');

const machine = new MachineRoot('deploy');
const { work, path: root } = machine;

const documents = (name) =>
  parseAllDocuments(fs.readFileSync(join(manifests, name), 'utf8')).map((one) => one.toJS());
const podOf = (name) => documents(name).find(({ spec }) => spec?.template).spec.template.spec;

const checks = new Checks();
const { check } = checks;

/** The profile that a node would have, made as worker-namespaces.policy says. */
function localProfile(name) {
  const policy = join(manifests, name.replace('wasbox/', '').replace('.json', '.policy'));
  const wasbox = join(checkout, 'dist/bin/wasbox.bin');
  return JSON.parse(must([wasbox, 'policy', 'export', policy, '--to', 'oci']));
}

let containers = 0;
function start(config) {
  const bundle = join(work, `bundle-${containers}`);
  const id = `wasbox-deploy-${process.pid}-${containers++}`;
  fs.mkdirSync(bundle);
  fs.writeFileSync(join(bundle, 'config.json'), JSON.stringify(config));
  const child = spawn('runc', ['run', '--bundle', bundle, id], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = { out: '', err: '', status: once(child, 'close').then(([status]) => status) };
  child.stdout.on('data', (chunk) => (ended.out += chunk));
  child.stderr.on('data', (chunk) => (ended.err += chunk));
  return { ...ended, id, text: () => ended, stop: () => spawnSync('runc', ['kill', id, 'TERM']) };
}

async function until(holds, what, container) {
  for (let tries = 0; tries < 300; tries++) {
    if (await holds()) return;
    await sleep(100);
  }
  throw new Error(`not within 30 s: ${what}\n${container.text().err}`);
}

const port = await freePort();
const connection = { host: '127.0.0.1', port };
const secret = () => `redis://127.0.0.1:${port}`;

/** A worker's pod takes jobs until it is asked to end. */
async function worker(name, isolation) {
  const pod = podOf(name);
  pod.containers[0].args.push('--with-report');
  const container = start(podBundle(pod, { root, localProfile, secret }));
  const queue = new Queue('jobs', { connection });
  const events = new QueueEvents('jobs', { connection });
  await until(() => container.text().err.includes('takes jobs'), `${name} takes jobs`, container);
  const run = async (job) => (await submit(queue, job)).waitUntilFinished(events, 60_000);
  const hello = await run({ lang: 'python', code: 'print(6 * 7)' });
  check(hello.stdout === '42\n', `${name}: a job ran in a sandbox`);
  check(hello.report?.sandbox.isolation === isolation, `${name}: isolated by ${isolation}`);
  const secretFile = await run({ code: 'cat /proc/1/environ; echo "$WASBOX_CONNECTION"; id -u' });
  check(!secretFile.stdout.includes('redis:'), `${name}: no job reads the connection`);
  const net = await run({
    lang: 'python',
    code: `import socket; socket.create_connection(("127.0.0.1", ${port}), 2)`,
  });
  check(net.exitCode === 1, `${name}: no job reaches the queue's server`);
  const big = await run({ lang: 'python', code: 'x = bytearray(1 << 30)' });
  check(big.exitCode !== 0, `${name}: no job has more memory than it may`);
  container.stop();
  check((await container.status) === 0, `${name}: SIGTERM ends it in order`);
  await events.close();
  await queue.close();
}

async function job() {
  const [map, { spec }] = documents('job.yaml');
  const scripts = join(work, 'scripts');
  // Kubelets lay ConfigMaps in this way: links into a directory that is exchanged as a whole.
  fs.mkdirSync(join(scripts, '..2026'), { recursive: true });
  fs.symlinkSync('..2026', join(scripts, '..data'));
  for (const [name, text] of Object.entries(map.data)) {
    fs.writeFileSync(join(scripts, '..2026', name), text);
    fs.symlinkSync(`..data/${name}`, join(scripts, name));
  }
  const env = { JOB_COMPLETION_INDEX: '3' };
  const given = { root, localProfile, secret, configMaps: () => scripts, env };
  const container = start(podBundle(spec.template.spec, given));
  const status = await container.status;
  const { out, err } = container.text();
  check(status === 0 && out === 'input 3\n', 'job.yaml: the script ran');
  const report = JSON.parse(err.slice(err.indexOf('{')));
  check(report.outcome.exitCode === 0, 'job.yaml: the report is on standard error');
}

/** Returns what KEDA's trigger counts at a key: it goes by the key's type. */
async function lengthOf(client, key) {
  const type = await client.type(key);
  return type === 'zset' ? client.zcard(key) : client.llen(key);
}

/** The keys of autoscaling.yaml are those in which BullMQ has the jobs of the queue. */
async function scaling() {
  const [{ spec }] = documents('autoscaling.yaml');
  const queue = new Queue('jobs', { connection });
  const client = new Redis(connection);
  const counts = () =>
    Promise.all(spec.triggers.map(({ metadata }) => lengthOf(client, metadata.listName)));
  check(`${await counts()}` === '0,0,0', 'autoscaling.yaml: counts nothing in an empty queue');
  for (let n = 0; n < 5; n++) await submit(queue, { code: 'true' }, n < 3 ? {} : { priority: n });
  check(
    `${await counts()}` === '3,2,0',
    'autoscaling.yaml: counts jobs that wait, by priority too',
  );
  const worker = new Worker('jobs', undefined, { connection });
  await worker.waitUntilReady();
  await worker.getNextJob('token');
  check(`${await counts()}` === '2,2,1', 'autoscaling.yaml: counts jobs that run');
  await worker.close(true);
  await queue.obliterate({ force: true });
  client.disconnect();
  await queue.close();
}

/** Tries what `policy export --to k8s` writes: the policy is in force, and without it the same call works. */
async function exported() {
  const wasbox = join(checkout, 'dist/bin/wasbox.bin');
  const [config, , { spec }] = parseAllDocuments(
    must([wasbox, 'policy', 'export', 'default', '--to', 'k8s']),
  ).map((one) => one.toJS());
  const [profile] = Object.values(config.data);
  const code =
    'import ctypes, os; print(os.getuid(), ctypes.CDLL(None).unshare(0x10000000), os.access("/", os.W_OK))';
  const results = [];
  for (const text of [profile, '{"defaultAction":"SCMP_ACT_ALLOW"}']) {
    const argv = ['python3', '-c', code];
    const localProfile = () => JSON.parse(text);
    const container = start(podBundle(spec, { root, localProfile, argv }));
    await container.status;
    results.push(container.text().out);
  }
  check(results[0] === '65532 -1 False\n', 'an exported pod: no new namespaces');
  check(results[1] === '65532 0 False\n', 'control: without the policy there are some');
}

const server = spawn('valkey-server', ['--port', `${port}`, '--bind', '127.0.0.1', '--save', ''], {
  stdio: 'ignore',
});
try {
  machine.mount();
  for (const place of ['home/worker', 'scripts'])
    fs.mkdirSync(join(root, place), { recursive: true });
  fs.rmSync(join(root, 'usr/local/bin/wasbox'), { force: true });
  fs.symlinkSync(join(checkout, 'dist/bin/wasbox.bin'), join(root, 'usr/local/bin/wasbox'));
  const client = new Redis({ ...connection, retryStrategy: () => 50, maxRetriesPerRequest: null });
  client.on('error', () => {});
  await client.ping();
  client.disconnect();

  await scaling();
  await worker('worker.yaml', 'landlock');
  await worker('worker-namespaces.yaml', 'namespaces');
  await job();
  await exported();
  await checkSystemd({ port, check });
} catch (error) {
  checks.fail(error);
} finally {
  for (let n = 0; n < containers; n++)
    spawnSync('runc', ['delete', '--force', `wasbox-deploy-${process.pid}-${n}`]);
  server.kill();
  machine.remove();
}
checks.end();

// A queue's server and workers that are killed, for test/integration/bullmq.test.ts and test/fleet/run.mjs.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A Valkey server of its own on a UNIX socket, which keeps every write it has acknowledged. */
export class Server {
  constructor(directory) {
    this.directory = directory;
    this.socket = join(directory, 'valkey.sock');
  }

  async start() {
    const persistence = ['--appendonly', 'yes', '--appendfsync', 'always', '--save', ''];
    const place = ['--port', '0', '--unixsocket', this.socket, '--unixsocketperm', '777'];
    this.process = spawn('valkey-server', [...place, '--dir', this.directory, ...persistence], {
      stdio: 'ignore',
    });
    this.process.once('error', (error) => {
      throw error;
    });
    const client = new Redis(this.socket, { retryStrategy: () => 50, maxRetriesPerRequest: null });
    client.on('error', () => {});
    await client.ping();
    client.disconnect();
  }

  async stop(signal = 'SIGTERM') {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const gone = once(this.process, 'exit');
    this.process.kill(signal);
    await gone;
  }

  /** Restarts it as after a crash: without a chance to write anything. */
  async restart() {
    await this.stop('SIGKILL');
    await this.start();
  }
}

/** `wasbox worker` processes; one that is killed is replaced. */
export class Workers {
  /**
   * @param {object} options
   * @param {string[]} options.args of `wasbox worker`
   * @param {(command: string, args: string[], options: object) => import('node:child_process').ChildProcess} [options.start]
   * @param {Record<string, string>} [options.env] variables beside those of this process
   */
  constructor({ args, count, start = spawn, env = {} }) {
    this.args = args;
    this.spawn = start;
    this.env = { ...process.env, ...env };
    this.kills = 0;
    this.ready = new Set();
    this.errors = '';
    this.running = Array.from({ length: count }, () => this.#start());
  }

  #start() {
    const cli = join(root, 'dist/cli.js');
    const options = { stdio: ['ignore', 'ignore', 'pipe'], env: this.env };
    const child = this.spawn(process.execPath, [cli, 'worker', ...this.args], options);
    child.stderr.on('data', (chunk) => {
      this.errors = `${this.errors}${chunk}`.slice(-20_000);
      if (`${chunk}`.includes('takes jobs')) this.ready.add(child);
    });
    return child;
  }

  /** Waits until all take jobs. @throws where one ends instead */
  async allReady() {
    while (!this.running.every((child) => this.ready.has(child))) {
      if (this.running.some(({ exitCode }) => exitCode !== null)) {
        throw new Error(`A worker ended at its start: ${this.errors}`);
      }
      await sleep(20);
    }
  }

  /** Kills the oldest worker that takes jobs, and starts another one. Where none does, nothing. */
  async kill() {
    const child = this.running.find((one) => this.ready.has(one));
    if (child === undefined) return;
    this.running.splice(this.running.indexOf(child), 1);
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
    this.kills += 1;
    this.running.push(this.#start());
  }

  /** Ends them in order, or kills them. @returns their exit statuses */
  async end(signal = 'SIGTERM') {
    const ended = this.running.map(async (child) => {
      if (child.exitCode === null && child.signalCode === null) {
        const gone = once(child, 'exit');
        child.kill(signal);
        await gone;
      }
      return child.exitCode;
    });
    return Promise.all(ended);
  }
}

/** How often each job was recorded as completed or failed, by the server's own log of events. */
export async function recordedEnds(client, queue) {
  const ends = new Map();
  let from = '-';
  for (;;) {
    const entries = await client.xrange(`bull:${queue}:events`, from, '+', 'COUNT', 5000);
    if (entries.length === 0) return ends;
    for (const [, fields] of entries) {
      const event = Object.fromEntries(
        Array.from({ length: fields.length / 2 }, (_, n) => [fields[2 * n], fields[2 * n + 1]]),
      );
      if (event.event !== 'completed' && event.event !== 'failed') continue;
      ends.set(event.jobId, [...(ends.get(event.jobId) ?? []), event.event]);
    }
    from = `(${entries.at(-1)[0]}`;
  }
}

/**
 * Waits until a queue has nothing left to do.
 * @param {import('bullmq').Queue} queue
 * @throws where no job ends for `stallMs`
 */
export async function drained(
  queue,
  { everyMs = 250, stallMs = 120_000, onCount = () => {} } = {},
) {
  let [ended, since] = [-1, performance.now()];
  for (;;) {
    const counts = await queue.getJobCounts().catch(() => undefined); // while the server is away
    if (counts !== undefined) {
      onCount(counts);
      const { waiting, active, delayed, prioritized, completed, failed } = counts;
      const left = waiting + active + delayed + prioritized;
      if (left === 0) return;
      if (completed + failed !== ended) [ended, since] = [completed + failed, performance.now()];
    }
    if (performance.now() - since > stallMs) {
      throw new Error(`No job ended in ${stallMs / 1000} s: ${JSON.stringify(counts)}`);
    }
    await sleep(everyMs);
  }
}

/** Jobs that a hostile sender puts into a queue; workers must refuse or bound each. */
export const hostile = [
  { code: ':(){ :|:& };:; sleep 9', lang: 'bash' },
  { code: 'while :; do :; done' },
  { code: 'x=a; while :; do x=$x$x; done' },
  { code: 'yes' },
  { code: 'cat /dev/zero > big; sleep 9' },
  { code: 'i=0; while :; do i=$((i+1)); : > f$i; done' },
  { code: 'trap "" TERM; sleep 99' },
  { code: 'kill -9 -1; sleep 99 & sleep 99' },
  { code: 'exec 2>&1; head -c 9000000 /dev/urandom' },
  { argv: ['/bin/sh', '-c', 'while :; do sleep 99 & done'] },
  { code: ':', limits: { timeoutMs: 86_400_000 } },
  { code: ':', net: 'host' },
  { code: ':', files: { '../../../../tmp/escaped': 'x' } },
  { code: ':', files: { '/etc/cron.d/x': 'x' } },
  { argv: ['--help'] },
  { code: 1, argv: {} },
  { code: ':', env: { 'A\nB': 'x' } },
  { code: ':', workdir: '/', changes: 'apply', rw: ['/'] },
];

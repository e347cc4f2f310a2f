/**
 * Workers of a queue: `createWorker`, `submit`, `wasbox worker`, workers that are killed. As whom the tests run.
 * Needs: user namespaces, overlayfs in them, valkey-server, python3.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Queue, QueueEvents } from 'bullmq';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createWorker,
  outputOf,
  type SandboxJob,
  type SandboxJobResult,
  type SubmitOptions,
  submit,
  submitMany,
  type WorkerOptions,
} from '../../src/bullmq/index.js';
import { drained, hostile, recordedEnds, Server, Workers } from '../fleet/harness.mjs';
import { builtDist } from '../support/built.mjs';

const directory = fs.mkdtempSync(join(tmpdir(), 'wasbox-queue-'));
const server = new Server(directory);
const connection = { path: server.socket };

beforeAll(() => server.start());
afterAll(async () => {
  await server.stop();
  fs.rmSync(directory, { recursive: true, force: true });
});

let count = 0;

/** A queue, and a worker of it in this process. */
async function place(options: Partial<WorkerOptions> = {}) {
  count += 1;
  const name = `queue${count}`;
  const queue = new Queue(name, { connection });
  const events = new QueueEvents(name, { connection });
  await events.waitUntilReady();
  const jobs = join(directory, `jobs${count}`);
  const worker = await createWorker({ queue: name, connection, directory: jobs, ...options });
  const result = async (job: SandboxJob, how?: SubmitOptions): Promise<SandboxJobResult> => {
    const submitted = await submit(queue, job, how);
    return submitted.waitUntilFinished(events);
  };
  /** Returns what the job failed with, sent as by someone who does not check it. */
  const failure = async (data: unknown): Promise<string> => {
    const job = await queue.add('run', data, { attempts: 3 });
    const ended = await job.waitUntilFinished(events).then(
      (value: unknown) => JSON.stringify(value),
      (error: Error) => error.message,
    );
    return `${ended} after ${(await queue.getJob(job.id ?? ''))?.attemptsMade} attempt`;
  };
  const close = async () => {
    await worker.close();
    await events.close();
    await queue.close();
  };
  return { name, queue, events, worker, jobs, result, failure, close };
}

describe('a worker', () => {
  it('runs code and commands with files, input and variables, each in a sandbox of its own', async () => {
    const at = await place();
    expect(await at.result({ lang: 'python', code: 'print(6 * 7)' })).toMatchObject({
      ...{ outcome: 'exited', exitCode: 0, stdout: '42\n', stderr: '', attempt: 1 },
      ...{ truncated: false, encoding: 'utf8', worker: at.worker.name, stdoutBytes: 3 },
    });
    const files = {
      'bin/x': { text: '#!/bin/sh\necho "$X $1"; cat; cat data; exit 3\n', executable: true },
      data: { base64: 'AP8=' },
    };
    const command: SandboxJob = { argv: ['bin/x', '-a'], files, stdin: 'in ', env: { X: 'x' } };
    expect(await at.result({ ...command, encoding: 'base64' })).toMatchObject({
      exitCode: 3,
      stdout: Buffer.from('x -a\nin \0\xff', 'latin1').toString('base64'),
    });
    // Nothing of one job is there for the next, nor left here.
    const left = { code: 'touch kept ~/kept /tmp/kept; ls -A . ~ /tmp' };
    const [first, second] = [await at.result(left), await at.result(left)];
    expect(second.stdout).toBe(first.stdout);
    const [own = ''] = fs.readdirSync(at.jobs);
    expect(fs.readdirSync(join(at.jobs, own))).toHaveLength(1);
    await at.close();
    expect(fs.readdirSync(at.jobs)).toEqual([]);
  });

  it("records a program's failure as a result, once", async () => {
    const at = await place({ run: { graceMs: 100, outputBytes: 100_000 } });
    const runs = [
      [{ code: 'exit 7' }, { outcome: 'exited', exitCode: 7 }],
      [{ code: 'kill -SEGV $$' }, { outcome: 'signaled', signal: 'SIGSEGV' }],
      [{ code: 'yes' }, { outcome: 'limit', limit: 'output' }],
      [{ argv: ['no-such-program'] }, { outcome: 'exited', exitCode: 127 }],
    ] as const;
    for (const [job, expected] of runs) {
      expect(await at.result(job)).toMatchObject({ ...expected, attempt: 1 });
    }
    await at.close();
    const hurried = await place({ run: { timeoutMs: 500, graceMs: 100 } });
    expect(await hurried.result({ code: 'sleep 99' })).toMatchObject({
      ...{ outcome: 'timeout', limit: 'timeout', attempt: 1 },
    });
    await hurried.close();
  });

  it('refuses what it does not allow, without another attempt', async () => {
    const at = await place({
      run: { timeoutMs: 1000, net: ['example.org:443'] },
      most: { timeoutMs: 5000 },
      maxJobBytes: 2000,
    });
    const refused = [
      [{ code: ':', limits: { timeoutMs: 5001 } }, 'more than this worker allows (5000)'],
      [{ code: ':', net: 'internet' }, 'is not allowed by this worker'],
      [{ code: ':', net: ['example.org:444'] }, 'is not allowed by this worker'],
      [{ code: 'x'.repeat(3000) }, 'this worker takes 2000'],
      [{ code: ':', files: { '../x': '' } }, 'not a path below'],
      [{ code: ':', files: { a: '', 'a/b': '' } }, 'also the directory of another file'],
      [{ code: ':', lang: 'cobol' }, 'unknown language'],
      [{ code: ':', rw: ['/'] }, 'unknown property "rw"'],
      [null, 'must be an object'],
    ] as const;
    for (const [data, message] of refused) {
      const text = await at.failure(data);
      expect(text).toContain(message);
      expect(text).toMatch(/after 1 attempt$/);
    }
    // The control: the same with what it allows.
    expect(
      await at.result({ code: ':', limits: { timeoutMs: 5000 }, net: ['example.org:443'] }),
    ).toMatchObject({
      exitCode: 0,
    });
    await at.close();
  });

  it('shows no file of this machine that a job names as its program', async () => {
    const at = await place();
    const secret = join(directory, 'secret.sh');
    fs.writeFileSync(secret, '#!/bin/sh\necho the secret\n', { mode: 0o755 });
    expect(execFileSync(secret, { encoding: 'utf8' })).toBe('the secret\n');
    for (const argv of [[secret], ['sh', secret], ['cat', secret]] as const) {
      const { stdout, exitCode } = await at.result({ argv: [...argv] });
      expect(stdout).toBe('');
      expect(exitCode).not.toBe(0);
    }
    await at.close();
  });

  it('tries again what it could not run, as often as the worker allows', async () => {
    const at = await place({ maxAttempts: 2 });
    // Where the directory of the jobs is gone, no sandbox can be made.
    const [own = ''] = fs.readdirSync(at.jobs);
    fs.rmSync(join(at.jobs, own), { recursive: true });
    const text = await at.failure({ code: ':' });
    expect(text).toContain('ENOENT');
    expect(text).toMatch(/after 2 attempt$/);
    await at.close();
  });

  it('streams output and progress', async () => {
    const at = await place();
    const code = 'echo one; sleep 0.6; echo two >&2; sleep 0.6; printf three';
    const job = await submit(at.queue, { code, stream: true });
    const pieces = [];
    for await (const piece of outputOf(at.events, job)) pieces.push(piece);
    expect(pieces).toEqual([
      { stream: 'stdout', text: 'one\n' },
      { stream: 'stderr', text: 'two\n' },
      { stream: 'stdout', text: 'three' },
    ]);
    expect((await at.queue.getJob(job.id ?? ''))?.progress).toMatchObject({
      ...{ attempt: 1, stdoutBytes: 9, stderrBytes: 4 },
    });
    // There is nothing to wait for of a job that has ended.
    for await (const piece of outputOf(at.events, job)) expect(piece).toBeUndefined();
    await at.close();
  });

  it('takes sandboxes of a pool for what they can do', async () => {
    const preload = 'import json; LOADED = 1';
    const at = await place({ pool: { lang: 'python', size: 1, preload }, concurrency: 1 });
    const code = 'print("LOADED" in globals())';
    expect((await at.result({ lang: 'python', code })).stdout).toBe('True\n');
    const more: Partial<SandboxJob>[] = [{ files: { a: '' } }, { limits: { pids: 10 } }];
    for (const one of more) {
      expect((await at.result({ lang: 'python', code, ...one } as SandboxJob)).stdout).toBe(
        'False\n',
      );
    }
    expect(
      await at.result({ lang: 'python', code: 'while 1: pass', limits: { timeoutMs: 300 } }),
    ).toMatchObject({ outcome: 'timeout' });
    await at.close();
  });

  it('takes jobs by priority', async () => {
    const at = await place({ concurrency: 1 });
    await at.worker.bullmq.pause();
    const order: string[] = [];
    at.worker.bullmq.on('completed', ({ returnvalue }) => order.push(returnvalue.stdout));
    for (const priority of [3, 1, 2])
      await submit(at.queue, { code: `printf ${priority}` }, { priority });
    at.worker.bullmq.resume();
    await expect.poll(() => order).toEqual(['1', '2', '3']);
    await at.close();
  });

  it('keeps a rate', async () => {
    const durationMs = 1500;
    const at = await place({ rateLimit: { max: 2, durationMs } });
    const jobs = await submitMany(
      at.queue,
      Array.from({ length: 6 }, () => ({ code: ':' })),
    );
    await Promise.all(jobs.map((job) => job.waitUntilFinished(at.events)));
    const started = await Promise.all(
      jobs.map(async ({ id = '' }) => (await at.queue.getJob(id))?.processedOn ?? 0),
    );
    started.sort((a, b) => a - b);
    // Six jobs are three intervals' worth: two of them pass in full, but for the clock's grain.
    expect((started.at(-1) ?? 0) - (started[0] ?? 0)).toBeGreaterThan(2 * durationMs - 100);
    await at.close();
  });

  it('gives back what still runs when it ends', async () => {
    const at = await place({ concurrency: 1 });
    const job = await submit(at.queue, { code: 'echo; exec sleep 600', stream: true });
    await expect
      .poll(async () => (await at.queue.getJob(job.id ?? ''))?.progress)
      .toMatchObject({ sequence: 1 });
    await at.worker.close({ graceMs: 100 });
    const again = await at.queue.getJob(job.id ?? '');
    expect(await again?.getState()).toBe('waiting');
    expect(again?.attemptsMade).toBe(0);
    await at.close();
  });

  it('says at the start what cannot be', async () => {
    const wrong = [
      [{ run: { changes: 'apply' } }, 'run.changes is not an option of a worker'],
      [{ run: { workdir: '/' } }, 'run.workdir is not an option of a worker'],
      [{ run: { policy: '/none' } }, '/none'],
      [{ concurrency: 0 }, 'concurrency must be a whole number'],
      [{ queue: '' }, 'queue must be the name'],
      [{ most: { nice: 1 } }, 'most.nice is not a limit'],
    ] as const;
    for (const [options, message] of wrong) {
      const made = createWorker({ queue: 'none', connection, directory, ...(options as object) });
      await expect(made).rejects.toThrow(message);
    }
    expect(fs.readdirSync(directory).filter((name) => name.startsWith('wasbox-worker'))).toEqual(
      [],
    );
  });
});

describe('wasbox worker', () => {
  it('loses no job when workers and the server are killed, and records each once', async () => {
    const name = 'killed';
    const queue = new Queue(name, { connection });
    queue.on('error', () => {});
    const ordinary = 90;
    const jobs = Array.from({ length: ordinary }, (_, n) => ({ code: `sleep 0.1; echo ${n}` }));
    const all = [...jobs.slice(0, 45), ...hostile, ...jobs.slice(45)];
    const opts = { attempts: 5 };
    await queue.addBulk(all.map((data) => ({ name: 'run', data, opts })));
    const args = [
      ...['--queue', name, '--connection', server.socket, '--concurrency', '4'],
      ...['--timeout', '2s', '--cpu', '1s', '--memory', '64M', '--grace', '100ms'],
      ...['--disk', '16M', '--inodes', '500', '--max-output', '4M', '--max-result', '8K'],
      ...['--takeover', '2s'],
    ];
    const workers = new Workers({ args, count: 2 });
    const ended = async () => {
      const { completed = 0, failed = 0 } = await queue.getJobCounts();
      return completed + failed;
    };
    // The first kill has to hit a job; the others may.
    await expect.poll(async () => (await queue.getJobCounts()).active).toBeGreaterThan(0);
    await expect.poll(() => workers.kill().then(() => workers.kills)).toBeGreaterThanOrEqual(1);
    await expect.poll(ended).toBeGreaterThan(30);
    await server.restart();
    await expect.poll(() => workers.kill().then(() => workers.kills)).toBeGreaterThanOrEqual(2);
    await drained(queue);
    const client = new Redis(server.socket);
    const ends = await recordedEnds(client, name);
    expect(ends.size).toBe(all.length);
    expect([...ends.values()].filter((one) => one.length !== 1)).toEqual([]);
    const completed = await queue.getCompleted(0, -1);
    const outputs = completed
      .filter(({ data }) => /^sleep 0.1/.test(data.code))
      .map(({ returnvalue }) => Number(returnvalue.stdout));
    expect(outputs.sort((a, b) => a - b)).toEqual(jobs.map((_, n) => n));
    const starts = completed.map(({ attemptsStarted }) => attemptsStarted);
    expect(Math.max(...starts)).toBeGreaterThan(1);
    for (const { returnvalue } of completed) {
      expect(JSON.stringify(returnvalue).length).toBeLessThanOrEqual(8192);
    }
    expect(fs.existsSync('/tmp/escaped')).toBe(false);
    expect(await workers.end()).toEqual([0, 0]);
    client.disconnect();
    await queue.close();
  });

  it('removes what a killed worker left', async () => {
    const jobs = join(directory, 'left');
    const code = `import { createWorker } from ${JSON.stringify(join(builtDist, 'bullmq.js'))};
      await createWorker(${JSON.stringify({ queue: 'left', connection, directory: jobs })});
      process.kill(process.pid, 'SIGKILL');`;
    const { signal, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
      encoding: 'utf8',
    });
    expect([signal, stderr]).toEqual(['SIGKILL', '']);
    expect(fs.readdirSync(jobs)).toHaveLength(1);
    const worker = await createWorker({ queue: 'left', connection, directory: jobs });
    expect(fs.readdirSync(jobs)).toHaveLength(1);
    await worker.close();
    expect(fs.readdirSync(jobs)).toEqual([]);
  });

  it('ends at SIGTERM while the server of its queue is away', async () => {
    const gone = join(directory, 'no-such-server');
    const args = ['worker', '--queue', 'away', '--connection', gone, '--drain', '60s'];
    const worker = spawn(process.execPath, [join(builtDist, 'cli.js'), ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const ended = new Promise((resolve) => {
      worker.on('exit', (status, signal) => resolve([status, signal]));
    });
    let said = '';
    worker.stderr.on('data', (piece) => {
      said += piece;
    });
    await expect.poll(() => said, { timeout: 20_000 }).toContain('takes jobs of away');
    const from = performance.now();
    worker.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
    // A second for the question whether the server is back, and the rest for a loaded machine.
    expect(performance.now() - from).toBeLessThan(8000);
  });

  it('says what is missing or wrong', async () => {
    const wasbox = (args: string[]) => {
      const env = { ...process.env, WASBOX_CONNECTION: 'nonsense://secret@x' };
      const { status, stderr } = spawnSync(
        process.execPath,
        [join(builtDist, 'cli.js'), 'worker', ...args],
        { encoding: 'utf8', env },
      );
      return `${status} ${stderr}`;
    };
    expect(wasbox([])).toMatch(/^2 .*needs the name of a queue/s);
    expect(wasbox(['--queue', 'q', '--rate', '5'])).toMatch(/^2 .*invalid rate/s);
    expect(wasbox(['--queue', 'q', '--most', 'x=1'])).toMatch(/^2 .*is not LIMIT=VALUE/s);
    const connections = wasbox(['--queue', 'q']);
    expect(connections).toMatch(/^2 .*not the address of a server/s);
    expect(connections).not.toContain('secret');
    // A copy that has no node_modules above it.
    const copy = join(directory, 'copy');
    fs.mkdirSync(copy);
    const dist = builtDist;
    for (const file of fs.readdirSync(dist).filter((one) => /\.(js|cjs|wasm)$/.test(one))) {
      fs.copyFileSync(join(dist, file), join(copy, file));
    }
    fs.writeFileSync(join(copy, 'package.json'), '{ "type": "module" }');
    const code = `const { work } = await import(${JSON.stringify(join(copy, 'worker.js'))});
      await work({ queue: 'q', connection: '/none', drainMs: 1 }).catch((error) => console.log(error.code, error.hint));`;
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
      encoding: 'utf8',
      cwd: directory,
    });
    expect(stdout).toContain('ERR_PEER Install them');
  });
});

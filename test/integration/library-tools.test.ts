/**
 * Tests what programs have of the command line's verbs: saved runs, dry runs, doctor, learn, reports; and the
 * kinds of input and output of a run. Needs: user namespaces, overlayfs in them.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { ReadableStream } from 'node:stream/web';
import { describe, expect, test, vi } from 'vitest';
import {
  type Ask,
  createPool,
  doctor,
  dryRun,
  learn,
  listRuns,
  openRun,
  type RunSettings,
  renderReport,
  run,
  spawn,
  UsageError,
} from '../../src/index.js';
import { processesWith } from '../support/host.js';
import { libraryPlace } from '../support/library-place.js';

const { workdir, state } = libraryPlace('tools');

const shell = (code: string, options: RunSettings = {}) => run({ code, workdir, ...options });

describe('a result', () => {
  test('is plain data: JSON and structured clones hold all of it', async () => {
    const result = await shell('echo out; echo x >> data.txt; ln -s a "$(printf "b\\377")"', {
      changes: 'keep',
    });
    const json = JSON.parse(JSON.stringify(result));
    expect(json).toMatchObject({
      outcome: 'exited',
      exitCode: 0,
      stdout: 'out\n',
      stderr: '',
      kept: { id: result.runId },
      changes: { disposition: 'kept', counts: { added: 1, modified: 1, deleted: 0 } },
    });
    expect(json.stdoutBytes).toBeUndefined();
    const [odd] = json.changes.changes.filter(({ path }: { path: string }) => path !== 'data.txt');
    expect([...Buffer.from(odd.pathBase64, 'base64')]).toEqual([0x62, 0xff]);
    expect(structuredClone(result)).toMatchObject({ stdout: 'out\n', runId: result.runId });
    expect([...result.stdoutBytes]).toEqual([...Buffer.from('out\n')]);
    await result.kept?.discard();
  });

  test('has both streams in the order in which they came, if asked', async () => {
    const code = 'echo 1; sleep 0.2; echo 2 >&2; sleep 0.2; echo 3';
    expect(await shell(code, { all: true })).toMatchObject({ all: '1\n2\n3\n', stdout: '1\n3\n' });
    expect((await shell(code)).all).toBeUndefined();
  });

  test('keeps one-byte writes in a few blocks of memory', async () => {
    const { Bytes } = await import('../../src/launch/bytes.js');
    let blocks = 0;
    let reserved = 0;
    const counted = new Proxy(Uint8Array, {
      construct(target, given: [number]) {
        if (typeof given[0] === 'number') {
          blocks++;
          reserved += given[0];
        }
        return Reflect.construct(target, given);
      },
    });
    const count = 1_000_000;
    const piece = Uint8Array.of(7);
    vi.stubGlobal('Uint8Array', counted);
    try {
      const bytes = new Bytes();
      for (let n = 0; n < count; n++) bytes.add(piece);
      // The control: kept as they come, the pieces would be a million.
      expect(blocks).toBeLessThan(100);
      expect(reserved).toBeLessThan(1.2 * count);
      expect(bytes.join()).toHaveLength(count);
    } finally {
      vi.unstubAllGlobals();
    }
  });
});

describe('input', () => {
  test.each([
    ['a string', () => 'abc'],
    ['bytes', () => Buffer.from('abc')],
    ['a readable stream', () => Readable.from([Buffer.from('ab'), Buffer.from('c')])],
    ['a web stream', () => ReadableStream.from(['ab', 'c'])],
    [
      'an iterable',
      async function* () {
        yield 'ab';
        yield Buffer.from('c');
      },
    ],
    ['a file', () => ({ file: join(workdir, 'abc.txt') })],
  ])('%s', async (_, input) => {
    writeFileSync(join(workdir, 'abc.txt'), 'abc');
    expect((await shell('cat', { input: input() })).stdout).toBe('abc');
    const pool = await createPool({ lang: 'sh', workdir, size: 1 });
    expect((await pool.run({ code: 'cat', input: input() })).stdout).toBe('abc');
    await pool.close();
  });

  test('is closed when the payload stops reading, if it has no end', async () => {
    let closed = false;
    const endless = async function* () {
      try {
        for (;;) yield 'x'.repeat(10_000);
      } finally {
        closed = true;
      }
    };
    expect((await shell('head -c 5', { input: endless() })).stdout).toBe('xxxxx');
    await expect.poll(() => closed).toBe(true);
    const never = new Readable({ read() {} });
    expect((await shell('true', { input: never })).exitCode).toBe(0);
    await expect.poll(() => never.destroyed).toBe(true);
  });

  test('is no error if the payload ignores it', async () => {
    expect((await shell('exec <&-; true', { input: 'x'.repeat(1_000_000) })).exitCode).toBe(0);
    const sandbox = await spawn({ code: 'exec <&-; sleep 0.1', workdir });
    for (let n = 0; n < 100; n++) sandbox.stdin.write('x'.repeat(10_000));
    expect((await sandbox.result).exitCode).toBe(0);
  });
});

describe('a sandbox', () => {
  test('gives lines, and ends with its block', async () => {
    const marker = `36${process.pid}.5`;
    const lines: string[] = [];
    {
      await using sandbox = await spawn({
        code: `printf 'a\\nb\\303'; sleep 0.1; printf '\\244\\n12345'; echo; echo end; sleep ${marker}`,
        workdir,
      });
      expect(sandbox.runId).toMatch(/^[0-9a-z]{9}$/);
      for await (const line of sandbox.stdoutLines({ maxLength: 3 })) {
        lines.push(line);
        if (line === 'end') break;
      }
      expect(processesWith(marker)).not.toEqual([]);
    }
    expect(lines).toEqual(['a', 'bä', '123', '45', 'end']);
    expect(processesWith(marker)).toEqual([]);
  });
});

describe('saved runs', () => {
  test('are listed, opened, reviewed, applied in part and discarded', async () => {
    const { kept } = await shell('echo inside > data.txt; mkdir d; echo new > d/new', {
      changes: 'keep',
    });
    if (kept === undefined) throw new Error('nothing is kept');
    const [first] = await listRuns({ workdir });
    expect(first).toMatchObject({ id: kept.id, status: 'kept', counts: { added: 2, modified: 1 } });
    expect(await listRuns({ workdir: '/' })).toEqual([]);
    const opened = await openRun(kept.id.slice(0, 8));
    expect(opened.id).toBe(kept.id);
    expect((await opened.diff()).map(({ path, added }) => [path, added])).toEqual([
      ['d', 0],
      ['d/new', 1],
      ['data.txt', 1],
    ]);
    expect(Buffer.from((await opened.read('data.txt')) ?? []).toString()).toBe('inside\n');
    expect(await opened.read('other.txt')).toBeUndefined();
    const patch = Buffer.from(await opened.patch());
    const copy = mkdtempSync(join(state, 'copy-'));
    writeFileSync(join(copy, 'data.txt'), 'host\n');
    execFileSync('git', ['apply', '-'], { cwd: copy, input: patch });
    expect(readFileSync(join(copy, 'd/new'), 'utf8')).toBe('new\n');
    const dry = await opened.apply({ dryRun: true });
    expect(dry.applied.map(({ path }) => path)).toEqual(['d', 'd/new', 'data.txt']);
    expect(readFileSync(join(workdir, 'data.txt'), 'utf8')).toBe('host\n');
    const part = await opened.apply({ paths: ['data.txt'] });
    expect([part.applied.length, part.left.length]).toEqual([1, 2]);
    expect(readFileSync(join(workdir, 'data.txt'), 'utf8')).toBe('inside\n');
    await opened.discard();
    expect(existsSync(join(workdir, 'd'))).toBe(false);
    await expect(opened.diff()).rejects.toMatchObject({ code: 'ERR_RUN_UNKNOWN' });
    await opened.discard(); // as after the last of it was applied
    await expect(openRun(kept.id)).rejects.toMatchObject({ code: 'ERR_RUN_UNKNOWN' });
    writeFileSync(join(workdir, 'data.txt'), 'host\n');
  });

  test('a dry run of apply tells what apply refuses', async () => {
    const code = 'mkdir -p .git/hooks; echo x > .git/hooks/post-checkout; echo y > plain';
    const { kept } = await shell(code, { changes: 'keep' });
    const dry = await kept?.apply({ dryRun: true });
    const real = await kept?.apply();
    expect(dry?.refused.map(({ path, reason }) => [path, reason])).toEqual(
      real?.refused.map(({ path, reason }) => [path, reason]),
    );
    expect(dry?.applied.map(({ path }) => path)).toEqual(real?.applied.map(({ path }) => path));
    expect(real?.refused.length).toBeGreaterThan(0);
    await kept?.discard();
    rmSync(join(workdir, '.git'), { recursive: true, force: true });
    rmSync(join(workdir, 'plain'), { force: true });
  });
});

describe('the verbs', () => {
  test('dryRun starts nothing and tells what would start', async () => {
    const marker = join(workdir, 'touched');
    const { sandbox, plan } = await dryRun('touch', [marker], { workdir, rw: [workdir] });
    expect(sandbox.command.argv).toEqual(['touch', marker]);
    expect(sandbox.namespaces).toContain('pid');
    expect(Buffer.from(plan, 'base64').length).toBeGreaterThan(1000);
    expect(existsSync(marker)).toBe(false);
    // The control: what it tells of does touch it.
    await run('touch', [marker], { workdir, rw: [workdir] });
    expect(existsSync(marker)).toBe(true);
    rmSync(marker);
    await expect(dryRun('touch', { timeoutMs: -1 })).rejects.toMatchObject({
      code: 'ERR_OPTION_VALUE',
    });
  });

  test('doctor tells that sandboxes work here', async () => {
    const { ready, findings } = await doctor();
    expect(ready).toBe(true);
    expect(findings.at(-1)?.verdict).not.toBe('missing');
  });

  test('learn makes a profile that allows the run; renderReport shows it', async () => {
    const { profile, result, runs, allowed, base } = await learn({ code: 'echo hi', workdir });
    expect([result.stdout, runs]).toEqual(['hi\n', 1]);
    expect(allowed).toBeLessThan(base);
    const file = join(state, 'learned.toml');
    writeFileSync(file, profile);
    expect((await shell('echo hi', { profile: file })).stdout).toBe('hi\n');
    const more = await learn({ code: 'echo again', workdir, earlier: profile });
    expect(more.runs).toBe(2);
    expect(await renderReport(result.report, 'html')).toMatch(/^<!doctype html>/i);
    const refused = await shell('mount -t tmpfs none /mnt; mkdir "$(printf "a\\033b")"');
    const text = await renderReport(refused.report);
    expect(text).toContain('mount');
    expect(text).not.toContain('\u001b');
    await expect(renderReport(result.report, 'pdf' as 'html')).rejects.toMatchObject({
      code: 'ERR_OPTION_VALUE',
    });
  });
});

describe('a callback that decides', () => {
  const failing: readonly (readonly [string, Ask, string])[] = [
    ['throws', () => Promise.reject(new Error('my database is down')), 'my database is down'],
    ['answers nonsense', async () => 'maybe' as never, 'maybe'],
  ];

  test.each(failing)('%s: denied, and the report has its message', async (_, ask, message) => {
    const { report } = await shell(
      'cat /etc/shadow-of-nothing ~/.profile /root/x; cat /home/nobody-here/x; mount -t tmpfs x /mnt',
      { ask },
    );
    const failed = (report.asked?.questions ?? []).filter(({ verdict }) => verdict === 'failed');
    expect(failed.length).toBeGreaterThan(0);
    for (const { decision, error } of failed) {
      expect(decision).toBe('deny');
      expect(error).toContain(message);
    }
  });

  test('control: one that answers has no error', async () => {
    const { report } = await shell('mount -t tmpfs x /mnt; cat ~/.profile', {
      ask: () => 'deny',
    });
    for (const { error } of report.asked?.questions ?? []) expect(error).toBeUndefined();
  });
});

describe('a pool', () => {
  test('preloads, and is closed by force or its signal', async () => {
    const controller = new AbortController();
    const pool = await createPool({
      ...{ lang: 'python', workdir, size: 1, maxRunning: 1, signal: controller.signal },
      maxQueued: Number.POSITIVE_INFINITY,
      preload: 'import json\nword = "pré"',
    } as const);
    expect((await pool.run('print(word, json.dumps([1]))')).stdout).toBe('pré [1]\n');
    const running = pool
      .run('print(1, flush=True); import time; time.sleep(60)')
      .catch((error) => error);
    await expect.poll(() => pool.state.running).toBe(1);
    const queued = pool.run('print(2)').catch((error) => error);
    const reason = new Error('my reason');
    controller.abort(reason);
    expect(await running).toMatchObject({ name: 'AbortError', cause: reason });
    expect(await queued).toMatchObject({ name: 'AbortError', cause: reason });
    await expect(pool.run('1')).rejects.toMatchObject({ name: 'AbortError', cause: reason });
    await pool.close();
    await expect(pool.run('1')).rejects.toMatchObject({ name: 'AbortError', cause: reason });
    const node = await createPool({
      lang: 'node',
      workdir,
      size: 1,
      preload: 'globalThis.word = 5',
    });
    expect((await node.run('console.log(word)')).stdout).toBe('5\n');
    await node.close({ force: true });
    await expect(createPool({ lang: 'sh', preload: 'x=1' })).rejects.toMatchObject({
      code: 'ERR_OPTION_VALUE',
    });
  });
});

describe('a slip', () => {
  test('applies nothing where it is in what to apply', async () => {
    const { kept } = await shell('mkdir d; echo n > d/new; echo other > other', {
      changes: 'keep',
    });
    const apply = (choice: unknown) => kept?.apply(choice as never);
    const slips = [['d'], 'd', null, 7, { path: ['d'] }, { paths: 'd' }, { paths: [5] }];
    const more = [{ paths: [''] }, { paths: [undefined] }, { dryrun: true }, { conflicts: 'x' }];
    for (const slip of [...slips, ...more, { dryRun: 'no' }]) {
      await expect(apply(slip), JSON.stringify(slip)).rejects.toThrow(/apply/);
    }
    expect(existsSync(join(workdir, 'd'))).toBe(false);
    expect(existsSync(join(workdir, 'other'))).toBe(false);
    await expect(apply({ path: ['d'] })).rejects.toMatchObject({
      code: 'ERR_OPTION_UNKNOWN',
      hint: 'Did you mean paths?',
    });
    await expect(kept?.diff('d' as never)).rejects.toThrow(UsageError);
    // Control: rightly called, it applies what was named.
    await kept?.apply({ paths: ['d'] });
    expect([existsSync(join(workdir, 'd/new')), existsSync(join(workdir, 'other'))]).toEqual([
      true,
      false,
    ]);
    await kept?.discard();
    rmSync(join(workdir, 'd'), { recursive: true });
  });

  test('a callback that is never done holds up no run that a limit ended', async () => {
    let called = 0;
    const onStdout = () => {
      called += 1;
      return new Promise(() => {});
    };
    const result = await run({ command: 'yes', workdir, timeoutMs: 300, graceMs: 50, onStdout });
    expect(result.outcome).toBe('timeout');
    expect(called).toBeGreaterThan(0);
    const pool = await createPool({ lang: 'sh', size: 1, timeoutMs: 300, graceMs: 50 });
    const task = await pool.run({ code: 'yes', onStdout });
    expect(task.outcome).toBe('timeout');
    // A run that its caller gives up is not held up either, though it has ended by itself, nor is a pool that is
    // closed.
    const controller = new AbortController();
    const marker = `41${process.pid}.5`;
    const before = called;
    const code = `echo 1 # ${marker}`;
    const ended = run({ code, workdir, signal: controller.signal, onStdout });
    const isOver = () => called > before && processesWith(marker).length === 0;
    await vi.waitFor(() => expect(isOver()).toBe(true), { timeout: 60_000, interval: 20 });
    setTimeout(() => controller.abort(), 1000);
    expect((await ended).stdout).toBe('1\n');
    const waiting = pool.run({ code: 'echo 1', onStdout });
    await new Promise((resolve) => setTimeout(resolve, 300));
    await pool.close({ force: true });
    expect((await waiting).outcome).toBe('exited');
  });

  test('a callback is done with all of it before the result is there', async () => {
    let seen = '';
    const onStdout = async (chunk: Uint8Array) => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      seen += Buffer.from(chunk);
    };
    const { stdout } = await run({ code: 'echo 1; sleep 0.05; echo 2', workdir, onStdout });
    expect(seen).toBe(stdout);
    const late = async () => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      throw new RangeError('late');
    };
    await expect(run({ code: 'echo 1', workdir, onStdout: late })).rejects.toThrow('late');
  });
});

/** `wasbox image rm` and `prune` while sandboxes use the image. The oracle is the state directory. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { type Identity, identities, stateOf } from '../../support/identity.js';
import { dockerArchive, tarOf } from '../../support/images.js';
import { startLibrary } from '../../support/library-child.js';
import { makeProject } from '../../support/project.js';
import { ended, runProgram, runWasbox, startWasbox } from '../../support/wasbox.js';

/** An archive of two layers with busybox and a file. */
async function archiveOf(text: string): Promise<Buffer> {
  const lower = await tarOf([
    { name: 'bin', type: 'directory' },
    { name: 'bin/busybox', data: fs.readFileSync('/bin/busybox'), mode: 0o755 },
    ...['sh', 'cat', 'sleep'].map((name) => ({
      ...{ name: `bin/${name}`, type: 'symlink' as const, linkname: 'busybox' },
    })),
  ]);
  const upper = await tarOf([{ name: 'late', data: text }]);
  return dockerArchive({ layers: [lower, upper], config: { Env: ['PATH=/bin'] } });
}

describe.each(identities())('as $label', (as: Identity) => {
  const cwd = makeProject(as);
  const images = join(stateOf(as), 'wasbox/images');
  const names = (part: string): string[] => {
    const path = join(images, part);
    return fs.existsSync(path) ? fs.readdirSync(path) : [];
  };
  const image = (...args: string[]) => runWasbox(['image', ...args], { as, cwd });

  async function imported(name: string, text: string): Promise<string> {
    const archive = join(cwd, `${name}.tar`);
    fs.writeFileSync(archive, await archiveOf(text), { mode: 0o644 });
    expect((await image('import', archive, '--name', `${name}:1`)).status).toBe(0);
    return `${name}:1`;
  }

  /** A sandbox that reads a file of its image once it is told to. */
  async function started(ref: string): Promise<ChildProcess> {
    const code = 'echo ready; read go; exec cat /late';
    const child = startWasbox(['run', '--image', ref, '--discard', '-c', code], { as, cwd });
    if (child.stdout === null) throw new Error('no stdout');
    await once(child.stdout, 'data');
    return child;
  }

  async function told(child: ChildProcess): Promise<string> {
    const done = ended(child, { as });
    child.stdin?.end('go\n');
    return (await done).out;
  }

  test('neither rm nor prune takes the layers of a running sandbox', async () => {
    const before = names('layers').length;
    const ref = await imported('used', 'of the image\n');
    const layers = names('layers');
    expect(layers).toHaveLength(before + 2);
    const [one, two] = [await started(ref), await started(ref)];
    const removed = await image('rm', ref);
    expect(removed).toMatchObject({ status: 0, out: 'removed docker.io/library/used:1\n' });
    expect(removed.err).toContain('1 image without a name is in use');
    expect((await image('ls')).out).not.toContain('used');
    expect((await image('prune', '--all')).err).toContain('is in use');
    expect(names('layers')).toEqual(layers);
    expect(await told(one)).toBe('of the image\n');
    expect((await image('prune')).err).toContain('is in use');
    expect(await told(two)).toBe('of the image\n');
    // The control: nothing else keeps them.
    expect(await image('prune')).toMatchObject({ err: '', out: /removed 0 images, 2 layers/ });
    expect(names('layers')).toHaveLength(before);
    expect((await runWasbox(['run', '--image', ref, '-c', ':'], { as, cwd })).status).toBe(125);
  });

  test('a session holds its image between two sandboxes', async () => {
    const before = names('layers').length;
    const ref = await imported('session', 'of the image\n');
    const run = (...args: string[]) => runWasbox(args, { as, cwd });
    const name = `image-${process.pid}`;
    const started = await run('session', 'start', '-q', '--name', name, '--image', ref);
    expect(started.status, started.err).toBe(0);
    try {
      expect((await run('session', 'snapshot', '-q', name)).status).toBe(0); // it ends the sandbox
      expect((await image('rm', ref)).err).toContain('1 image without a name is in use');
      expect((await run('exec', name, '--', 'cat', '/late')).out).toBe('of the image\n');
    } finally {
      await run('stop', name);
    }
    // The control: nothing else keeps it.
    expect(await image('prune')).toMatchObject({ err: '' });
    expect(names('layers')).toHaveLength(before);
  });

  test('a pool keeps the image that its name led to, also one of sessions', async () => {
    const before = names('layers').length;
    const ref = await imported('pool', 'of the image\n');
    const program = `const options = { workdir: ${JSON.stringify(cwd)}, image: ${JSON.stringify(ref)}, size: 1 };
      const pool = await lib.createPool({ ...options, command: 'sh' });
      const sessions = await lib.createPool({ ...options, sessions: true });
      const show = async () => {
        const { stdout, report } = await pool.run({ input: 'cat /late' });
        const session = await sessions.take();
        const other = await session.exec(['cat', '/late']);
        await session.close();
        const reports = [report, (await session.report()).report];
        const images = reports.map(({ sandbox }) => sandbox.image.reference);
        console.log(JSON.stringify([stdout, other.stdout, ...images]));
      };
      await show();
      for await (const _ of process.stdin) await show();
      await Promise.all([pool.close(), sessions.close()]);`;
    const child = startLibrary(program, { as, cwd });
    const said = createInterface({ input: child.stdout as Readable })[Symbol.asyncIterator]();
    const full = 'docker.io/library/pool:1';
    const same = ['of the image\n', 'of the image\n', full, full];
    const shown = async () => {
      const { value } = await said.next();
      return value === undefined ? await ended(child, { as }) : JSON.parse(value);
    };
    expect(await shown()).toEqual(same);
    await imported('pool', 'another\n');
    // The control: the name leads to the other one.
    const now = await runWasbox(['run', '--image', ref, '--discard', 'cat', '/late'], { as, cwd });
    expect(now.out).toBe('another\n');
    expect((await image('rm', ref)).status).toBe(0);
    expect(await image('prune')).toMatchObject({ err: /is in use/ });
    // The first one has waited since before.
    for (let n = 0; n < 3; n++) {
      child.stdin?.write('again\n');
      expect(await shown()).toEqual(same);
    }
    expect(await ended(child, { as })).toMatchObject({ status: 0, err: '' });
    expect(await image('prune')).toMatchObject({ err: '' });
    expect(names('layers')).toHaveLength(before);
  });

  test('a pool that its signal ends holds no image any more', async () => {
    const ref = await imported('ended', 'x\n');
    const child = startLibrary(
      `const ended = new AbortController();
      const { signal } = ended;
      const options = { workdir: ${JSON.stringify(cwd)}, image: ${JSON.stringify(ref)}, signal };
      const pool = await lib.createPool({ ...options, command: 'sh', size: 1 });
      console.log('ready');
      for await (const _ of process.stdin) ended.abort(), console.log('ended');`,
      { as, cwd },
    );
    const said = createInterface({ input: child.stdout as Readable })[Symbol.asyncIterator]();
    expect((await said.next()).value).toBe('ready');
    await image('rm', ref);
    expect((await image('prune')).err).toContain('is in use'); // the control
    child.stdin?.write('end\n');
    expect((await said.next()).value).toBe('ended');
    await expect.poll(async () => (await image('prune')).err).toBe('');
    expect(await ended(child, { as })).toMatchObject({ status: 0, err: '' });
  });

  test('an image is free as soon as the supervisor of its sandbox is killed', async () => {
    const before = names('layers').length;
    const ref = await imported('killed', 'x\n');
    const child = await started(ref);
    const gone = ended(child, { as });
    child.kill('SIGKILL');
    await gone;
    await expect.poll(async () => (await image('rm', ref)).err).not.toContain('in use');
    await image('prune');
    expect(names('layers')).toHaveLength(before);
  });

  test('a sandbox does not start with an image that is being removed', async () => {
    const ref = await imported('going', 'x\n');
    const run = ['run', '--image', ref, '--discard', '-c', 'exec cat /late'];
    expect((await runWasbox(run, { as, cwd })).out).toBe('x\n');
    const { out } = await image('inspect', ref);
    const { id } = (JSON.parse(out) as { images: [{ id: string }] }).images[0];
    const lock = join(images, 'locks', `image-${id.slice('sha256:'.length)}`);
    const { cli } = as;
    const held = ['flock', '-x', lock, process.execPath, cli, ...run];
    const refused = await runProgram(held, { as, cwd });
    expect([refused.status, refused.err]).toEqual([
      125,
      expect.stringContaining('is being removed by another process'),
    ]);
    // The control: shared locks are compatible.
    const shared = await runProgram(['flock', '-s', ...held.slice(2)], { as, cwd });
    expect(shared.out).toBe('x\n');
    await image('rm', ref);
  });

  test('whatever happens at the same time, a sandbox sees all of its image or does not start', async () => {
    const before = names('layers').length;
    const archive = join(cwd, 'busy.tar');
    fs.writeFileSync(archive, await archiveOf('all of it\n'), { mode: 0o644 });
    const counts = { whole: 0, refused: 0 };
    let left = 20;
    const runs = async (): Promise<void> => {
      while (left-- > 0) {
        const code = 'sleep 0.05; exec cat /late';
        const run = ['run', '--image', 'busy:1', '--discard', '-c', code];
        const { status, out, err } = await runWasbox(run, { as, cwd });
        // 127: it was removed while its programs were looked up.
        expect([0, 125, 127], err).toContain(status);
        expect(out).toBe(status === 0 ? 'all of it\n' : '');
        counts[status === 0 ? 'whole' : 'refused'] += 1;
      }
    };
    const others = async (): Promise<void> => {
      while (left > 0) {
        expect(await image('import', archive, '--name', 'busy:1')).toMatchObject({ status: 0 });
        await image('rm', 'busy:1');
      }
    };
    await Promise.all([runs(), runs(), others()]);
    expect(counts.whole).toBeGreaterThan(0);
    await image('prune', '--all');
    expect(names('layers')).toHaveLength(before);
  });
});

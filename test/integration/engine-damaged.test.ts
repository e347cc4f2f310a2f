/**
 * An engine whose file is damaged, or that crashes: one line and exit status 125, and no sandbox is left.
 * WASBOX_ENGINE_FLIPS=240 flips that many bits anywhere in the image, too: what comes of those is not known before.
 */
import * as fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeFastpath } from '../support/fastpath.js';
import { ordinaryUser } from '../support/identity.js';
import { installOwn, type OwnInstallation } from '../support/installation.js';
import { needs } from '../support/needs.js';
import { makeProject } from '../support/project.js';
import { nativeOf } from '../support/two-ways.js';
import { type Ended, ended, startProgram } from '../support/wasbox.js';

const as = ordinaryUser();
const crashed = 'wasbox: wasbox-engine crashed: its file may be damaged. Install wasbox again\n';
/** An audit is the engine's own from its start to its end. */
const words = ['run', '-q', '--audit', '--', '/bin/echo', 'hi'];

let own: OwnInstallation;
let whole: Buffer;
/** Where in the file the image and the table of parts are: the trailer of addon/engine/program.c. */
let trailer: Record<'parts' | 'partCount' | 'image' | 'imageSize', number>;

beforeAll(() => {
  own = installOwn(as, 'damaged');
  whole = fs.readFileSync(own.engine);
  const at = (place: number) => Number(whole.readBigUInt64LE(whole.length - 40 + place));
  trailer = { parts: at(8), partCount: at(16), image: at(24), imageSize: at(32) };
});

afterAll(() => fs.rmSync(own.engine, { force: true }));

/** Returns what the command does with an engine that a change was made to; there is no Node for it. */
async function withDamage(damage: (bytes: Buffer) => void, argv = words): Promise<Ended> {
  const bytes = Buffer.from(whole);
  damage(bytes);
  // Another file each time: the one before may still be executed.
  fs.rmSync(own.engine);
  fs.writeFileSync(own.engine, bytes, { mode: 0o755 });
  const fastpath = makeFastpath(as, own.wasbox);
  const cwd = makeProject(as);
  return fastpath.run(argv, { cwd, env: { PATH: '/nosuch' } });
}

const said = ({ status, signal, out, err }: Ended) => ({ status, signal, out, err });

test('the control: an undamaged copy makes the run', async () => {
  const run = await withDamage(() => {});
  expect(said(run)).toEqual({ status: 0, signal: null, out: 'hi\n', err: '' });
});

describe('an image', () => {
  /** Pointers at the head of addon/engine/arena.c that lead out of the image if one of these bits is another. */
  const pointers = { runtime: 16, context: 24 } as const;
  const flips = Object.entries(pointers).flatMap(([name, place]) =>
    [33, 38, 43, 47, 55, 63].map((bit) => [name, bit, place] as const),
  );

  test.each(flips)('whose %s has bit %i flipped', async (_name, bit, place) => {
    const run = await withDamage((bytes) => {
      const at = trailer.image + place;
      bytes.writeBigUInt64LE(bytes.readBigUInt64LE(at) ^ (1n << BigInt(bit)), at);
    });
    expect(said(run)).toEqual({ status: 125, signal: null, out: '', err: crashed });
  });

  test.each([0, 0xff])('is refused with nothing but bytes %i behind its head', async (value) => {
    const run = await withDamage((bytes) => {
      bytes.fill(value, trailer.image + 4096, trailer.image + trailer.imageSize);
    });
    expect(said(run)).toEqual({ status: 125, signal: null, out: '', err: crashed });
  });

  test('is refused where it is none', async () => {
    const run = await withDamage((bytes) => {
      bytes[trailer.image] = (bytes[trailer.image] ?? 0) ^ 1;
    });
    expect([run.status, run.out]).toEqual([125, '']);
    expect(run.err).toMatch(/^wasbox: wasbox-engine is damaged, and node was not found in PATH\n/);
  });

  needs('nightly run').test(
    'is refused with a bit flipped anywhere',
    { timeout: 3_600_000 },
    async () => {
      const found: Record<string, number> = {};
      for (let i = 1; i <= Number(process.env.WASBOX_ENGINE_FLIPS ?? 1000); i++) {
        // Spread evenly, whatever the number.
        const place = Math.floor(trailer.imageSize * ((i * 0.6180339887498949) % 1));
        const run = await withDamage((bytes) => {
          const at = trailer.image + place;
          bytes[at] = (bytes[at] ?? 0) ^ (1 << (i % 8));
        });
        const what = run.err === crashed ? 'crashed' : `${run.status} ${run.signal}`;
        found[what] = (found[what] ?? 0) + 1;
        expect(run.signal, `at ${place}`).toBe(null);
        if (run.status === 125) expect(run.err, `at ${place}`).toMatch(/^wasbox: /);
      }
      console.log(found);
    },
  );
});

test('modules behind the image are not loaded if they are damaged', async () => {
  const run = await withDamage(
    (bytes) => {
      for (let i = 0; i < trailer.partCount; i++) {
        const entry = trailer.parts + 48 * i;
        const stored = bytes.readUInt32LE(entry + 40);
        const at = Number(bytes.readBigUInt64LE(entry + 32)) + (stored >> 1);
        bytes[at] = (bytes[at] ?? 0) ^ 4;
      }
    },
    ['doctor'],
  );
  expect([run.status, run.signal, run.out]).toEqual([1, null, '']);
  expect(run.err).toContain('the installation is incomplete or damaged');
});

describe('a crash while a sandbox runs', () => {
  const signals = ['SIGSEGV', 'SIGBUS', 'SIGILL', 'SIGFPE', 'SIGABRT'] as const;

  /** Sends a signal as soon as something is written; resolves when all that holds stdout has ended. */
  async function kill(argv: readonly string[], signal: NodeJS.Signals): Promise<Ended> {
    const options = { as, cwd: makeProject(as), env: makeFastpath(as, nativeOf(as)).env };
    const child = startProgram(argv, options);
    child.stdout?.once('data', () => child.kill(signal));
    return ended(child, options);
  }

  test.each(signals)('ends it: %s', async (signal) => {
    const payload = ['/bin/sh', '-c', 'echo started; sleep 600'];
    const run = await kill([nativeOf(as), 'run', '-q', '--audit', '--', ...payload], signal);
    expect(said(run)).toEqual({ status: 125, signal: null, out: 'started\n', err: crashed });
  });

  test('the control: what a plain shell started is left, and holds its stdout', async () => {
    const options = { as, stdio: ['ignore', 'pipe', 'inherit', 'pipe'] as const };
    const shell = 'cat <&3 & echo started; wait';
    const child = startProgram(['/bin/sh', '-c', shell], { ...options, stdio: [...options.stdio] });
    let isClosed = false;
    const closed = new Promise<void>((resolve) => {
      child.once('close', () => {
        isClosed = true;
        resolve();
      });
    });
    const exited = new Promise((resolve) => {
      child.once('exit', (_status, signal) => resolve(signal));
    });
    child.stdout?.once('data', () => child.kill('SIGSEGV'));
    expect(await exited).toBe('SIGSEGV');
    expect(isClosed).toBe(false);
    (child.stdio[3] as NodeJS.WritableStream).end();
    await closed;
  });
});

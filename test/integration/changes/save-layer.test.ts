/**
 * The copy of layers from memory to a file system that cannot hold all that is in them. Such a file system is made of
 * calls that fail as its own would.
 */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { openRoot } from '../../../src/changes/files/fdtree.js';
import {
  type MovedLayer,
  recoverSaving,
  saveLayers,
} from '../../../src/changes/files/save-layer.js';
import { type ChangesNative, listRuns } from '../../../src/changes/index.js';
import { closeDescriptor } from '../../../src/native/index.js';
import { type Fixture, makeFixture, native, runScript } from './fixture.js';

const failing = vi.hoisted(() => ({ links: '' }));
vi.mock('node:fs', async (original) => {
  const actual = await original<typeof fs>();
  return {
    ...actual,
    linkSync: (...given: Parameters<typeof fs.linkSync>) => {
      if (failing.links !== '') throw errno(failing.links);
      actual.linkSync(...given);
    },
  };
});

const errno = (code: string): Error => Object.assign(new Error(code), { code });

let fixture: Fixture;
let opened: number[] = [];
beforeEach(() => {
  fixture = makeFixture();
});
afterEach(() => {
  failing.links = '';
  for (const fd of opened) closeDescriptor(fd);
  opened = [];
  fixture.dispose();
});

/** A layer in which a script made `upper`, and an empty one. */
function moved(name: string, script: string): MovedLayer {
  const [from, to] = ['memory', 'disk'].map((side) => {
    const path = join(fixture.base, side, name);
    fs.mkdirSync(join(path, 'upper'), { recursive: true });
    fs.chmodSync(join(path, 'upper'), 0o750);
    const fd = openRoot(native, path);
    opened.push(fd);
    return fd;
  }) as [number, number];
  execFileSync('sh', ['-ec', script], { cwd: join(fixture.base, 'memory', name, 'upper') });
  return { from, to };
}

const saved = (name: string, ...path: string[]): string =>
  join(fixture.base, 'disk', name, ...path);

const script = `
  echo plain >plain
  echo linked >a; ln a b; ln a c
  ln -s plain symbolic
  mkfifo pipe
  mkdir deep; mkfifo deep/pipe; echo deep >deep/file
  mknod removed c 0 0`;

const attribute = 'user.wasbox.test';

/** Gives a file and a directory of the layer an attribute. */
function mark(name: string): void {
  for (const path of ['plain', 'deep']) {
    const fd = fs.openSync(join(fixture.base, 'memory', name, 'upper', path), 'r');
    native.fsetxattr(fd, attribute, Buffer.from('x'));
    fs.closeSync(fd);
  }
}

function attributesOf(...path: string[]): string[] {
  const fd = fs.openSync(saved(...(path as [string])), 'r');
  try {
    return native.flistxattr(fd);
  } finally {
    fs.closeSync(fd);
  }
}

const texts = (paths: readonly Buffer[]): string[] => paths.map(String);

test('all of a layer is saved where the file system can hold it', () => {
  const layer = moved('w', script);
  mark('w');
  expect(texts(saveLayers(native, [layer]))).toEqual([]);
  const [a, b, c] = ['a', 'b', 'c'].map((name) => fs.statSync(saved('w', 'upper', name)).ino);
  expect([b, c]).toEqual([a, a]);
  expect(fs.lstatSync(saved('w', 'upper', 'deep', 'pipe')).isFIFO()).toBe(true);
  expect(attributesOf('w', 'upper', 'plain')).toContain(attribute);
  expect(attributesOf('w', 'upper', 'deep')).toContain(attribute);
  expect(attributesOf('w', 'upper', 'removed')).toContain('user.overlay.whiteout');
  expect(fs.readdirSync(saved('w'))).toEqual(['upper']);
});

test.each(['EPERM', 'EOPNOTSUPP', 'EMLINK'])('without links (%s), each name is a file', (code) => {
  const layer = moved('w', script);
  failing.links = code;
  expect(texts(saveLayers(native, [layer]))).toEqual([]);
  const stats = ['a', 'b', 'c'].map((name) => fs.statSync(saved('w', 'upper', name)));
  expect(new Set(stats.map(({ ino }) => ino)).size).toBe(3);
  for (const name of ['a', 'b', 'c'])
    expect(fs.readFileSync(saved('w', 'upper', name), 'utf8')).toBe('linked\n');
  failing.links = '';
});

test('a file that the file system has no type for is left out and named; the rest is saved', () => {
  const layer = moved('w', script);
  const other: ChangesNative = {
    ...native,
    makeNode: () => {
      throw errno('EPERM');
    },
  };
  expect(texts(saveLayers(other, [layer]))).toEqual(['deep/pipe', 'pipe']);
  expect(fs.readdirSync(saved('w', 'upper')).sort()).toEqual(
    ['a', 'b', 'c', 'deep', 'plain', 'removed', 'symbolic'].sort(),
  );
  expect(fs.readFileSync(saved('w', 'upper', 'deep', 'file'), 'utf8')).toBe('deep\n');
});

test.each(['EOPNOTSUPP', 'E2BIG', 'ENOSPC'])(
  'attributes that fail with %s are left out',
  (code) => {
    const layer = moved('w', script);
    mark('w');
    const refusing = (refused: RegExp): ChangesNative => ({
      ...native,
      fsetxattr(fd, name, value) {
        if (refused.test(name)) throw errno(code);
        native.fsetxattr(fd, name, value);
      },
    });
    expect(texts(saveLayers(refusing(/^user\.wasbox\./), [layer]))).toEqual([]);
    expect(attributesOf('w', 'upper', 'plain')).not.toContain(attribute);
    expect(fs.readFileSync(saved('w', 'upper', 'plain'), 'utf8')).toBe('plain\n');
    expect(attributesOf('w', 'upper', 'removed')).toContain('user.overlay.whiteout');
    // A file that was removed would come back.
    expect(() => saveLayers(refusing(/^user\.overlay\./), [moved('v', script)])).toThrow(code);
  },
);

describe('several layers', () => {
  /** Fails where the second layer is copied, or where it is put in place. */
  const ways: Record<string, (second: number) => ChangesNative> = {
    copied: () => ({
      ...native,
      makeNode: () => {
        throw errno('ENOSPC');
      },
    }),
    'put in place': (second) => ({
      ...native,
      renameat2(from, ...rest) {
        if (from === second) throw errno('EIO');
        native.renameat2(from, ...rest);
      },
    }),
  };
  test.each(Object.keys(ways))('are all lost if one cannot be %s', (way) => {
    const layers = [moved('first', 'echo 1 >one; chmod 700 .'), moved('second', 'mkfifo pipe')];
    const other = ways[way]?.(layers[1]?.to ?? -1) ?? native;
    expect(() => saveLayers(other, layers)).toThrow(/ENOSPC|EIO/);
    for (const name of ['first', 'second']) {
      expect(fs.readdirSync(saved(name))).toEqual(['upper']);
      expect(fs.readdirSync(saved(name, 'upper'))).toEqual([]);
      expect(fs.statSync(saved(name, 'upper')).mode & 0o777).toBe(0o750);
    }
    // The control: the same layers without the failure.
    saveLayers(native, layers);
    expect(fs.readdirSync(saved('first', 'upper'))).toEqual(['one']);
  });

  /** Returns a native part whose calls fail from the nth on, as after a kill. */
  function killedAt(n: number): ChangesNative {
    let calls = 0;
    const call = (target: ChangesNative, name: keyof ChangesNative): unknown => {
      const own = target[name] as (...given: unknown[]) => unknown;
      return (...given: unknown[]) => {
        if (++calls > n) throw new Error('killed');
        return own.apply(target, given);
      };
    };
    return new Proxy(native, { get: (target, name) => call(target, name as keyof ChangesNative) });
  }

  test('are all there or none, whichever call a kill comes at', () => {
    const seen: string[] = [];
    for (let n = 0; ; n++) {
      const layers = ['one', 'two', 'three'].map((name) => moved(`${name}${n}`, 'echo 1 >made'));
      let isCut = true;
      try {
        saveLayers(killedAt(n), layers);
        isCut = false;
      } catch {
        recoverSaving(
          native,
          layers.map(({ to }) => to),
        );
      }
      const made = ['one', 'two', 'three'].map((name) => {
        expect(fs.readdirSync(saved(`${name}${n}`))).toEqual(['upper']);
        return fs.readdirSync(saved(`${name}${n}`, 'upper')).length;
      });
      seen.push(made.join(''));
      if (!isCut) break;
    }
    expect(new Set(seen)).toEqual(new Set(['000', '111']));
    // Some of them after a kill.
    expect(seen.filter((one) => one === '111').length).toBeGreaterThan(3);
  });

  test('have sizes and no content if they are discarded', () => {
    const layer = moved('w', 'head -c 100000 /dev/urandom >big; touch -d @1000 big; mkfifo pipe');
    saveLayers(native, [layer], { dropped: true });
    const { size, blocks, mtimeMs } = fs.statSync(saved('w', 'upper', 'big'));
    expect([size, blocks, mtimeMs]).toEqual([100_000, 0, 1_000_000]);
    expect(fs.lstatSync(saved('w', 'upper', 'pipe')).isFIFO()).toBe(true);
  });
});

test('a killed copy is removed when the run is recovered', () => {
  const run = runScript(fixture, 'echo x >added');
  const layer = join(run.upper, '..');
  fs.mkdirSync(join(layer, 'saving/deep'), { recursive: true });
  fs.mkdirSync(join(layer, 'names'));
  fs.writeFileSync(join(layer, 'names/1'), 'x');
  const { id } = run.record;
  run.close();
  expect(listRuns(fixture.store).map(({ status }) => status)).toEqual(['interrupted']);
  const found = fs.readdirSync(join(fixture.store.directory, 'saved', id, 'layers/0'));
  expect(found).toContain('upper');
  expect(found.filter((name) => ['saving', 'names'].includes(name))).toEqual([]);
});

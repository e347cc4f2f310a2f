/** A store whose writers are killed at any moment: what it names is whole, and the next command goes on. */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStore, removeDirectory } from '../../../src/changes/index.js';
import { loadNative } from '../../../src/native/index.js';
import { builtDist } from '../../support/built.mjs';
import { dockerArchive, type TarItem, tarOf, treeOf } from '../../support/images.js';

const cli = join(builtDist, 'cli.js');
const { native } = loadNative();
const files = 400;
let scratch: string;
let archive: string;

const layerItems = (layer: number): TarItem[] => [
  ...Array.from({ length: files }, (_, n) => ({
    name: `layer-${layer}/d${n % 7}/file-${n}`,
    data: `${layer} ${n} `.repeat(200),
    mode: n % 3 === 0 ? 0o400 : 0o644,
  })),
  { name: `layer-${layer}/link`, type: 'link', linkname: `layer-${layer}/d1/file-1` },
];

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'wasbox-crash-'));
  archive = join(scratch, 'image.tar');
  const layers = await Promise.all([1, 2, 3].map((layer) => tarOf(layerItems(layer))));
  writeFileSync(archive, await dockerArchive({ layers }));
});
afterAll(() => removeDirectory(native, scratch));

function stored(state: string, args: readonly string[], timeout?: number) {
  const env = { ...process.env, XDG_STATE_HOME: state };
  const options = { env, encoding: 'utf8', timeout, killSignal: 'SIGKILL' } as const;
  return spawnSync(process.execPath, [cli, 'image', ...args], options);
}

/** Reads each layer that has its name. */
function layerTrees(state: string): Record<string, object> {
  const directory = join(state, 'wasbox/images/layers');
  if (!existsSync(directory)) return {};
  return Object.fromEntries(
    readdirSync(directory).map((key) => {
      expect(JSON.parse(readFileSync(join(directory, key, 'layer.json'), 'utf8'))).toMatchObject({
        entries: files + 1,
      });
      return [key, treeOf(join(directory, key, 'fs'))];
    }),
  );
}

describe('a store', () => {
  it('has only whole layers and images, whenever a process that writes it is killed', () => {
    const whole = join(scratch, 'whole');
    let begun = performance.now();
    expect(stored(whole, ['import', archive, '--name', 'a:1']).status).toBe(0);
    let durationMs = performance.now() - begun;
    const expected = layerTrees(whole);
    expect(Object.keys(expected)).toHaveLength(3);

    const state = join(scratch, 'killed');
    let killed = 0;
    for (let n = 1; killed < 4 && n <= 30; n++) {
      const delayMs = Math.ceil(durationMs * (0.3 + 0.7 * Math.random()));
      begun = performance.now();
      const { signal } = stored(state, ['import', archive, '--name', 'a:1'], delayMs);
      if (signal === 'SIGKILL') killed += 1;
      // The machine is less busy than at first.
      else durationMs = Math.min(durationMs, performance.now() - begun);
      const trees = layerTrees(state);
      expect(expected).toMatchObject(trees);
      const listed = stored(state, ['ls', '--json']);
      expect(listed.status).toBe(0);
      const { images } = JSON.parse(listed.stdout) as { images: object[] };
      if (images.length > 0) expect(trees).toEqual(expected);
      if (signal !== 'SIGKILL' || n % 3 === 0) stored(state, ['rm', 'a:1'], delayMs);
    }
    expect(killed).toBe(4);
    expect(stored(state, ['import', archive, '--name', 'a:1']).status).toBe(0);
    expect(layerTrees(state)).toEqual(expected);
    expect(stored(state, ['prune']).status).toBe(0);
    for (const part of ['making', 'partial']) {
      expect(readdirSync(join(state, 'wasbox/images', part))).toEqual([]);
    }
    expect(openStore(native, { env: { XDG_STATE_HOME: state } }).directory).toBe(
      join(state, 'wasbox'),
    );
  });

  it('names nothing before it is on the disk', () => {
    const state = join(scratch, 'traced');
    const log = join(scratch, 'trace');
    mkdirSync(state);
    const trace = ['-f', '-qq', '-y', '-e', 'trace=syncfs,fsync,rename', '-o', log];
    const argv = [process.execPath, cli, 'image', 'import', archive, '--name', 'a:1'];
    const env = { ...process.env, XDG_STATE_HOME: state };
    expect(spawnSync('strace', [...trace, ...argv], { env }).status).toBe(0);
    const steps = readFileSync(log, 'utf8')
      .split('\n')
      .flatMap((line) => {
        if (/ syncfs\(.*\/making\//.test(line)) return 'content';
        if (/ rename\(".*\/making\/[0-9a-f]+", ".*\/layers\//.test(line)) return 'layer';
        if (/ fsync\(.*\/images\/layers/.test(line)) return 'names of layers';
        if (/ fsync\(.*\/(ids|refs)\/.*\.new/.test(line)) return 'record';
        if (/ rename\(".*\/(ids|refs)\/.*\.new"/.test(line)) return 'image';
        return / fsync\(.*\/images\/(ids|refs)>/.test(line) ? 'names of images' : [];
      });
    const each = ['content', 'layer', 'names of layers'];
    const record = ['record', 'image', 'names of images'];
    expect(steps).toEqual([...each, ...each, ...each, ...record, ...record]);
  });
});

/** Questions about files that the addon asks again, all in one call, against a real directory. */
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { type Agreement, type HostFiles, recordedHost } from '../../../src/host/index.js';
import { repeatedHost } from '../../../src/launch/repeated-host.js';
import { loadNative } from '../../../src/native/index.js';

const host = repeatedHost(loadNative().native, [0, 1, 2]);
const top = mkdtempSync(join(tmpdir(), 'wasbox-reads-'));
afterAll(() => rmSync(top, { recursive: true }));
let dir = top;
beforeEach(() => {
  dir = mkdtempSync(join(top, 'd-'));
  writeFileSync(join(dir, 'file'), 'text');
  writeFileSync(join(dir, 'long'), Buffer.alloc(40_000, 'x'));
  writeFileSync(join(dir, 'other'), 'text');
  mkdirSync(join(dir, 'folder'));
  writeFileSync(join(dir, 'folder/é'), '');
  symlinkSync('file', join(dir, 'link'));
});

const at = (name: string): string => join(dir, name);

/** Asks something, and what the host says of it later. */
function recorded(ask: (files: HostFiles) => unknown): Agreement {
  const recording = recordedHost(host);
  ask(recording.host.files);
  const agreement = host.agreement?.(recording.reads());
  if (agreement === undefined) throw new Error('the host asks nothing again');
  return agreement;
}

const exchange = (name: string, by: string): void => renameSync(at(by), at(name));

type Case = readonly [ask: (files: HostFiles) => unknown, change: () => void];
const cases: Readonly<Record<string, Case>> = {
  'lstat: a mode': [({ lstat }) => lstat(at('file')), () => chmodSync(at('file'), 0o600)],
  'lstat: another file': [({ lstat }) => lstat(at('file')), () => exchange('file', 'other')],
  'lstat: gone': [({ lstat }) => lstat(at('file')), () => rmSync(at('file'))],
  'lstat: made': [({ lstat }) => lstat(at('none')), () => writeFileSync(at('none'), '')],
  'lstat: a link in its place': [
    ({ lstat }) => lstat(at('file')),
    () => {
      rmSync(at('file'));
      symlinkSync('other', at('file'));
    },
  ],
  'stat: what a link leads to': [({ stat }) => stat(at('link')), () => exchange('file', 'other')],
  'stat: after lstat of the same': [
    (files) => [files.lstat(at('link')), files.stat(at('link'))],
    () => chmodSync(at('file'), 0o600),
  ],
  'stat: a directory on the way': [
    ({ stat }) => stat(at('folder/é')),
    () => renameSync(at('folder'), at('moved')),
  ],
  readlink: [
    ({ readlink }) => readlink(at('link')),
    () => {
      rmSync(at('link'));
      symlinkSync('other', at('link'));
    },
  ],
  'realpath: through a link': [
    ({ realpath }) => realpath(at('link')),
    () => {
      rmSync(at('link'));
      symlinkSync('other', at('link'));
    },
  ],
  'realpath: a link in the place of a directory': [
    ({ realpath }) => realpath(at('folder/é')),
    () => {
      renameSync(at('folder'), at('moved'));
      symlinkSync('moved', at('folder'));
    },
  ],
  'realpath: where nothing was': [
    ({ realpath }) => realpath(at('none')),
    () => writeFileSync(at('none'), ''),
  ],
  'read: one byte': [({ read }) => read(at('file'), 100), () => writeFileSync(at('file'), 'tExt')],
  'read: one byte more': [
    ({ read }) => read(at('file'), 100),
    () => writeFileSync(at('file'), 'text+'),
  ],
  'read: shorter': [({ read }) => read(at('long'), 65_536), () => truncateSync(at('long'), 39_999)],
  'read: the last byte of a long file': [
    ({ read }) => read(at('long'), 65_536),
    () => writeFileSync(at('long'), Buffer.concat([Buffer.alloc(39_999, 'x'), Buffer.from('y')])),
  ],
  'read: no file before': [
    ({ read }) => read(at('none'), 100),
    () => writeFileSync(at('none'), ''),
  ],
  'list: a name more': [({ list }) => list(at('folder')), () => writeFileSync(at('folder/z'), '')],
  'list: another name': [
    ({ list }) => list(at('folder')),
    () => renameSync(at('folder/é'), at('folder/è')),
  ],
  'list: gone': [({ list }) => list(at('folder')), () => renameSync(at('folder'), at('moved'))],
  access: [({ access }) => access(at('file'), 'execute'), () => chmodSync(at('file'), 0o755)],
};

describe('a change is noticed by', () => {
  test.each(Object.entries(cases))('%s', (_, [ask, change]) => {
    const { rest, holds } = recorded(ask);
    expect([rest, holds()]).toEqual([[], true]);
    change();
    expect(holds()).toBe(false);
  });
});

describe('the same answers', () => {
  test('agree, however often they are asked for', () => {
    const all = recorded((files) => Object.values(cases).map(([ask]) => ask(files)));
    expect(all.rest).toEqual([]);
    for (let n = 0; n < 3; n++) expect(all.holds()).toBe(true);
    writeFileSync(at('file'), 'TEXT');
    expect(all.holds()).toBe(false);
    writeFileSync(at('file'), 'text');
    expect(all.holds()).toBe(true);
  });

  test('agree of what is longer than was asked for', () => {
    const { holds } = recorded(({ read }) => read(at('long'), 10_000));
    writeFileSync(at('long'), Buffer.concat([Buffer.alloc(10_000, 'x'), Buffer.from('more')]));
    expect(holds()).toBe(true);
  });

  test('are asked one by one where no string of C can name the file', () => {
    const { rest, holds } = recorded(({ lstat }) => lstat(`${at('file')}\0`));
    expect([rest.length, holds()]).toEqual([1, true]);
  });
});

test('a table that is none is refused', () => {
  const { native } = loadNative();
  const table = new Uint8Array(64);
  for (const wrong of [
    () => native.readsAgree(table, 2),
    () => native.readsAgree(table, 2 ** 32 - 1),
    () => native.readsAgree(table.fill(255), 1),
    () => native.readsAgree(new Uint8Array(), 0),
  ]) {
    expect(wrong).toThrow(RangeError);
  }
});

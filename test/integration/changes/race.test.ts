/**
 * Another process changes the host at the moment when `apply` works on it (41). The moment is
 * made certain: a call of the addon is wrapped, and the other party acts just before it.
 */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Journal } from '../../../src/changes/apply/journal.js';
import { withFd } from '../../../src/changes/files/fdtree.js';
import {
  type ApplyReport,
  applyRun,
  type ChangesNative,
  finishRun,
  isRunId,
  openRun,
} from '../../../src/changes/index.js';
import { type Fixture, makeFixture, native, runScript } from './fixture.js';

let fixture: Fixture;
beforeEach(() => {
  fixture = makeFixture();
});
afterEach(() => {
  fixture.dispose();
});

const host = (name: string): string => join(fixture.workdir, name);
const EXCHANGE = 2;
const NOREPLACE = 1;

/** The addon, whose calls tell `before` what they are about to do. */
function watched(
  before: (call: 'rename' | 'open', name: string, flags: number) => void,
  moves = true,
): ChangesNative {
  return {
    ...native,
    hasNoWriter: (fd) => moves && native.hasNoWriter(fd),
    openat2(dirfd, path, flags, mode, resolve) {
      before('open', Buffer.from(path).toString(), flags);
      return native.openat2(dirfd, path, flags, mode, resolve);
    },
    renameat2(oldFd, oldPath, newFd, newPath, flags) {
      const name = flags === NOREPLACE ? oldPath : newPath;
      before('rename', Buffer.from(name).toString(), flags);
      native.renameat2(oldFd, oldPath, newFd, newPath, flags);
    },
  };
}

function apply(script: string, other: ChangesNative): ApplyReport {
  const run = runScript(fixture, script);
  finishRun(fixture.store, run, { succeeded: true }, 'keep');
  const kept = openRun(fixture.store);
  try {
    return applyRun({ ...fixture.store, native: other }, kept);
  } finally {
    kept.close();
  }
}

const refusals = (report: ApplyReport): string[] =>
  report.refused.map(({ change, reason }) => `${change.display} ${reason}`);
const leftovers = (): string[] =>
  readdirSync(fixture.workdir).filter((name) => name.startsWith('.wasbox'));

/** Puts another file in the place of `name`, once. */
function replaceOnce(name: string): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    writeFileSync(host('other'), 'the user was faster');
    renameSync(host('other'), host(name));
  };
}

test('a further name is not linked to what took the place of the first', () => {
  writeFileSync(join(fixture.base, 'secret'), 'secret');
  const script = 'echo run > a; ln a b; echo run > c; ln c d; echo run > e; ln e f';
  const replace = replaceOnce('a');
  const report = apply(
    script,
    watched((call, name) => {
      if (call !== 'open') return;
      // The comparison opens them as well, before the first is in place.
      if (name === 'b' && existsSync(host('a'))) replace();
      if (name !== 'd' || !existsSync(host('c'))) return;
      renameSync(host('c'), host('moved'));
      symlinkSync(join(fixture.base, 'secret'), host('c'));
    }),
  );
  expect(refusals(report)).toEqual([]);
  expect(readFileSync(host('a'), 'utf8')).toBe('the user was faster');
  for (const name of ['b', 'd']) {
    expect(lstatSync(host(name)).isFile(), name).toBe(true);
    expect(readFileSync(host(name), 'utf8'), name).toBe('run\n');
    expect(lstatSync(host(name)).nlink, name).toBe(1);
  }
  // Control: without interference it is linked.
  expect(lstatSync(host('f')).ino).toBe(lstatSync(host('e')).ino);
  expect(leftovers()).toEqual([]);
});

describe.each([
  ['renamed out of the layer', true],
  ['copied', false],
])('a file that is %s', (_how, moves) => {
  /** Returns whether the last rename takes it to its place. */
  const isSource = (name: string): boolean =>
    !isRunId(name) && moves !== name.startsWith('.wasbox');

  test('a file that is replaced between the check and the exchange is put back', () => {
    writeFileSync(host('f'), 'old');
    writeFileSync(host('g'), 'old');
    const replace = replaceOnce('f');
    const report = apply(
      'echo run > f; echo run > g',
      watched((call, name, flags) => {
        if (call === 'rename' && flags === EXCHANGE && name === 'f') replace();
      }, moves),
    );
    expect(refusals(report)).toEqual(['f host-changed']);
    expect(readFileSync(host('f'), 'utf8')).toBe('the user was faster');
    // Control: without interference, the same calls replace the file.
    expect(readFileSync(host('g'), 'utf8')).toBe('run\n');
    expect(leftovers()).toEqual([]);
  });

  test('a file that is replaced while it is being deleted is put back', () => {
    writeFileSync(host('f'), 'old');
    const replace = replaceOnce('f');
    const report = apply(
      'rm f',
      watched((call, name, flags) => {
        if (call === 'rename' && flags === NOREPLACE && name === 'f') replace();
      }, moves),
    );
    expect(refusals(report)).toEqual(['f host-changed']);
    expect(readFileSync(host('f'), 'utf8')).toBe('the user was faster');
    expect(leftovers()).toEqual([]);
  });

  test('a file that appears where one is to be added stays', () => {
    const replace = replaceOnce('f');
    const report = apply(
      'echo run > f',
      watched((call, name, flags) => {
        if (call === 'rename' && flags === NOREPLACE && isSource(name)) replace();
      }, moves),
    );
    expect(refusals(report)).toEqual(['f host-changed']);
    expect(readFileSync(host('f'), 'utf8')).toBe('the user was faster');
    expect(leftovers()).toEqual([]);
  });

  test('a directory that becomes a link on the way is not followed', () => {
    const outside = join(fixture.base, 'outside');
    mkdirSync(outside);
    mkdirSync(host('d'));
    writeFileSync(host('d/f'), 'old');
    let opened = 0;
    const report = apply(
      'echo run > d/f; echo run > d/new',
      watched((call, name, flags) => {
        // The first time `d` is opened on the host it is compared, the second time it is written to.
        const isHostOpen = call === 'open' && name === 'd' && (flags & 0x200000) !== 0;
        if (!isHostOpen || ++opened !== 2) return;
        renameSync(host('d'), host('moved'));
        symlinkSync(outside, host('d'));
      }, moves),
    );
    expect(opened).toBeGreaterThanOrEqual(2);
    expect(report.applied).toEqual([]);
    expect(new Set(report.refused.map(({ reason }) => reason))).toEqual(
      new Set(['symlink-in-path']),
    );
    expect(readdirSync(outside)).toEqual([]);
    expect(lstatSync(host('d')).isSymbolicLink()).toBe(true);
  });

  test('a directory that is swapped after it was opened gets what was meant for it', () => {
    const outside = join(fixture.base, 'outside');
    mkdirSync(outside);
    mkdirSync(host('d'));
    let done = false;
    apply(
      'echo run > d/new',
      watched((call, name) => {
        if (call !== 'rename' || done || !isSource(name)) return;
        done = true;
        renameSync(host('d'), host('moved'));
        symlinkSync(outside, host('d'));
      }, moves),
    );
    expect(done).toBe(true);
    expect(readdirSync(outside)).toEqual([]);
    expect(readdirSync(host('moved'))).toEqual(['new']);
  });
});

test('a file system without exchange is served by plain renames', () => {
  writeFileSync(host('edit'), 'old');
  writeFileSync(host('gone'), 'old');
  mkdirSync(host('kind'));
  const report = apply(
    'echo run > edit; rm gone; echo run > made; rmdir kind; echo run > kind',
    watched((call, _name, flags) => {
      if (call !== 'rename' || flags === 0) return;
      throw Object.assign(new Error('EINVAL'), { code: 'EINVAL' });
    }),
  );
  expect(report.refused).toEqual([]);
  expect(readdirSync(fixture.workdir)).toEqual(['edit', 'kind', 'made']);
  for (const name of ['edit', 'kind', 'made'])
    expect(readFileSync(host(name), 'utf8')).toBe('run\n');
});

test('without RENAME_NOREPLACE, a file that appears at the last moment is not replaced', () => {
  const replaced: string[] = [];
  const report = apply(
    'echo run > made; ln -s made link; echo run > taken; ln -s made linked',
    watched((call, name, flags) => {
      if (call !== 'rename') return;
      if (flags === 0)
        replaced.push(name); // whatever is there by now
      else {
        for (const one of ['taken', 'linked']) writeFileSync(host(one), 'host');
        throw Object.assign(new Error('EINVAL'), { code: 'EINVAL' });
      }
    }),
  );
  expect(replaced).toEqual([]);
  expect(refusals(report).sort()).toEqual(['linked host-changed', 'taken host-changed']);
  expect(readdirSync(fixture.workdir).sort()).toEqual(['link', 'linked', 'made', 'taken']);
  expect(readlinkSync(host('link'))).toBe('made');
  const texts = ['made', 'taken', 'linked'].map((name) => readFileSync(host(name), 'utf8'));
  expect(texts).toEqual(['run\n', 'host', 'host']);
});

test('a kill in the middle of a deletion puts the file back, and it can be deleted again', () => {
  writeFileSync(host('f'), 'old');
  const run = runScript(fixture, 'rm f');
  finishRun(fixture.store, run, { succeeded: true }, 'keep');
  let temp = '';
  // Such a kill leaves the journal's line, and the file under its temporary name.
  withFd(openSync(run.directory, 'r'), (directory) => {
    const journal = new Journal(directory);
    const { ino } = lstatSync(host('f'), { bigint: true });
    const empty = Buffer.alloc(0);
    const name = Buffer.from('f');
    temp = journal.newName();
    journal.begin({ op: 'take', directory: empty, temp, name, oldIno: ino });
    journal.close();
  });
  renameSync(host('f'), host(temp));
  const kept = openRun(fixture.store);
  expect(readdirSync(fixture.workdir)).toEqual(['f']);
  expect(readFileSync(host('f'), 'utf8')).toBe('old');
  expect(refusals(applyRun(fixture.store, kept))).toEqual([]);
  kept.close();
  expect(readdirSync(fixture.workdir)).toEqual([]);
});

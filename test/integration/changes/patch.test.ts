/**
 * Random trees, changed at random in an overlay: what `apply` brings is what `diff` showed before, and
 * what `git apply` makes of `diff --patch`.
 *
 *     WASBOX_TREES=20000 WASBOX_SEED=1 npx vitest run --config test/vitest.config.ts test/integration/changes/patch.test.ts
 *
 * A failure names its seed and path for fast-check, and the smallest case that was found.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, rmdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  applyRun,
  diffRun,
  type FileDiff,
  finishRun,
  formatPatch,
  formatStat,
  formatUnified,
  openRun,
} from '../../../src/changes/index.js';
import { firstSeed, randomRuns } from '../../support/seeds.js';
import { type Fixture, makeFixture, snapshot, startRun } from './fixture.js';
import { patched, readDiff, unquote } from './patch-reader.js';
import { Worker } from './worker.js';

const trees = Number(process.env.WASBOX_TREES ?? randomRuns(12, 1000));
/** Root and an ordinary user have other trees. */
const seed = firstSeed + (process.geteuid?.() === 0 ? 1_000_000 : 0);
const path = process.env.WASBOX_PATH;

let worker: Worker;
beforeAll(() => {
  worker = new Worker('-Urm', 'patch_worker.py');
});
afterAll(() => {
  worker.close();
});

const latin1 = (text: string): string => Buffer.from(text).toString('latin1');

/** Few, so that they meet. */
const names = [
  'a',
  'b',
  'dir',
  'sub',
  'run.sh',
  '.envrc',
  'with space',
  ' a ',
  'b/ b',
  'q"uote',
  'tab\there',
  'new\nline',
  'back\\slash',
  'colon: x',
  '-rf',
  'größe',
  'zero\u200bwidth',
  'shirt \u{1f455}\ufe0f',
].map(latin1);
const name = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('a', 'b', 'dir', 'sub') },
  { weight: 2, arbitrary: fc.constantFrom(...names, 'bad\xff', '\xc3(') },
);
const somePath = fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));

const line = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 40 }).map((n) => `line ${n}`) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '',
      ' ',
      '# note',
      '-- x',
      '++ y',
      '@@ -1 +1 @@',
      'diff --git a/a b/a',
      'rm -rf "$HOME" #\u202e\u2066',
      'zero\u200bwidth\ufe0f',
      'literal <U+200B> <FF>',
      'nel\u0085ls\u2028',
      '\ttab\x1b[2J',
      '\u3164 = 1;\u00a0',
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom('bad \xff byte', '\xe2\x80', 'cr\rin', '\x00nul') },
);
const text = fc
  .tuple(fc.array(line, { maxLength: 24 }), fc.constantFrom('\n', '\n', '\r\n'), fc.boolean())
  .map(([lines, end, whole]) => {
    const joined = lines.map((one) => (/[^\0-\xff]/.test(one) ? latin1(one) : one)).join(end);
    return whole && lines.length > 0 ? joined + end : joined;
  });
const content = fc.oneof(
  { weight: 6, arbitrary: text },
  { weight: 1, arbitrary: fc.constant('') },
  { weight: 1, arbitrary: text.map((lines) => `#!/bin/sh\n${lines}`) },
  {
    weight: 1,
    arbitrary: fc
      .uint8Array({ maxLength: 200 })
      .map((bytes) => `\x7fELF\0${Buffer.from(bytes).toString('latin1')}`),
  },
);
const fileMode = fc.constantFrom(0o644, 0o644, 0o755, 0o600, 0o700, 0o640, 0o444, 0o664, 0o4755);
const directoryMode = fc.constantFrom(0o755, 0o755, 0o700, 0o750, 0o775);
const thing = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.constant('file'), content, fileMode) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('directory'), fc.constant(''), directoryMode) },
  {
    weight: 2,
    arbitrary: fc.tuple(
      fc.constant('link'),
      fc.constantFrom('a', 'dir/b', 'nowhere', './c', '../../out', 'new\nline', 'bad\xff'),
      fc.constant(0o777),
    ),
  },
);
const entry = fc.tuple(somePath, thing).map(([place, what]) => [place, ...what]);
const index = fc.nat(50);
const step = fc.oneof(
  fc
    .tuple(fc.constant('make'), somePath, thing)
    .map(([verb, place, what]) => [verb, place, ...what]),
  fc.tuple(fc.constant('replace'), index, thing).map(([verb, n, what]) => [verb, n, ...what]),
  fc.tuple(fc.constant('remove'), index),
  fc.tuple(fc.constant('move'), index, somePath),
  fc.tuple(fc.constant('move'), index, somePath),
  fc.tuple(fc.constant('mode'), index, fileMode, directoryMode),
  fc.tuple(
    fc.constant('edit'),
    index,
    fc.constantFrom('insert', 'drop', 'replace', 'rotate', 'swap', 'cut'),
    index,
    line.map((one) => `${/[^\0-\xff]/.test(one) ? latin1(one) : one}\n`),
  ),
);

type Tree = Record<string, string>;
const parentsFirst = (a: string, b: string): number => a.length - b.length;

/** The parts of a line of {@link snapshot}. */
function parse(
  line: string | undefined,
): { type: string; mode: number; content: string } | undefined {
  const found = line === undefined ? null : /^(\d+) \d+:\d+(?: -> | )?(.*)$/s.exec(line);
  if (found === null) return undefined;
  const bits = Number.parseInt(found[1] ?? '', 8);
  const type = { 4: 'directory', 8: 'file', 10: 'link' }[bits >> 12] ?? '?';
  return { type, mode: bits & 0o7777, content: found[2] ?? '' };
}

const modeIn = (notes: readonly string[]): number | undefined =>
  notes
    .map((note) => /^mode (?:\d+ -> )?(\d+)$/.exec(note)?.[1])
    .filter((mode) => mode !== undefined)
    .map((mode) => Number.parseInt(mode, 8))[0];

/** All that differs between two trees was said, by lines, a hash, or a mode. */
function checkShown(before: Tree, after: Tree, shown: string): void {
  const { entries, notes } = readDiff(shown);
  const moves = [...notes].flatMap(([now, list]) => {
    const found = /^directory renamed from (.*)$/.exec(list[0] ?? '');
    const left = /^and (\d+) more in it, unchanged$/.exec(list[1] ?? '');
    return found === null
      ? []
      : [{ now, old: unquote(found[1] ?? ''), left: Number(left?.[1] ?? 0) }];
  });
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (before[key] === after[key]) continue;
    const place = key.slice(1);
    const [was, is] = [parse(before[key]), parse(after[key])];
    const said = notes.get(place === '' ? '.' : place) ?? [];
    const own = entries.filter(({ now, deleted }) => now === place && !deleted);
    const [entry] = own;
    expect(own.length, place).toBeLessThan(2);
    const folded = moves.find(({ now, old }) => {
      if (place === now || !place.startsWith(`${now}/`)) return false;
      const source = parse(before[`/${old}${place.slice(now.length)}`]);
      return source !== undefined && JSON.stringify(source) === JSON.stringify(is);
    });
    if (is === undefined) {
      const gone =
        said.includes('directory deleted') ||
        entries.some(({ old, now, deleted }) => old === place && (deleted || now !== place)) ||
        moves.some(({ old }) => place === old || place.startsWith(`${old}/`));
      expect(gone, `${place} goes`).toBe(true);
      continue;
    }
    if (entry === undefined && said.length === 0 && folded !== undefined) {
      folded.left--;
      continue;
    }
    if (is.type === 'directory') {
      const move = moves.find(({ now }) => now === place);
      const source = move === undefined ? was : parse(before[`/${move.old}`]);
      const made =
        move !== undefined || was?.type === 'directory' || said.includes('directory added');
      expect(made, `${place} comes`).toBe(true);
      expect(modeIn(said) ?? (source?.type === 'directory' ? source.mode : undefined), place).toBe(
        is.mode,
      );
      continue;
    }
    const source = entry === undefined || entry.added ? undefined : parse(before[`/${entry.old}`]);
    const content = entry?.binary
      ? said.some((note) =>
          note.endsWith(
            `sha256 ${createHash('sha256').update(is.content, 'latin1').digest('hex')}`,
          ),
        )
      : patched(
          entry === undefined ? (was?.content ?? '') : (source?.content ?? ''),
          entry?.hunks ?? [],
        );
    expect(content, `content of ${place}`).toBe(entry?.binary ? true : is.content);
    if (is.type !== 'file') continue;
    const gitMode = entry?.mode === undefined ? undefined : Number.parseInt(entry.mode, 8) & 0o777;
    const mode = modeIn(said) ?? gitMode ?? (source ?? was)?.mode;
    expect(mode, `mode of ${place}`).toBe(is.mode);
  }
  expect(moves.map(({ left }) => left)).toEqual(moves.map(() => 0));
}

/**
 * Returns whether git gives a patch up that makes a file below a link in a circle that the same patch removes:
 * it looks the file up before, and takes ELOOP for an error (check_to_create() of its apply.c). It then
 * applies nothing.
 */
function stopsGit(root: string, before: Tree, after: Tree): boolean {
  return Object.keys(before).some((key) => {
    if (parse(before[key])?.type !== 'link' || parse(after[key])?.type !== 'directory')
      return false;
    try {
      statSync(Buffer.concat([Buffer.from(root), Buffer.from(key, 'latin1')]));
      return false;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'ELOOP';
    }
  });
}

/** `git apply`, and around it what the `#` lines say of what git has no words for. */
function gitApply(root: string, before: Tree, patch: Buffer): void {
  const shown = patch.toString('latin1');
  const notes = readDiff(
    shown
      .split('\n')
      .filter((one) => one.startsWith('# '))
      .map((one) => `${Buffer.from(one, 'latin1')}\n`)
      .join(''),
  ).notes;
  const at = (place: string): Buffer =>
    Buffer.concat([Buffer.from(`${root}/`), Buffer.from(place, 'latin1')]);
  const having = (text: string): string[] =>
    [...notes].filter(([, list]) => list.includes(text)).map(([place]) => place);
  const deleted = having('directory deleted').sort(parentsFirst).reverse();
  const removeEmpty = (): void => {
    for (const place of deleted) {
      try {
        rmdirSync(at(place));
      } catch (error) {
        expect(['ENOTEMPTY', 'ENOENT', 'ENOTDIR', 'ELOOP']).toContain(
          (error as NodeJS.ErrnoException).code,
        );
      }
    }
  };
  removeEmpty();
  if (/^diff --git /m.test(shown)) {
    const env = { PATH: process.env.PATH, HOME: '/nonexistent', GIT_CONFIG_NOSYSTEM: '1' };
    const options = { cwd: root, env, input: patch, encoding: 'latin1' } as const;
    const { status, stderr } = spawnSync('git', ['apply', '--whitespace=nowarn', '-'], options);
    expect([status, stderr.replace(/^warning: .*\n/gm, '')]).toEqual([0, '']);
  }
  removeEmpty();
  // Git drops a directory along with the last file in it.
  const stayed = Object.entries(before)
    .filter(
      ([key, line]) =>
        key !== '' && parse(line)?.type === 'directory' && !deleted.includes(key.slice(1)),
    )
    .map(([key]) => key.slice(1));
  for (const place of [...stayed, ...having('directory added')].sort(parentsFirst)) {
    if (!existsSync(at(place))) mkdirSync(at(place));
  }
  for (const place of stayed) chmodSync(at(place), parse(before[`/${place}`])?.mode ?? 0);
  for (const [place, list] of notes) {
    const mode = modeIn(list);
    if (mode !== undefined) chmodSync(at(place === '.' ? '' : place), mode);
  }
}

function once(fixture: Fixture, tree: readonly unknown[], steps: readonly unknown[]): boolean {
  const twin = join(fixture.base, 'twin');
  mkdirSync(twin);
  for (const directory of [fixture.workdir, twin]) worker.call('build', directory, tree);
  const before = snapshot(fixture.workdir, false);
  expect(snapshot(twin, false)).toEqual(before);
  const run = startRun(fixture);
  worker.call('change', fixture.workdir, run.upper, run.work, steps);
  const finish = finishRun(fixture.store, run, { succeeded: true }, 'keep');
  if (finish.disposition === 'none') return false;
  const kept = openRun(fixture.store);
  const patch = Buffer.concat([...diffRun(fixture.store, kept, { patch: true })].map(formatPatch));
  const shown = [...diffRun(fixture.store, kept, { fold: true })]
    .map((one) => formatUnified(one))
    .join('');
  // Where only the number of lines is asked for, or only the names, the rest is the same.
  const detailed = (detail: 'lines' | 'counts' | 'names') => [
    ...diffRun(fixture.store, kept, { fold: true, detail }),
  ];
  expect(formatStat(detailed('counts'))).toBe(formatStat(detailed('lines')));
  const pathsOf = (files: readonly FileDiff[]): unknown =>
    files.map(({ change, from }) => [change.display, from?.display]);
  expect(pathsOf(detailed('names'))).toEqual(pathsOf(detailed('lines')));
  applyRun(fixture.store, kept, { delete: true });
  kept.close();
  const after = snapshot(fixture.workdir, false);
  checkShown(before, after, shown);
  if (stopsGit(twin, before, after)) return false;
  gitApply(twin, before, patch);
  expect(snapshot(twin, false)).toEqual(after);
  return true;
}

test(`${trees} random trees`, { timeout: 120_000 + trees * 2_000 }, () => {
  const umask = process.umask(0o022);
  let changed = 0;
  let done = 0;
  try {
    fc.assert(
      fc.property(
        fc.array(entry, { maxLength: 8 }),
        fc.array(step, { minLength: 1, maxLength: 8 }),
        (tree, steps) => {
          const fixture = makeFixture();
          try {
            done++;
            if (once(fixture, tree, steps)) changed++;
          } finally {
            fixture.dispose();
          }
        },
      ),
      { numRuns: trees, seed, ...(path === undefined ? {} : { path }), endOnFailure: false },
    );
  } finally {
    process.umask(umask);
  }
  // Most of them have something to compare.
  expect(changed).toBeGreaterThan(done / 2);
});

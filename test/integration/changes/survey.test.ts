/**
 * The survey of a tree: what the native search finds is what a walk that reads every name finds. The oracle is such a
 * walk here, over trees with the names that programs obey, and with those that only lenient file systems take for them.
 */
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  commented,
  scriptKind,
  scripts,
  uncommented,
} from '../../../src/changes/auto-executed/scripts.js';
import { canonicalName } from '../../../src/changes/files/canonical-name.js';
import { Layer } from '../../../src/changes/files/layer.js';
import { maxSurveyed, type Survey, surveyTree } from '../../../src/changes/merged-tree/survey.js';
import { SystemPlaces } from '../../../src/changes/merged-tree/system-path.js';
import { numbers } from '../../support/random.js';
import { sampleOf } from '../../support/regex-samples.js';
import { type Fixture, makeFixture, native, runScript } from './fixture.js';

let fixture: Fixture;
beforeEach(() => {
  fixture = makeFixture();
});
afterEach(() => fixture.dispose());

interface Seen {
  readonly links: string[];
  readonly gits: string[];
  readonly wanted: string[];
}

/** Reads every name of a directory and below. */
function walked(root: string): Seen {
  const seen = { links: [] as string[], gits: [] as string[], wanted: [] as string[] };
  const walk = (path: string[]): void => {
    const bytes = Buffer.from(join(root, ...path), 'latin1');
    const entries = fs.readdirSync(bytes, { encoding: 'latin1', withFileTypes: true });
    const names = new Set(entries.map(({ name }) => canonicalName(name)));
    if (names.has('objects') && names.has('refs')) seen.gits.push(path.join('/'));
    else if (names.has('head') && names.has('commondir')) seen.gits.push(path.join('/'));
    for (const entry of entries) {
      const child = [...path, entry.name];
      const text = child.join('/');
      if (canonicalName(entry.name) === '.git') seen.gits.push(text);
      if (entry.isSymbolicLink()) seen.links.push(text);
      else if (!entry.isDirectory() && scriptKind(child) !== undefined) seen.wanted.push(text);
      const isStore = path.at(-1) === 'objects' && /^(?:[0-9a-f]{2}|pack)$/.test(entry.name);
      if (entry.isDirectory() && !isStore) walk(child);
    }
  };
  walk([]);
  return seen;
}

const ofSurvey = ({ links, gits, wanted }: Survey): Seen => ({
  links: links.map(({ path }) => path.join('/')),
  gits: gits.map((path) => path.join('/')),
  wanted: wanted.map((path) => path.join('/')),
});

const sorted = ({ links, gits, wanted }: Seen): Seen => ({
  links: [...new Set(links)].sort(),
  gits: [...new Set(gits)].sort(),
  wanted: [...new Set(wanted)].sort(),
});

/** The survey of the fixture's directory, by a run that changed nothing there. */
function surveyed(state?: string, max = maxSurveyed): Survey {
  const run = runScript(fixture, 'true');
  const directory = fs.openSync(run.directory, 'r');
  const host = fs.openSync(fixture.workdir, 'r');
  const layer = new Layer(native, directory);
  try {
    return surveyTree(
      {
        ...{ native, layer, host, workdir: Buffer.from(fixture.workdir) },
        stateDirectory: () => state,
        ...{ system: new SystemPlaces(native), gitDirectories: new Map(), known: new Map() },
        lookupsLeft: 1000,
      },
      max,
      scripts,
    );
  } finally {
    layer.close();
    for (const fd of [directory, host]) fs.closeSync(fd);
    run.close();
  }
}

/** Makes a file where that can be; a name of the path may be a file already. */
function make(path: string, how: 'file' | 'link' = 'file'): void {
  const bytes = Buffer.from(join(fixture.workdir, path), 'latin1');
  try {
    fs.mkdirSync(Buffer.from(dirname(bytes.toString('latin1')), 'latin1'), { recursive: true });
    if (how === 'link') fs.symlinkSync('elsewhere', bytes);
    else fs.writeFileSync(bytes, '');
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (!['ENOTDIR', 'EISDIR', 'EEXIST', 'ENAMETOOLONG'].includes(code)) throw error;
  }
}

test('finds every path that a program obeys, as a walk over all names does', () => {
  const random = numbers(20_261_201);
  const words = ['a', 'b', '.c', 'src', 'objects', '.GIT', 'HEAD', 'refs'];
  const word = () => words[Math.floor(random() * words.length)] ?? 'a';
  const prefixes = Array.from({ length: 40 }, () => `${word()}/${word()}/`);
  let made = 0;
  for (let n = 0; n < 4000; n++) {
    const sample = sampleOf(n % 2 === 0 ? commented : uncommented, random);
    const names = sample.split('/').filter((name) => name !== '' && name !== '.' && name !== '..');
    // The names are in spellings that a lenient file system takes for the same.
    const spelled = names
      .map((name) => (random() < 0.2 ? `${name.toUpperCase()}.` : name))
      .join('/');
    if (scriptKind(spelled.split('/')) !== undefined) made++;
    make(
      `${n % 3 === 0 ? '' : prefixes[n % prefixes.length]}${spelled}`,
      n % 17 === 0 ? 'link' : 'file',
    );
  }
  // The samples are of what is looked for.
  expect(made).toBeGreaterThan(3000);
  const expected = sorted(walked(fixture.workdir));
  expect(expected.wanted.length).toBeGreaterThan(800);
  expect(expected.links.length).toBeGreaterThan(50);
  expect(sorted(ofSurvey(surveyed()))).toEqual(expected);
});

test('finds git directories under every name that a file system takes for .git', () => {
  const names = [
    '.git',
    '.GIT',
    'git~1',
    '.git.',
    '.git ',
    '.git:$INDEX',
    '.g\xe2\x80\x8cit',
    '.g\xffit',
  ];
  for (const [n, name] of names.entries()) make(`p${n}/${name}/config`);
  for (const part of ['HEAD', 'objects/ab/cd', 'objects/pack/x.pth', 'refs/x'])
    make(`bare/${part}`);
  for (const part of ['Head', 'commonDir']) make(`worktree/${part}`);
  const expected = sorted(walked(fixture.workdir));
  expect(expected.gits).toHaveLength(9);
  expect(sorted(ofSurvey(surveyed()))).toEqual(expected);
});

test('a survey with an index finds what was changed since, and nothing of the state directory', async () => {
  const state = fixture.store.directory;
  for (let n = 0; n < 300; n++) make(`d${n}/sub/.envrc`);
  make('d7/link', 'link');
  // A directory that was changed in the last two seconds is not kept.
  await new Promise((resolve) => setTimeout(resolve, 2100));
  const first = sorted(ofSurvey(surveyed(state)));
  expect(first).toEqual(sorted(walked(fixture.workdir)));
  const indexes = fs.readdirSync(join(state, 'searches'));
  expect(indexes.filter((name) => name.endsWith('-survey'))).toHaveLength(1);
  fs.rmSync(join(fixture.workdir, 'd3/sub/.envrc'));
  fs.renameSync(join(fixture.workdir, 'd4/sub/.envrc'), join(fixture.workdir, 'd4/sub/.npmrc'));
  make('d5/new/.bashrc');
  make('d6/other', 'link');
  const second = sorted(ofSurvey(surveyed(state)));
  expect(second).toEqual(sorted(walked(fixture.workdir)));
  expect(second).not.toEqual(first);
});

test('the survey asks for names that few files have', () => {
  for (const pattern of scripts.patterns) {
    const names = pattern.split('/');
    expect(names.every((name) => name.split('*').length <= 2)).toBe(true);
    expect(names.some((name) => name !== '*')).toBe(true);
  }
});

test('a survey says that there are more names than may be read', () => {
  for (let n = 0; n < 50; n++) make(`d/${n}`);
  expect(surveyed(undefined, 20).complete).toBe(false);
  expect(surveyed(undefined, 60).complete).toBe(true);
});

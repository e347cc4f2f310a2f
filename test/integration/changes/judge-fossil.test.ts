/** Asks Fossil which files of a checkout, a repository and the home it runs, or takes programs from. */
import { describe } from 'vitest';
import { needs } from '../../support/needs.js';
import { type Case, expectVerdict, titled } from './judge.js';

const tools = needs('fossil');

/** A repository of the user with a checkout, and another whose hook makes the marker. */
const setUp = `export USER=user
  fossil init p.fossil; mkdir co; (cd co; fossil open ../p.fossil; echo a > a; fossil add a; fossil commit -m a)`;
const evil = `fossil init evil.fossil
  fossil hook add --type before-commit --command 'touch %M' -R evil.fossil`;
const commit = 'cd co; date +%N >> a; fossil commit --no-prompt -m b';
/** Fossil starts an editor, and asks again and again where that writes nothing. */
const commitWithEditor = 'cd co; date +%N >> a; timeout 2 fossil commit';

const row = (name: string, made: string, more: Partial<Case> = {}): Case => ({
  what: name,
  setUp,
  name,
  made: `export USER=user\n${made}`,
  start: commit,
  verdict: 'held',
  ...more,
});

const hook = (repository: string) =>
  `fossil hook add --type before-commit --command 'touch %M' -R ${repository}`;

/** Changes the header, by which Fossil does not go: it says no more whose the database is. */
const unsaid = `python3 -c 'f = open("p.fossil", "r+b"); f.seek(68); f.write(bytes(4))'`;
/**
 * A journal of SQLite with all pages of another repository (sqlite.org/fileformat.html, "The Rollback Journal"), which SQLite
 * writes into the user's when that is opened next.
 */
const journal = `cp p.fossil evil.db; ${hook('evil.db')}; python3 -c '
import struct
db = open("evil.db", "rb").read(); size = struct.unpack(">H", db[16:18])[0]; pages = len(db) // size
out = (bytes.fromhex("d9d505f920a163d7") + struct.pack(">5I", pages, 7, pages, 512, size)).ljust(512, bytes(1))
for n in range(pages):
    page = db[n * size:(n + 1) * size]
    out += struct.pack(">I", n + 1) + page + struct.pack(">I", (7 + sum(page[size - 200:0:-200])) & 0xffffffff)
open("p.fossil-journal", "wb").write(out)'; rm evil.db`;

const run: readonly Case[] = [
  row('co/.fslckout', 'cd co; fossil close --force; fossil open --force --keep ../evil.fossil', {
    setUp: `${setUp}\n${evil}`,
    start: 'cd co; f=$(date +%N); date > $f; fossil add $f; fossil commit --no-prompt -m b',
  }),
  ...['_FOSSIL_', '.fslckout', '.fos'].map((name) =>
    row(
      `new/${name}`,
      `mkdir -p new; cd new; fossil open --force ../evil.fossil; [ -e ${name} ] || mv .fslckout ${name}`,
      {
        setUp: `${setUp}\n${evil}`,
        start: 'cd new && date +%N >> b && fossil add b && fossil commit --no-prompt -m b',
      },
    ),
  ),
  row('p.fossil', hook('p.fossil')),
  row('p.fossil', `${hook('p.fossil')}; ${unsaid}`, {
    what: 'a repository that no longer says whose it is',
  }),
  row('p.fossil', `mv p.fossil real; ln -s real p.fossil; ${hook('real')}; ${unsaid}`, {
    what: 'a link in the place of a repository',
  }),
  row('p.fossil-journal', journal),
  row('data.bin', hook('data.bin'), {
    what: 'a repository of any name',
    setUp: setUp.replaceAll('p.fossil', 'data.bin'),
  }),
  row('p.fossil', `fossil settings editor 'touch %M' -R p.fossil`, {
    what: 'a setting of a repository',
    start: commitWithEditor,
  }),
];

const settings = [
  ...['allow-symlinks', 'binary-glob', 'clean-glob', 'crlf-glob', 'crnl-glob', 'dotfiles'],
  ...['empty-dirs', 'encoding-glob', 'ignore-glob', 'keep-glob', 'manifest', 'mimetypes'],
];

const versioned = (name: string): Case =>
  row(
    `co/.fossil-settings/${name}`,
    `mkdir -p co/.fossil-settings; echo 'touch "%M"' > co/.fossil-settings/${name}`,
    { start: `cd co; fossil status; fossil add .; fossil extras; fossil diff; ${commit.slice(7)}` },
  );

const notRun: readonly Case[] = [
  ...settings.map(versioned),
  row('co/b', 'echo b > co/b'),
  row('co/data.sqlite', `cp '%W/x.sqlite' co/data.sqlite`, {
    setUp: `${setUp}\npython3 -c 'import sqlite3; c = sqlite3.connect("x.sqlite"); c.execute("create table t(a)")'`,
  }),
].map((one) => ({ ...one, verdict: 'plain' as const }));

const home: readonly Case[] = [
  row('.fossil', `rm -f .config/fossil.db; fossil settings --global editor 'touch %M'`, {
    setUp: `rm -f .fossil\n${setUp}`,
    start: commitWithEditor,
  }),
];

describe('Fossil runs, or takes programs from,', () => {
  tools.test.each(titled(run))('%s, and it is held', (_, one) => {
    expectVerdict(one);
  });
  tools.test.each(titled(home))('%s of the home, and it is held', (_, one) => {
    expectVerdict(one, true);
  });
});

describe('Fossil does not run', () => {
  tools.test.each(titled(notRun))('%s, and it is applied', (_, one) => {
    expectVerdict(one);
  });
});

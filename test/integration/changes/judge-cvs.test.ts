/** Asks CVS which files of a working directory, a repository and the home it runs or follows. */
import { describe } from 'vitest';
import { needs } from '../../support/needs.js';
import { type Case, expectVerdict, titled, touch } from './judge.js';

const tools = needs('cvs');

/** A repository and a directory that is checked out of it, both the user's. */
const setUp = `cvs -Q -d '%W/repo' init
  mkdir import other; echo a > import/a.txt; echo b > other/b.txt
  (cd import; cvs -Q -d '%W/repo' import -m x m v r)
  (cd other; cvs -Q -d '%W/repo' import -m x other v r)
  rm -r import other
  cvs -Q -d '%W/repo' checkout -d co m`;
/** CVS does not let root commit. */
const cvs = (words: string) => `cd co; unshare -U --map-user=1000 cvs -Q ${words}`;
const commit = `echo more >> co/a.txt; ${cvs('commit -m x')}`;
const program = `#!/bin/sh\n${touch}`;

const row = (name: string, content: string, start: string, more: Partial<Case> = {}): Case => ({
  what: name,
  host: { 'evil.sh': program },
  setUp,
  name,
  content,
  start,
  verdict: 'held',
  ...more,
});

/** A file of the repository that names a program. */
const admin = (name: string, content: string, start: string, more?: Partial<Case>): Case =>
  row(`repo/CVSROOT/${name}`, `${content}\n`, start, more);

const run: readonly Case[] = [
  row('co/CVS/Root', ':fork;CVS_SERVER=%W/evil.sh:%W/repo\n', cvs('update')),
  row('co/CVS/Root', ':ext;CVS_RSH=%W/evil.sh:host.invalid:%W/repo\n', cvs('update'), {
    what: 'co/CVS/Root with another method',
  }),
  admin('commitinfo', 'ALL touch %M %r %p %s', commit),
  admin('loginfo', 'ALL touch %M; cat', commit),
  admin('verifymsg', 'DEFAULT touch %M %l', commit),
  admin('taginfo', 'ALL touch %M %t %o %p %{s}', cvs('tag x')),
  admin('posttag', 'ALL touch %M %t %o %p %{s}', cvs('tag x')),
  admin('postwatch', 'ALL touch %M %p', cvs('watch on')),
  admin(
    'notify',
    'ALL touch %M %s',
    `${cvs('watch add')}; HOME=/other USER=other LOGNAME=other unshare -Ur cvs -Q edit a.txt`,
  ),
  admin('modules', 'm -t %W/evil.sh m', cvs('rtag x m')),
  admin('modules', 'm -o %W/evil.sh m', `cvs -Q -d '%W/repo' checkout -d new m`, {
    what: 'repo/CVSROOT/modules at a checkout',
  }),
  {
    ...row(
      'co/CVS/Repository',
      'other\n',
      `cd co; f=$(date +%N).txt; echo a > $f; cvs="unshare -U --map-user=1000 cvs -Q"
       $cvs add $f; $cvs commit -m x $f`,
    ),
    host: {},
    setUp: `${setUp}\nrm -f repo/CVSROOT/loginfo; echo '^other touch %M; cat' > repo/CVSROOT/loginfo`,
  },
];

const notRun: readonly Case[] = [
  row('co/CVS/Entries', '/a.txt/1.1.1.1/x//\nD\n', cvs('update')),
  row('co/CVS/Entries.Log', 'A /b.txt/1.1/x//\n', cvs('update')),
  row('co/CVS/Entries.Static', '', cvs('update')),
  row('co/CVS/Tag', 'Tx\n', cvs('update')),
  row('co/CVS/Template', touch, commit),
  row('co/.cvsignore', '*.o `%W/evil.sh`\n', cvs('update')),
  row('co/.cvswrappers', `*.txt -t '%W/evil.sh %s %s' -f '%W/evil.sh %s %s' -m COPY\n`, commit),
  admin('rcsinfo', 'ALL %W/evil.sh', commit),
  admin('history', '', commit),
  admin('val-tags', 'x y\n', cvs('update -r x')),
  admin('cvsignore', '*.o', cvs('update')),
  row('repo/m/x.txt,v', 'head 1.1;\n', cvs('update')),
  row('co/b.txt', touch, cvs('update')),
].map((one) => ({ ...one, verdict: 'plain' as const }));

const home: readonly Case[] = [
  row('.cvsrc', 'cvs -d:fork;CVS_SERVER=%W/evil.sh:%W/repo\n', `cd /; cvs -Q rlog m`),
];

/** Only CVS up to 1.11 runs these. */
const older: readonly Case[] = [
  row('co/CVS/Checkin.prog', '%W/evil.sh\n', commit, { runs: false }),
  row('co/CVS/Update.prog', '%W/evil.sh\n', cvs('update'), { runs: false }),
];

describe('CVS runs or follows', () => {
  tools.test.each(titled(run))('%s, and it is held', (_, one) => {
    expectVerdict(one);
  });
  tools.test.each(titled(older))('%s in an older version, and it is held', (_, one) => {
    expectVerdict(one);
  });
  tools.test.each(titled(home))('%s of the home, and it is held', (_, one) => {
    expectVerdict(one, true);
  });
});

describe('CVS does not run', () => {
  tools.test.each(titled(notRun))('%s, and it is applied', (_, one) => {
    expectVerdict(one);
  });
});

/**
 * Things that run by themselves and come in pieces: from several runs, or by a name that the host's own
 * links and configuration give them. The oracle is git, and what the host has afterwards.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { autoExecutedRules } from '../../../src/changes/auto-executed/catalogue.js';
import { configuredPaths } from '../../../src/changes/auto-executed/configured.js';
import { byDirenv } from '../../../src/changes/auto-executed/rules/shells.js';
import { Layer } from '../../../src/changes/files/layer.js';
import { finishRun } from '../../../src/changes/index.js';
import { SystemPlaces } from '../../../src/changes/merged-tree/system-path.js';
import { identities } from '../../support/identity.js';
import { makeProject } from '../../support/project.js';
import { reviewed } from '../../support/reviewed.js';
import { runProgram, runWasbox } from '../../support/wasbox.js';
import { makeFixture, native, runScript } from './fixture.js';

describe.each(identities())('pieces, as $label', (as) => {
  const project = (files: Record<string, string> = {}, more: Record<string, string> = {}) =>
    reviewed(as, files, more);

  const git: Record<string, string> = {
    config: `mkdir -p b; printf '[core]\\n\\tsshCommand = "touch \\\\"%s/fired\\\\"; false"\\n[remote "origin"]\\n\\turl = ssh://host.example/x\\n' "$PWD" > b/config`,
    HEAD: 'mkdir -p b; echo ref: refs/heads/main > b/HEAD',
    objects: 'mkdir -p b/objects',
    refs: 'mkdir -p b/refs',
  };
  const script = (...names: string[]): string => names.map((name) => git[name]).join('\n');

  test.each([
    [['config'], ['HEAD', 'objects', 'refs']],
    [['HEAD', 'objects', 'refs'], ['config']],
    [
      ['config', 'HEAD'],
      ['objects', 'refs'],
    ],
    [['config', 'objects'], ['refs'], ['HEAD']],
    [['refs', 'HEAD'], ['config'], ['objects']],
    [['config', 'objects', 'refs'], ['HEAD']],
    [['HEAD'], ['refs'], ['config', 'objects']],
  ])('a git directory that comes as %s does not run what it configures (45)', async (...runs) => {
    const { run, has, outside } = project({ f: '' });
    let said = '';
    for (const names of runs) said += await run(script(...(names as string[])));
    expect(said).toMatch(/b\/\S+: not applied automatically: git/);
    await outside('cd b; git fetch || true');
    expect(has('fired')).toBe(false);
    // Control: the same pieces, made by the user, do.
    const control = project({ f: '' });
    await control.outside(`${script(...Object.keys(git))}; cd b; git fetch || true`);
    expect(control.has('fired')).toBe(true);
  });

  test('the same if parts of it were named (45)', async () => {
    const { run, has, outside, wasbox } = project({ f: '' });
    await run(script(...Object.keys(git)), 'b/config');
    expect([has('b/config'), has('b/HEAD')]).toEqual([true, false]);
    const rest = await wasbox('apply');
    for (const name of ['HEAD', 'objects', 'refs']) {
      expect(rest.err).toContain(
        `b/${name}: not applied automatically: git would treat the directory`,
      );
    }
    await outside('cd b; git fetch || true');
    expect(has('fired')).toBe(false);
    // Control: all of it named, it does.
    await wasbox('apply', 'b/HEAD', 'b/objects', 'b/refs');
    await outside('cd b; git fetch || true');
    expect(has('fired')).toBe(true);
  });

  test('a git directory in another case, for a case-insensitive file system', async () => {
    const { run, has } = project();
    const said = await run('mkdir -p b/OBJECTS b/Refs c; echo x > b/Config; echo x > c/Config');
    expect(said).toContain('b/Config: not applied automatically: git');
    expect([has('b/Config'), has('c/Config')]).toEqual([false, true]);
  });

  test('hooks that wait for their git directory; a complete one is not affected', async () => {
    const { run, has, outside } = project({ 'b/hooks/post-commit.sample': '', 'c/hooks/x': '' });
    expect(
      await run(
        'for d in b c; do mkdir $d/objects $d/refs; echo ref: refs/heads/m > $d/HEAD; done',
      ),
    ).toMatch(/c\/HEAD: not applied automatically(?!.* b\/?\S*: not applied)/s);
    expect([has('b/HEAD'), has('c/HEAD')]).toEqual([true, false]);
    await outside('git init -q; git config user.email a@b; git config user.name n');
    const commit = 'git commit -q --allow-empty -m x; git checkout -q -b other; git tag t';
    expect(await run(commit)).not.toContain('not applied');
    expect((await outside('git log --format=%s other')).out).toBe('x\n');
  });

  test('the target of a host link with a held name, wherever it is (45)', async () => {
    const { run, read, has, outside, wasbox } = project({
      'conf/tasks.json': '{}',
      'scripts/x': 'old\n',
      'env.sh': 'old\n',
      'chain/two': 'old\n',
      'cfg/other': '',
      'fish/config.fish': 'old\n',
      'plain/tasks.json': '{}',
    });
    await outside(`mkdir -p .vscode .husky a/b/c; ln -s ../conf/tasks.json .vscode/tasks.json
      ln -s ../scripts/x .husky/x; ln -s ../../../env.sh a/b/c/.envrc; ln -s cfg .config; ln -s ../fish cfg/fish
      ln -s chain/one .bashrc; ln -s two chain/one; ln -s nowhere/yet .profile`);
    const said = await run(`echo run > conf/tasks.json; echo run > scripts/x; echo run > env.sh
      echo run > chain/two; echo run > fish/config.fish; mkdir -p cfg/git nowhere; echo run > cfg/git/config
      echo run > nowhere/yet; echo run > plain/tasks.json; ln -s ../plain/x scripts/fine`);
    const held = ['conf/tasks.json', 'scripts/x', 'env.sh', 'chain/two', 'fish/config.fish'];
    for (const name of [...held, 'cfg/git/config', 'nowhere/yet'])
      expect(said).toContain(`${name}: not applied automatically: a link that another`);
    expect(said).toContain('(.vscode/tasks.json)');
    for (const name of held) expect(read(name), name).not.toContain('run');
    expect([has('cfg/git/config'), has('nowhere/yet'), read('plain/tasks.json')]).toEqual([
      false,
      false,
      'run\n',
    ]);
    // Control: named, it comes, and is what the link leads to.
    await wasbox('apply', 'env.sh');
    expect(read('a/b/c/.envrc')).toBe('run\n');
  });

  test('links and configuration that come back to the directory by another path', async () => {
    const base = makeProject(as, {
      'proj/env.sh': 'old\n',
      'proj/conf/t.json': '{}',
      'proj/rc': 'old\n',
    });
    const [cwd, env] = [join(base, 'proj'), { XDG_STATE_HOME: makeProject(as, {}, 'state') }];
    const set = `ln -s proj ../alias; ln -s ${base}/alias/env.sh .envrc; mkdir .vscode
      ln -s ../../proj/conf/t.json .vscode/tasks.json; ln -s ${base}/alias/later/rc .bashrc
      git init -q; git config core.hooksPath ${base}/alias/tools; git config include.path ../../proj/rc`;
    expect((await runProgram(['sh', '-ec', set], { as, cwd })).status).toBe(0);
    const script = `echo run > env.sh; echo run > conf/t.json; mkdir later tools; echo run > later/rc
      echo run > tools/any; echo '# run' > rc; echo run > plain`;
    await runWasbox(['run', '-q', '--', 'sh', '-ec', script], { as, cwd, env });
    const { err } = await runWasbox(['apply'], { as, cwd, env });
    for (const name of ['conf/t.json', 'env.sh', 'later/rc', 'rc', 'tools/any'])
      expect(err).toContain(`${name}: not applied automatically:`);
    expect(fs.readFileSync(join(cwd, 'plain'), 'utf8')).toBe('run\n');
  });

  test('a link on the way that a later run changes, and a directory that becomes one', async () => {
    const { run, read, has, outside } = project({ 'one/env': 'old\n', 'd/': '' });
    await outside('ln -s one way; ln -s way/env .envrc; ln -s d/env .profile');
    await run('mkdir two; echo run > two/env');
    expect(read('two/env')).toBe('run\n');
    const said = await run('rm way; ln -s two way; rmdir d; ln -s two d');
    expect(said).toMatch(
      /d: not applied automatically: a link that another .* way: not applied automatically/s,
    );
    expect(read('.envrc')).toBe('old\n');
    expect(has('.profile')).toBe(false);
  });

  test('a link that gives existing files names that other programs run', async () => {
    const { run, has } = project();
    await run('mkdir -p stuff/fish; echo run > stuff/fish/config.fish');
    expect(await run('ln -s stuff .config; ln -s stuff other')).toContain(
      '.config: not applied automatically: this link gives existing files names',
    );
    expect([has('.config'), has('other')]).toEqual([false, true]);
  });

  test('git’s configuration, by links, of repositories below, and filled later (45)', async () => {
    const { run, has, outside } = project({ 't/': '', 'sub/f': '', 'inc/': '' });
    await outside(`git init -q; ln -s t tools; git config core.hooksPath tools/git
      git config include.path ../inc/more; ln -s real inc/more
      git init -q sub; git -C sub config core.hooksPath ../shared/hooks`);
    const said =
      await run(`mkdir -p t/git shared/hooks; echo run > t/git/helper; echo run > shared/hooks/lib
      echo run > inc/real; echo fine > t/fine`);
    for (const name of ['t/git/helper', 'shared/hooks/lib', 'inc/real'])
      expect(said).toContain(`${name}: not applied automatically: git’s configuration`);
    expect([has('t/fine'), has('t/git/helper')]).toEqual([true, false]);
  });

  test('words of a command that do not look like a path but name a file', async () => {
    const { run, read, outside } = project({ deploy: 'old\n', 'test/f': 'old\n', main: 'old\n' });
    await outside(`git init -q; git config alias.ship '!sh deploy'; git config alias.check '!npm test'
      git config core.sshCommand 'ssh -F sshconf'`);
    const said = await run('for f in deploy sshconf test/f main; do echo run > $f; done');
    expect(said).toMatch(
      / deploy: not applied automatically.* sshconf: not applied automatically/s,
    );
    expect([read('deploy'), read('test/f'), read('main')]).toEqual(['old\n', 'run\n', 'run\n']);
    // Control: git runs it.
    expect((await outside('echo touch fired > deploy; git ship; ls fired')).out).toBe('fired\n');
  });

  test('a link that a later run redirects outside (43)', async () => {
    const { run, has, cwd } = project({ 'p/q/': '', f: '' });
    // Harmless as long as p/b is a directory of the tree, deep enough, or a circle.
    const first =
      'mkdir -p p/b r; ln -s p/b/../../f up; ln -s ring2 r/ring; ln -s ring r/ring2; ln -s r/ring/../../../f way';
    expect(await run(first)).not.toContain('not applied');
    const said = await run(
      'rmdir p/b; ln -s ../r p/b; ln -s ../r p/fine; rm r/ring; ln -s .. r/ring',
    );
    expect(said).toContain(
      'p/b: not applied automatically: it makes the symbolic link up point outside',
    );
    expect(said).toContain(
      'r/ring: not applied automatically: it makes the symbolic link way point outside',
    );
    expect(has('p/fine')).toBe(true);
    expect(fs.realpathSync(join(cwd, 'up'))).toBe(join(cwd, 'f'));
    // The change comes in two steps: the circle goes, then there is a directory.
    expect(await run('rm r/ring')).not.toContain('r/ring: not applied');
    expect(await run('mkdir r/ring')).toContain(
      'r/ring: not applied automatically: it makes the symbolic link way point outside',
    );
  });

  test('a directory deep inside such a directory of home is recognised', async () => {
    const HOME = makeProject(as, { '.config/fish/functions/': '', 'work/functions/': '' }, 'home');
    const env = { XDG_STATE_HOME: makeProject(as, {}, 'state'), HOME };
    for (const [place, held] of [
      ['.config/fish/functions', true],
      ['work/functions', false],
    ] as const) {
      const cwd = join(HOME, place);
      await runWasbox(['run', '-q', '--', 'sh', '-ec', 'echo x > ls.fish'], { as, cwd, env });
      const { err } = await runWasbox(['apply'], { as, cwd, env });
      expect(err.includes(' ls.fish: not applied automatically'), place).toBe(held);
    }
  });

  test('files that start-up files in home link to', async () => {
    const files = { bashrc: 'old\n', 'fish/config.fish': 'old\n', plain: 'old\n' };
    const HOME = makeProject(as, { '.config/': '' }, 'home');
    const { run, cwd, read, outside } = project(files, { HOME });
    await outside(`ln -s ${cwd}/bashrc ${HOME}/.bashrc; ln -s ${cwd}/fish ${HOME}/.config/fish`);
    const said = await run('echo run > bashrc; echo run > fish/config.fish; echo run > plain');
    expect(said).toMatch(
      / bashrc: not applied automatically.* fish\/config.fish: not applied automatically/s,
    );
    expect([read('bashrc'), read('plain')]).toEqual(['old\n', 'run\n']);
  });
});

test('apply skips each held row of the catalogue, and marks each note', () => {
  const fixture = makeFixture();
  const samples = autoExecutedRules().flatMap(({ level, patterns, why }, row) =>
    patterns
      // A file there that is no link into a package is held: hidden.test.ts.
      .filter((pattern) => !pattern.startsWith('~/') && pattern !== 'node_modules/.bin/')
      .map((pattern, at) => {
        const path = pattern.replace('**', 'any').replaceAll('*', 'x').replace(/\/$/, '/file');
        const directory = `r${row}-${at}`;
        // Direnv reads these by default where they stand beside an .envrc.
        const beside = why === byDirenv ? [`${directory}/.envrc`] : [];
        return { level, path: `${directory}/${path}`, beside };
      }),
  );
  fs.writeFileSync(
    join(fixture.base, 'list'),
    samples.flatMap(({ path, beside }) => [...beside, path].map((one) => `${one}\n`)).join(''),
  );
  const run = runScript(
    fixture,
    `sed 's|/[^/]*$||' ${fixture.base}/list | xargs -d '\\n' mkdir -p
    while read -r path; do echo x > "$path"; done < ${fixture.base}/list`,
  );
  const report = finishRun(fixture.store, run, { succeeded: true, exitCode: 0 }, 'apply');
  const held = new Set(report.apply?.refused.map(({ change }) => change.display));
  const noted = report.apply?.applied.filter(({ flags }) => flags.includes('runs-later'));
  const notes = new Set(noted?.map(({ display }) => display));
  for (const { level, path } of samples) {
    expect([held.has(path), notes.has(path)], path).toEqual([level === 'held', level === 'note']);
    expect(fs.existsSync(join(fixture.workdir, path)), path).toBe(level !== 'held');
  }
  expect(held.size).toBeGreaterThan(300);
  fixture.dispose();
});

/** Asks why a path of a run's tree runs later, with rules by which names alone hold nothing. */
function withTree(
  script: string,
  use: (
    why: (path: string, max: number, mayHold?: (path: readonly string[]) => boolean) => unknown,
  ) => void,
): void {
  const fixture = makeFixture();
  const run = runScript(fixture, script);
  const directory = fs.openSync(run.directory, 'r');
  const host = fs.openSync(fixture.workdir, 'r');
  const layer = new Layer(native, directory);
  const tree = {
    native,
    layer,
    host,
    workdir: Buffer.from(fixture.workdir),
    stateDirectory: () => undefined,
    system: new SystemPlaces(native),
    gitDirectories: new Map(),
    known: new Map(),
    lookupsLeft: 100_000,
  };
  const state = { type: 'file', mode: 0o644 } as never;
  use((path, max, mayHold = () => false) => {
    const configured = configuredPaths(
      tree,
      { isHeld: () => false, mayHold, show: (names) => names.join('/') },
      max,
    );
    let said: string | undefined;
    for (let n = 0; n < 1500 && said === undefined; n++)
      said = configured.why(path.split('/'), state);
    return said;
  });
  layer.close();
  for (const fd of [directory, host]) fs.closeSync(fd);
  run.close();
  fixture.dispose();
}

test('in a tree that is too large to check, nothing is applied automatically', () => {
  withTree('mkdir -p a; for i in 1 2 3 4 5; do echo > a/$i; done', (why) => {
    expect(why('a/1', 5)).toBe(
      'the directory has more than 5 entries, too many to check which programs run it',
    );
    // Control: with room for all of it, nothing is.
    expect(why('a/1', 50)).toBeUndefined();
  });
});

test('nothing is applied where very many names lead to very many files, and the check ends soon', () => {
  withTree('mkdir a b; for i in $(seq 800); do ln -s ../a b/l$i; done', (why) => {
    const isLink = (path: readonly string[]): boolean => path[0] === 'b';
    expect(why('a/file', 5000, isLink)).toBe(
      'there are too many links here to check which programs run it',
    );
    // Control: a file to which none of them leads is an ordinary file.
    expect(why('c', 5000, isLink)).toBeUndefined();
  });
});

/**
 * Presets with the real tools: npm and pnpm with verdaccio, pip, cargo, go, apt-get and git with static mirrors, ccache
 * with a compiler. Each takes its hosts from the user's own configuration, and installs twice: the second time from
 * the cache. The oracle is the mirror's log. uv is in neither Debian nor npm: test/unit/preset tries its configuration.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listTree } from '../support/host.js';
import { environmentOf, identities, stateOf } from '../support/identity.js';
import { type Files, makeProject } from '../support/project.js';
import {
  addCrate,
  addGoModule,
  addRepository,
  addSourcePackage,
  addWheel,
  npmRegistry,
  staticMirror,
} from '../support/registries.js';
import { installTools } from '../support/tools.mjs';
import { runProgram, runWasbox, wasboxArgv } from '../support/wasbox.js';

type Asked = Awaited<ReturnType<typeof staticMirror>>;

const pnpm = join(installTools('tools/registry'), '.bin');

/** A tool that installs the package `tiny` and uses it. */
interface Tool {
  readonly preset: string;
  /** The files in home that tell the tool of the mirror. */
  readonly configuration: (npm: string, mirror: string) => Files;
  readonly files: Files;
  readonly install: readonly string[];
  /** The command that is run outside, afterwards. */
  readonly use: readonly string[];
  readonly prints: string;
  /** A text that the requests for the package itself have in their path. */
  readonly package: string;
  /** Files that must be gone for another installation. */
  readonly made: readonly string[];
}

const npmrc = (npm: string): Files => ({ '.npmrc': `registry=${npm}/\n` });
const manifest = '{"name": "p", "version": "1.0.0", "dependencies": {"tiny": "1"}}\n';

/** One that installs from the npm registry. */
const ofNode = (preset: string, lock: string): Tool => ({
  preset,
  configuration: npmrc,
  files: { 'package.json': manifest },
  install: [preset, 'install'],
  use: ['node', '-p', 'require("tiny")'],
  prints: 'tiny from npm\n',
  package: '.tgz',
  made: ['node_modules', lock],
});

const tools: readonly Tool[] = [
  ofNode('npm', 'package-lock.json'),
  ofNode('pnpm', 'pnpm-lock.yaml'),
  {
    preset: 'pip',
    // Pip caches, without TLS, only what comes from a host that it is told to trust.
    configuration: (_, mirror) => ({
      '.config/pip/pip.conf': `[global]\nindex-url = ${mirror}/simple\ntrusted-host = 127.0.0.1\n`,
    }),
    files: {},
    install: ['python3', '-m', 'pip', 'install', '-q', '--target', 'vendor', 'tiny'],
    use: ['python3', 'vendor/tiny.py'],
    prints: 'tiny from pip\n',
    package: '.whl',
    made: ['vendor'],
  },
  {
    preset: 'cargo',
    configuration: (_, mirror) => ({
      '.cargo/config.toml': `[source.crates-io]\nreplace-with = "m"\n[source.m]\nregistry = "sparse+${mirror}/index/"\n`,
    }),
    files: {
      'Cargo.toml':
        '[package]\nname = "app"\nversion = "0.1.0"\nedition = "2021"\n[dependencies]\ntiny = "1"\n',
      'src/main.rs': 'fn main() { println!("{}", tiny::text()) }\n',
    },
    install: ['cargo', 'build', '-q'],
    use: ['target/debug/app'],
    prints: 'tiny from cargo\n',
    package: '/download',
    made: ['target', 'Cargo.lock'],
  },
  {
    preset: 'go',
    configuration: (_, mirror) => ({
      '.config/go/env': `GOPROXY=${mirror}/go\nGOSUMDB=off\n`,
    }),
    files: {
      'go.mod': 'module example.org/app\n\ngo 1.20\n\nrequire example.org/tiny v1.0.0\n',
      'app.go': 'package app\n\nimport _ "example.org/tiny"\n',
    },
    install: ['sh', '-c', 'go mod tidy && go mod vendor'],
    use: ['tail', '-n1', 'vendor/example.org/tiny/tiny.go'],
    prints: 'const Text = "tiny from go"\n',
    package: '.zip',
    made: ['vendor', 'go.sum'],
  },
];

describe.each(identities())('tools with their presets as $label', (as) => {
  let npm: Asked;
  let mirror: Asked;
  let served: string;
  beforeAll(async () => {
    served = makeProject(as);
    npm = await npmRegistry(makeProject(as), {
      'tiny-part': 'module.exports = "from npm";\n',
      // A program, which pnpm writes a script for.
      tiny: '#!/usr/bin/env node\nmodule.exports = "tiny " + require("tiny-part");\n',
    });
    mirror = await staticMirror(served);
    addWheel(served);
    addGoModule(served);
    addCrate(served, mirror.url);
    addSourcePackage(served);
    addRepository(served);
  });
  afterAll(() => {
    npm?.close();
    mirror?.close();
  });

  const caches = () => join(stateOf(as), 'wasbox', 'caches');
  const environment = (home: string) => ({
    HOME: home,
    PATH: `${pnpm}:${environmentOf(as).PATH}`,
  });
  const asked = (part: string) =>
    [...npm.requests, ...mirror.requests].filter((path) => path.includes(part)).length;
  const forget = () => {
    npm.requests.length = 0;
    mirror.requests.length = 0;
  };

  test.each(tools)('$preset: the second installation fetches no package', async (tool) => {
    const home = makeProject(as, tool.configuration(npm.url, mirror.url), 'home');
    const env = environment(home);
    const install = async (cwd: string, options: readonly string[]) => {
      forget();
      const argv = ['run', '--apply', ...options, '--', ...tool.install];
      const ended = await runWasbox(argv, { as, cwd, env });
      expect(ended.status, ended.err + ended.out).toBe(0);
      const used = await runProgram(tool.use, { as, cwd, env });
      expect(used.out, used.err).toBe(tool.prints);
      for (const name of tool.made) fs.rmSync(join(cwd, name), { recursive: true, force: true });
      return asked(tool.package);
    };
    const cwd = makeProject(as, tool.files);
    const first = await install(cwd, ['--for', tool.preset]);
    expect(first).toBeGreaterThan(0);
    expect(await install(cwd, ['--for', tool.preset])).toBe(0);
    // The control: a cache is its project's, so another one fetches again.
    expect(await install(makeProject(as, tool.files), ['--for', tool.preset])).toBe(first);
    // Nothing of it came from the user's own caches, or went there.
    expect(listTree(home).filter(({ kind }) => kind === 'file')).toHaveLength(1);

    // A run of each other preset, and one without any, looks for the cache and writes wherever it can.
    const own = join(caches(), tool.preset);
    const before = JSON.stringify(listTree(own));
    expect(before).toContain('"file"');
    const attack = `cd; grep -rls tiny . ${stateOf(as)}; for d in $(find . -type d) ${own} ${own}/*/*; do echo evil > $d/evil; done 2>/dev/null`;
    for (const other of [...tools.map(({ preset }) => preset), 'make', 'none']) {
      if (other === tool.preset) continue;
      const options = other === 'none' ? [] : ['--for', other];
      const ended = await runWasbox(['run', '--discard', ...options, '-c', attack], {
        as,
        cwd,
        env,
      });
      expect(ended.out).toBe('');
      expect(JSON.stringify(listTree(own))).toBe(before);
    }
    // The control of that: the preset's own run finds it, and writes to it.
    const itself = await runWasbox(['run', '--discard', '--for', tool.preset, '-c', attack], {
      as,
      cwd,
      env,
    });
    expect(itself.out).not.toBe('');
    expect(JSON.stringify(listTree(own))).toContain('/evil"');
    // Go's modules are read-only directories.
    const cleared = await runWasbox(['preset', 'clear', tool.preset], { as, cwd, env });
    expect([cleared.status, fs.existsSync(own)]).toEqual([0, false]);
  });

  test('go: what go.env says of checksums holds', async () => {
    const [, , , , go] = tools;
    const checked = { '.config/go/env': `GOPROXY=${mirror.url}/go\n` };
    const env = environment(makeProject(as, checked, 'home'));
    const cwd = makeProject(as, go?.files ?? {});
    const argv = ['run', '--discard', '--for', 'go', '--', ...(go?.install ?? [])];
    // The control: without GOSUMDB=off in the user's configuration, go asks for the checksum.
    const ended = await runWasbox(argv, { as, cwd, env });
    expect(ended.status).not.toBe(0);
    expect(ended.err).toMatch(/verifying module|sumdb|sum\.golang/);
  });

  test('make: ccache keeps what was compiled', async () => {
    const env = environment(makeProject(as, {}, 'home'));
    const cwd = makeProject(as, {
      Makefile: 'a.o: a.c\n\tccache gcc -c a.c\n',
      'a.c': 'int a;\n',
    });
    const hits = async (...options: string[]) => {
      const argv = ['run', '--discard', ...options, '-c', 'make -s && ccache --print-stats'];
      const ended = await runWasbox(argv, { as, cwd, env });
      expect(ended.status, ended.err).toBe(0);
      return /^direct_cache_hit\t(\d+)/m.exec(ended.out)?.[1];
    };
    expect(await hits('--for', 'make')).toBe('0');
    expect(await hits('--for', 'make')).toBe('1');
    expect([await hits(), await hits()]).toEqual(['0', '0']); // the control
  });

  test('git: the user’s name, and a repository of a named host', async () => {
    const config = '[user]\n\tname = Ann\n\temail = ann@example.org\n';
    const env = environment(makeProject(as, { '.gitconfig': config }, 'home'));
    const cwd = makeProject(as);
    const script = `git clone -q ${mirror.url}/git/tiny.git && cd tiny && git log -1 --format=%s && echo x > x && git add x && git commit -qm two && git log -1 --format=%an`;
    const run = (...options: string[]) =>
      runWasbox(['run', '--discard', ...options, '-c', script], { as, cwd, env });
    const rule = ['--net', mirror.url.replace('http://', '')];
    const ended = await run('--for', 'git', ...rule);
    expect([ended.status, ended.out], ended.err).toEqual([0, 'one\nAnn\n']);
    const unreached = await run('--for', 'git');
    expect(unreached.status).not.toBe(0);
    const unnamed = await run(...rule);
    expect(unnamed.out).toBe('one\n');
  });

  test('apt-src: the mirrors of sources.list, with the lists of the machine', async () => {
    const etc = makeProject(as, {
      'sources.list': `deb-src [trusted=yes] ${mirror.url}/debian ./\n`,
      'apt.conf.d/': '',
      'preferences.d/': '',
      'trusted.gpg.d/': '',
    });
    const lists = makeProject(as, { 'partial/': '' });
    const env = environment(makeProject(as, {}, 'home'));
    const cwd = makeProject(as);
    // A machine whose apt knows the mirror: bubblewrap lays its directories over the real ones.
    const machine = ['bwrap', '--dev-bind', '/', '/', '--bind', etc, '/etc/apt'];
    const inMachine = (argv: readonly string[]) =>
      runProgram([...machine, '--bind', lists, '/var/lib/apt/lists', '--', ...argv], {
        as,
        cwd,
        env,
      });
    const update = ['apt-get', '-qq', '-o', 'APT::Sandbox::User=', '-o', 'Debug::NoLocking=1'];
    const updated = await inMachine([...update, 'update']);
    expect(updated.status, updated.err + updated.out).toBe(0);
    const source = ['--', 'apt-get', '-qq', 'source', 'tiny'];
    const ended = await inMachine(
      wasboxArgv(as, ['run', '--apply', '--for', 'apt-src', ...source]),
    );
    expect(ended.status, ended.err + ended.out).toBe(0);
    expect(fs.readFileSync(join(cwd, 'tiny-1.0/text'), 'utf8')).toBe('tiny from apt\n');
    // The control: without the preset, the mirror is not reached.
    fs.rmSync(cwd, { recursive: true });
    fs.mkdirSync(cwd);
    fs.chownSync(cwd, as.uid, as.gid);
    const without = await inMachine(wasboxArgv(as, ['run', '--discard', ...source]));
    expect(without.status).not.toBe(0);
  });
});

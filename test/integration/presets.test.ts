/**
 * Presets: only hosts of the user's configuration are reached, and nothing of a cache is seen or changed by a run that
 * is not of its preset and project. The oracles are a server and the cache's files on the host. preset-tools.test.ts
 * installs with the tools themselves.
 */
import * as fs from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listTree } from '../support/host.js';
import { type Identity, identities, stateOf } from '../support/identity.js';
import { makeProject, writeFiles } from '../support/project.js';
import { staticMirror } from '../support/registries.js';
import { runWasbox } from '../support/wasbox.js';

const cacheOf = (as: Identity, preset: string): string =>
  join(stateOf(as), 'wasbox', 'caches', preset);

const snapshot = (directory: string) =>
  fs.existsSync(directory) ? JSON.stringify(listTree(directory)) : 'none';

describe.each(identities())('presets as $label', (as) => {
  let registry: Awaited<ReturnType<typeof staticMirror>>;
  beforeAll(async () => {
    registry = await staticMirror(makeProject(as, { tiny: '{}' }));
  });
  afterAll(() => registry?.close());

  const project = () => makeProject(as, { 'package.json': '{"name": "p", "version": "1.0.0"}\n' });
  const run = (cwd: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
    runWasbox(['run', '--apply', ...args], { as, cwd, env });
  const npmEnv = () => ({ npm_config_registry: `${registry.url}/` });
  const port = () => new URL(registry.url).port;
  const pipEnv = () => ({ PIP_INDEX_URL: `${registry.url}/simple` });

  test('only the host of the configuration is reached', async () => {
    const other = createServer((_, response) => response.end('other'));
    await new Promise<void>((done) => other.listen(0, '127.0.0.1', done));
    const { port: wrong } = other.address() as { port: number };
    let reached = 0;
    other.on('connection', () => {
      reached += 1;
    });
    const dial = `import urllib.request as u
for port in (${port()}, ${wrong}):
    try: print(u.urlopen('http://127.0.0.1:%d/tiny' % port).status)
    except OSError as error: print('refused')`;
    const ended = await run(
      makeProject(as),
      ['--for', 'npm', '--lang', 'python', '-c', dial],
      npmEnv(),
    );
    expect(ended.out).toBe('200\nrefused\n');
    expect(reached).toBe(0);
    other.close();
  });

  test('a cache is its preset’s and its project’s: no other run sees or changes it', async () => {
    const cwd = project();
    const write = (name: string) => ['-c', `echo ${name} > ~/.npm/planted-${name}; ls ~/.npm`];
    const own = await run(cwd, ['--for', 'npm', ...write('own')], npmEnv());
    expect(own.out).toBe('planted-own\n');
    const before = snapshot(cacheOf(as, 'npm'));
    expect(before).toContain('planted-own'); // the control: what its own run writes is there

    const state = join(stateOf(as), 'wasbox');
    const attack = `mkdir -p ~/.npm; echo evil > ~/.npm/planted-evil; echo evil > ~/.cache/pip/planted
for p in ${state} ${state}/caches ${state}/caches/npm ~/.cache/pip/../../npm ~/.cache/pip/../../../caches/npm; do
  ls $p; echo evil > $p/evil; done 2>/dev/null; find / -name 'planted-own' 2>/dev/null`;
    const other = await run(cwd, ['--for', 'pip', '-c', attack], pipEnv());
    expect(other.out).not.toContain('planted-own');
    expect(snapshot(cacheOf(as, 'npm'))).toBe(before);
    expect(snapshot(cacheOf(as, 'pip'))).toContain('planted');
    const none = await run(cwd, ['-c', attack]);
    expect(none.out).not.toContain('planted-own');
    const shown = await run(cwd, ['--ro', stateOf(as), '-c', attack]);
    expect(shown.out).not.toContain('planted-own');
    const elsewhere = await run(project(), ['--for', 'npm', ...write('elsewhere')], npmEnv());
    expect(elsewhere.out).toBe('planted-elsewhere\n');
    const after = JSON.parse(snapshot(cacheOf(as, 'npm'))) as { path: string }[];
    const planted = after.map(({ path }) => path).filter((path) => path.includes('planted'));
    expect(planted.map((path) => path.split('/').at(-1)).sort()).toEqual([
      'planted-elsewhere',
      'planted-own',
    ]);
    expect(new Set(planted.map((path) => path.split('/')[0])).size).toBe(2);
    // One for all projects only where that was asked for.
    for (const name of ['first', 'second']) {
      await run(project(), ['--for', 'npm:shared', ...write(name)], npmEnv());
    }
    expect(fs.readdirSync(join(cacheOf(as, 'npm'), 'shared/0')).sort()).toEqual([
      'planted-first',
      'planted-second',
    ]);
  });

  test('a set-id file cannot be made in a cache', async () => {
    const script = 'cp /bin/true ~/.npm/t && chmod 4755 ~/.npm/t; echo $?';
    const ended = await run(project(), ['--for', 'npm', '-c', script], npmEnv());
    expect(ended.out).not.toBe('0\n');
    const modes = listTree(cacheOf(as, 'npm')).map(
      ({ path }) => fs.lstatSync(join(cacheOf(as, 'npm'), path)).mode & 0o6000,
    );
    expect(modes.every((mode) => mode === 0)).toBe(true);
  });

  test('a password of the registry stays outside', async () => {
    const cwd = project();
    const env = { npm_config_registry: `http://ann:s3cret@127.0.0.1:${port()}/` };
    const ended = await run(cwd, ['--for', 'npm', '-c', 'env; cat ~/.npmrc'], env);
    expect(ended.out).toContain(`npm_config_registry=http://127.0.0.1:${port()}/`);
    expect(ended.out).not.toContain('s3cret');
    expect(ended.err).toContain('does not get the password');
  });

  test('take no permission from what the project says of registries', async () => {
    const cwd = project();
    const evil = 'http://evil.example/';
    writeFiles(as, cwd, {
      '.npmrc': `registry=${evil}\n`,
      'pip.conf': `[global]\nindex-url=${evil}\n`,
    });
    const shown = await runWasbox(['run', '--for', 'npm,pip', '--dry-run', '--', 'true'], {
      as,
      cwd,
    });
    expect(shown.status, shown.err).toBe(0);
    expect(shown.out).not.toContain('evil.example');
  });

  test('auto goes by the command; list, show and clear', async () => {
    const cwd = project();
    const dry = async (...args: string[]) =>
      (await runWasbox(['run', '--dry-run', ...args], { as, cwd, env: npmEnv() })).out;
    expect(await dry('--for', 'auto', '--', 'npm', 'test')).toContain(`127.0.0.1:${port()}`);
    expect(await dry('--for', 'auto', '--', 'true')).toContain('loopback only');
    const listed = await runWasbox(['preset', 'list'], { as, cwd });
    expect(listed.out).toMatch(/^npm +npm npx +npm packages/m);
    const text = (await runWasbox(['preset', 'show', 'npm'], { as, cwd })).out;
    expect(text).toContain('caches = ["~/.npm"]');
    const none = await runWasbox(['preset', 'show', 'nmp'], { as, cwd });
    expect([none.status, none.err]).toEqual([2, expect.stringContaining('Did you mean npm?')]);
    await run(cwd, ['--for', 'npm', '-c', 'echo x > ~/.npm/x'], npmEnv());
    expect(fs.existsSync(cacheOf(as, 'npm'))).toBe(true);
    expect((await runWasbox(['preset', 'clear', 'npm'], { as, cwd })).out).toBe('cleared npm\n');
    expect(fs.existsSync(cacheOf(as, 'npm'))).toBe(false);
  });
});

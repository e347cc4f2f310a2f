/**
 * Presets against local registries: the second installation comes from the cache, and nothing of a cache is
 * seen or changed by a run that is not of its preset and project. The oracles are the servers' logs and the
 * cache's files on the host.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listTree } from '../support/host.js';
import { type Identity, identities, stateOf } from '../support/identity.js';
import { makeProject, writeFiles } from '../support/project.js';
import { runProgram, runWasbox } from '../support/wasbox.js';

/** A registry of npm and an index of Python packages, each with the package `tiny`. */
class Registry {
  readonly #server: Server;
  readonly requests: string[] = [];
  readonly #files = new Map<string, { readonly type: string; readonly body: Buffer | string }>();
  port = 0;

  constructor() {
    this.#server = createServer((request, response) => {
      const path = request.url?.split('?')[0] ?? '';
      this.requests.push(path);
      const file = this.#files.get(path);
      response.writeHead(file === undefined ? 404 : 200, {
        'content-type': file?.type ?? 'text/plain',
        'cache-control': 'max-age=3600',
        etag: '"1"',
      });
      response.end(file?.body ?? 'not found');
    });
  }

  async listen(directory: string): Promise<void> {
    await new Promise<void>((done) => this.#server.listen(0, '127.0.0.1', done));
    this.port = (this.#server.address() as { port: number }).port;
    this.#addNpm(directory);
    this.#addPython(directory);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  count(part: string): number {
    return this.requests.filter((path) => path.includes(part)).length;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #addNpm(directory: string): void {
    const manifest = { name: 'tiny', version: '1.0.0', main: 'index.js' };
    fs.mkdirSync(join(directory, 'package'));
    fs.writeFileSync(join(directory, 'package/package.json'), JSON.stringify(manifest));
    fs.writeFileSync(join(directory, 'package/index.js'), 'module.exports = "tiny from npm";\n');
    execFileSync('tar', ['-czf', 'tiny.tgz', 'package'], { cwd: directory });
    const body = fs.readFileSync(join(directory, 'tiny.tgz'));
    const integrity = `sha512-${createHash('sha512').update(body).digest('base64')}`;
    const tarball = `${this.url}/tiny/-/tiny-1.0.0.tgz`;
    const versions = { '1.0.0': { ...manifest, dist: { tarball, integrity } } };
    const packument = { name: 'tiny', 'dist-tags': { latest: '1.0.0' }, versions };
    this.#files.set('/tiny', { type: 'application/json', body: JSON.stringify(packument) });
    this.#files.set('/tiny/-/tiny-1.0.0.tgz', { type: 'application/octet-stream', body });
  }

  #addPython(directory: string): void {
    const wheel = 'tiny-1.0-py3-none-any.whl';
    const script = `
import sys, zipfile
info = 'tiny-1.0.dist-info/'
with zipfile.ZipFile(sys.argv[1], 'w') as z:
    z.writestr('tiny.py', 'print("tiny from pip")\\n')
    z.writestr(info + 'METADATA', 'Metadata-Version: 2.1\\nName: tiny\\nVersion: 1.0\\n')
    z.writestr(info + 'WHEEL', 'Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    z.writestr(info + 'RECORD', 'tiny.py,,\\n')`;
    execFileSync('python3', ['-c', script, join(directory, wheel)]);
    const body = fs.readFileSync(join(directory, wheel));
    this.#files.set('/simple/tiny/', {
      type: 'text/html',
      body: `<!DOCTYPE html><html><body><a href="/files/${wheel}">${wheel}</a></body></html>`,
    });
    this.#files.set(`/files/${wheel}`, { type: 'application/octet-stream', body });
  }
}

const cacheOf = (as: Identity, preset: string): string =>
  join(stateOf(as), 'wasbox', 'caches', preset);

const snapshot = (directory: string) =>
  fs.existsSync(directory) ? JSON.stringify(listTree(directory)) : 'none';

describe.each(identities())('presets as $label', (as) => {
  const registry = new Registry();
  beforeAll(async () => registry.listen(makeProject(as)));
  afterAll(() => registry.close());

  const project = () => makeProject(as, { 'package.json': '{"name": "p", "version": "1.0.0"}\n' });
  const run = (cwd: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
    runWasbox(['run', '--apply', ...args], { as, cwd, env });
  const npmEnv = () => ({ npm_config_registry: `${registry.url}/` });
  const pipEnv = () => ({ PIP_INDEX_URL: `${registry.url}/simple` });

  test('npm: the second installation fetches no package', async () => {
    const cwd = project();
    const install = async () => {
      for (const name of ['node_modules', 'package-lock.json']) {
        fs.rmSync(join(cwd, name), { recursive: true, force: true });
      }
      registry.requests.length = 0;
      const ended = await run(cwd, ['--for', 'npm', '--', 'npm', 'install', 'tiny'], npmEnv());
      expect(ended.status, ended.err + ended.out).toBe(0);
      const used = await runProgram(['node', '-p', 'require("tiny")'], { as, cwd });
      expect(used.out).toBe('tiny from npm\n');
      return registry.count('.tgz');
    };
    expect(await install()).toBe(1);
    expect(await install()).toBe(0);
    // The control: without the cache it is fetched each time.
    const plain = ['--net', `127.0.0.1:${registry.port}`, '--env', 'npm_config_registry'];
    for (let i = 0; i < 2; i++) {
      const other = project();
      registry.requests.length = 0;
      const ended = await run(other, [...plain, '--', 'npm', 'install', 'tiny'], npmEnv());
      expect(ended.status, ended.err).toBe(0);
      expect(registry.count('.tgz')).toBe(1);
    }
  });

  test('pip: the second installation fetches no wheel', async () => {
    const cwd = makeProject(as);
    const install = async (target: string) => {
      registry.requests.length = 0;
      const pip = ['python3', '-m', 'pip', 'install', '-q', '--target', target, 'tiny'];
      // Without TLS, pip caches only what comes from a host that it is told to trust.
      const trust = ['--env', 'PIP_TRUSTED_HOST=127.0.0.1'];
      const ended = await run(cwd, ['--for', 'pip', ...trust, '--', ...pip], pipEnv());
      expect(ended.status, ended.err + ended.out).toBe(0);
      const used = await runProgram(['python3', `${target}/tiny.py`], { as, cwd });
      expect(used.out).toBe('tiny from pip\n');
      return registry.count('.whl');
    };
    expect(await install('one')).toBe(1);
    expect(await install('two')).toBe(0);
  });

  test('only the host of the configuration is reached', async () => {
    const other = createServer((_, response) => response.end('other'));
    await new Promise<void>((done) => other.listen(0, '127.0.0.1', done));
    const { port } = other.address() as { port: number };
    let reached = 0;
    other.on('connection', () => {
      reached += 1;
    });
    const dial = `import urllib.request as u
for port in (${registry.port}, ${port}):
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
    const env = { npm_config_registry: `http://ann:s3cret@127.0.0.1:${registry.port}/` };
    const ended = await run(cwd, ['--for', 'npm', '-c', 'env; cat ~/.npmrc'], env);
    expect(ended.out).toContain(`npm_config_registry=http://127.0.0.1:${registry.port}/`);
    expect(ended.out).not.toContain('s3cret');
    expect(ended.err).toContain('does not get the password');
  });

  test('what the project says of registries allows nothing', async () => {
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
    expect(await dry('--for', 'auto', '--', 'npm', 'test')).toContain(`127.0.0.1:${registry.port}`);
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

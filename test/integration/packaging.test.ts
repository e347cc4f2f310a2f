/**
 * The package as npm gives it to people: packed, installed into an empty prefix with install
 * scripts off, run, imported from ESM with its types checked, and from CommonJS.
 */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Identity, identities } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { runProgram } from '../support/wasbox.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

const esm = `import { run, spawn, WasboxError } from 'wasbox';

const result = await run('echo', ['from the library'], { changes: 'discard' });
const exitCode: number | undefined = result.exitCode;
console.log(exitCode, String(result.stdout).trim());
try {
  await run('/nonexistent/program.py');
} catch (error) {
  console.log(error instanceof WasboxError ? error.code : 'another error');
}
console.log(typeof spawn);
`;
const commonJs = `(async () => {
  const { run } = await import('wasbox');
  const result = await run('echo', ['from CommonJS'], { changes: 'discard' });
  console.log(result.exitCode, String(result.stdout).trim());
})();
`;

describe.each(identities())('the packed tarball, as $label', (as) => {
  let prefix: string;
  let tarball: string;

  const npm = (args: string[], cwd: string, who: Identity = as) =>
    runProgram(['npm', ...args], {
      as: who,
      cwd,
      env: { npm_config_offline: 'true', npm_config_update_notifier: 'false' },
    });

  beforeAll(() => {
    const directory = makeProject(as, {}, 'pack');
    const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', directory];
    const packed = JSON.parse(execFileSync('npm', args, { cwd: root, encoding: 'utf8' })) as [
      { filename: string; files: { path: string }[] },
    ];
    tarball = join(directory, packed[0].filename);
    fs.chmodSync(tarball, 0o644);
    prefix = makeProject(as, { 'package.json': '{"private":true,"type":"module"}' }, 'prefix');
  });

  test('installs without scripts and without other packages', async () => {
    const run = await npm(['install', '--ignore-scripts', '--no-audit', tarball], prefix);
    expect(run.err).toBe('');
    expect(run.status).toBe(0);
    const installed = fs
      .readdirSync(join(prefix, 'node_modules'))
      .filter((name) => !name.startsWith('.'));
    expect(installed).toEqual(['wasbox']);
    const names = fs.readdirSync(join(prefix, 'node_modules/wasbox'));
    expect(names).toEqual(expect.arrayContaining(['dist', 'package.json', 'LICENSE', 'README.md']));
    expect(names).not.toContain('test');
  });

  test('says whose code it contains, and under which terms', () => {
    const dist = join(prefix, 'node_modules/wasbox/dist');
    const notices = fs.readFileSync(join(dist, 'THIRD-PARTY.txt'), 'utf8');
    // The packages that the sources import are bundled; esbuild writes above each part where it comes from, unless
    // it minifies.
    const sources = fs.readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' });
    const imported = sources
      .filter((file) => file.endsWith('.ts'))
      .flatMap((file) => [
        ...fs
          .readFileSync(join(root, 'src', file), 'utf8')
          .matchAll(/^(?:import|\}|export) [^;]*?from '([^.:']+)';|import\('([^.:']+)'\)/gm),
      ])
      .map(([, one, other]) => one ?? other ?? '')
      .map((name) => name.split('/', name.startsWith('@') ? 2 : 1).join('/'));
    const bundles = ['index.js', 'policy.js'].map((name) =>
      fs.readFileSync(join(dist, name), 'utf8'),
    );
    const parts = bundles.join('').matchAll(/^\/\/ node_modules\/((?:@[^/\n]+\/)?[^/\n]+)\//gm);
    const names = new Set([...imported, ...[...parts].map(([, name = '']) => name)]);
    expect([...names]).toEqual(
      expect.arrayContaining(['@bjorn3/browser_wasi_shim', 'diff', 'smol-toml']),
    );
    // A package that the user installs beside wasbox is no part of it.
    const manifest = JSON.parse(fs.readFileSync(join(root, 'package.json'), 'utf8'));
    const bundled = [...names].filter((name) => !(name in manifest.peerDependencies));
    for (const name of [...bundled, 'node-addon-api']) {
      const directory = join(root, 'node_modules', name);
      const license = fs.readdirSync(directory).filter((file) => file.startsWith('LICENSE'));
      expect(license).not.toEqual([]);
      for (const file of license) {
        expect(notices).toContain(fs.readFileSync(join(directory, file), 'utf8').trim());
      }
      expect(notices).toMatch(new RegExp(`^${name} \\d+\\.`, 'm'));
    }
    expect(notices).toMatch(/^musl \d/m);
  });

  test('brings the manual, where all users of a prefix look for it', async () => {
    const global = makeProject(as, {}, 'global');
    const args = ['install', '--ignore-scripts', '--no-audit', '--global', '--prefix', global];
    const run = await npm([...args, tarball], prefix);
    expect([run.err, run.status]).toEqual(['', 0]);
    const page = fs.readFileSync(join(global, 'share/man/man1/wasbox.1'), 'utf8');
    expect(page).toContain('.TH');
  });

  test('runs a script through its bin', async () => {
    fs.writeFileSync(join(prefix, 'hello.py'), 'print("packed")\n');
    const wasbox = join(prefix, 'node_modules/.bin/wasbox');
    const run = await runProgram([wasbox, 'run', '-q', '--discard', 'hello.py'], {
      as,
      cwd: prefix,
    });
    expect([run.out, run.err, run.status]).toEqual(['packed\n', '', 0]);
    const version = await runProgram([wasbox, '--version'], { as, cwd: prefix });
    const meta = JSON.parse(fs.readFileSync(join(root, 'package.json'), 'utf8')) as {
      version: string;
    };
    expect(version.out).toContain(meta.version);
    const npx = await runProgram(['npx', '--no-install', 'wasbox', '--version'], {
      as,
      cwd: prefix,
    });
    expect(npx.out).toBe(version.out);
  });

  /** Returns what it is started as, the native command or Node, by the calls that it makes. */
  const programsOf = async (argv: readonly string[], cwd = prefix): Promise<string[]> => {
    const log = join(makeProject(as, {}, 'trace'), 'log');
    const trace = ['strace', '-f', '-qq', '-e', 'trace=execve', '-o', log, ...argv];
    await runProgram(trace, { as, cwd });
    const text = fs.readFileSync(log, 'utf8');
    return [...text.matchAll(/execve\("([^"]*)".* = 0$/gm)].map(([, path = '']) => path);
  };

  test('is native from the first call on, through every link, and says the same as through Node', async () => {
    const wasbox = join(prefix, 'node_modules/.bin/wasbox');
    const installed = join(prefix, 'node_modules/wasbox/dist/bin/wasbox.bin');
    const before = fs.readFileSync(installed);
    const elsewhere = join(makeProject(as, {}, 'links'), 'my-wasbox');
    fs.symlinkSync(wasbox, elsewhere);
    for (const start of [wasbox, installed, elsewhere]) {
      const programs = await programsOf([start, '--version']);
      expect(programs[1], start).toMatch(/native\/linux-\w+\/wasbox$|\/readlink$/);
      expect(
        programs.some((path) => /native\/linux-\w+\/wasbox$/.test(path)),
        start,
      ).toBe(true);
    }
    for (const args of [
      ['run', '-q', '--discard', 'hello.py'],
      ['run', '-q', '--discard', '--', 'sh', '-c', 'exit 7'],
      ['run', '-q', '--discard', '-c', 'printf "%s|" "$@"', 'a b', '$HOME', '*', ''],
      ['--version'],
      ['run', '--no-such-option'],
      ['policy', 'groups'],
    ]) {
      const viaNode = join(prefix, 'node_modules/wasbox/dist/cli.js');
      const plain = await runProgram([process.execPath, viaNode, ...args], { as, cwd: prefix });
      const asScript = await runProgram([process.execPath, installed, ...args], {
        as,
        cwd: prefix,
      });
      const run = await runProgram([wasbox, ...args], { as, cwd: prefix });
      expect([run.out, run.err, run.status]).toEqual([plain.out, plain.err, plain.status]);
      expect([asScript.out, asScript.status]).toEqual([plain.out, plain.status]);
    }
    expect(fs.readFileSync(installed)).toEqual(before);
  });

  test('says with --version --verbose which parts of it answer', async () => {
    const installed = fs.realpathSync(join(prefix, 'node_modules/wasbox'));
    const native = join(installed, `dist/native/linux-${process.arch}`);
    const cli = join(installed, 'dist/cli.js');
    const wasbox = join(prefix, 'node_modules/.bin/wasbox');
    const report = async (argv: string[]) => {
      const { out, err, status } = await runProgram(argv, { as, cwd: prefix });
      expect([err, status]).toEqual(['', 0]);
      const [version, ...rows] = out.trimEnd().split('\n');
      expect(version).toMatch(/^wasbox \d+\./);
      return Object.fromEntries(rows.map((row) => row.split(/: +/, 2)));
    };
    const common = { build: `linux-${process.arch}`, 'installed in': installed };
    const inEngine = {
      ...common,
      command: join(native, 'wasbox'),
      addon: 'in the engine',
      engine: expect.stringMatching(/^QuickJS .*wasbox-engine$/),
    };
    expect(await report([wasbox, '--version', '--verbose'])).toEqual(inEngine);
    expect(await report([wasbox, '-V', '-v'])).toEqual(inEngine);
    const shown = {
      ...common,
      command: 'Node',
      addon: join(native, 'wasbox.node'),
      Node: expect.stringMatching(new RegExp(`^${process.version}, V8 `)),
    };
    expect(await report([process.execPath, cli, '-V', '-v'])).toEqual(shown);

    fs.renameSync(native, `${native}.away`);
    const without = await report([wasbox, '-V', '-v']);
    fs.renameSync(`${native}.away`, native);
    expect(without).toEqual({ ...shown, addon: 'none' });
  });

  test('is native where the installation is read-only, and changes nothing in it', async () => {
    const dist = join(prefix, 'node_modules/wasbox/dist');
    const names = () => fs.readdirSync(dist).sort();
    const before = names();
    fs.chmodSync(dist, 0o555);
    const programs = await programsOf([
      join(dist, 'bin/wasbox.bin'),
      'run',
      '-q',
      '--discard',
      'hello.py',
    ]);
    fs.chmodSync(dist, 0o755);
    expect(programs.some((path) => /native\/linux-\w+\/wasbox$/.test(path))).toBe(true);
    expect(names()).toEqual(before);
  });

  test('goes through Node where there is no native command for the processor', async () => {
    const native = join(prefix, 'node_modules/wasbox/dist/native');
    const command = join(native, `linux-${process.arch}`, 'wasbox');
    fs.renameSync(command, `${command}.away`);
    const wasbox = join(prefix, 'node_modules/.bin/wasbox');
    const run = await runProgram([wasbox, 'run', '-q', '--discard', 'hello.py'], {
      as,
      cwd: prefix,
    });
    fs.renameSync(`${command}.away`, command);
    expect([run.out, run.err, run.status]).toEqual(['packed\n', '', 0]);
  });

  test('is imported from an ESM project whose types are checked', async () => {
    fs.writeFileSync(join(prefix, 'main.mts'), esm);
    const options = { module: 'nodenext', target: 'es2023', strict: true, skipLibCheck: false };
    const types = { types: ['node'], typeRoots: [join(root, 'node_modules/@types')] };
    fs.writeFileSync(
      join(prefix, 'tsconfig.json'),
      JSON.stringify({ compilerOptions: { ...options, ...types }, files: ['main.mts'] }),
    );
    const tsc = join(root, 'node_modules/.bin/tsc');
    // The user who runs the tests checks the types: the ordinary user may not be able to read the compiler.
    execFileSync(tsc, ['-p', prefix], { cwd: prefix, encoding: 'utf8' });
    const run = await runProgram(['node', 'main.mjs'], { as, cwd: prefix });
    expect(run.err).toBe('');
    expect(run.out).toBe('0 from the library\nERR_SCRIPT_NOT_FOUND\nfunction\n');

    // A project without the DOM's declarations, and for the policy core without Node's, compiles too.
    fs.writeFileSync(
      join(prefix, 'policy.mts'),
      "import { compilePolicy, init } from 'wasbox/policy';\nawait init(new Uint8Array(8));\ncompilePolicy;\n",
    );
    for (const [file, node] of [
      ['main.mts', ['--types', 'node', '--typeRoots', types.typeRoots[0] ?? '']],
      ['policy.mts', ['--types', '']],
    ] as const) {
      const plain = ['--lib', 'es2023', '--strict', '--module', 'nodenext', '--target', 'es2023'];
      execFileSync(tsc, ['--ignoreConfig', '--noEmit', ...plain, ...node, file], { cwd: prefix });
    }

    // Control: a wrong use of the types is an error.
    fs.writeFileSync(join(prefix, 'main.mts'), `${esm}\nawait run(42);\n`);
    expect(() => execFileSync(tsc, ['-p', prefix], { cwd: prefix, stdio: 'pipe' })).toThrow();
  });

  test('is imported from CommonJS through import()', async () => {
    fs.writeFileSync(join(prefix, 'main.cjs'), commonJs);
    const run = await runProgram(['node', 'main.cjs'], { as, cwd: prefix });
    expect([run.out, run.err]).toEqual(['0 from CommonJS\n', '']);
  });

  test('says what is wrong on a platform without a build', async () => {
    const native = join(prefix, 'node_modules/wasbox/dist/native');
    fs.renameSync(native, `${native}.away`);
    const wasbox = join(prefix, 'node_modules/.bin/wasbox');
    const run = await runProgram([wasbox, 'run', '--', 'true'], { as, cwd: prefix });
    fs.renameSync(`${native}.away`, native);
    expect(run.status).toBe(125);
    expect(run.err).toMatch(/build|platform/i);
    expect(run.err).not.toMatch(/^\s+at /m);
  });
});

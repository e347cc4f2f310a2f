/**
 * The library in other people's builds: bundles of esbuild, Rollup and webpack run a sandbox, and what cannot
 * says what is missing. Needs: user namespaces, overlayfs in them, the registry the first time.
 */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { eventually, processesWith } from '../support/host.js';
import { ordinaryUser } from '../support/identity.js';
import { needs } from '../support/needs.js';
import { makeProject } from '../support/project.js';
import { installTools } from '../support/tools.mjs';
import { runProgram } from '../support/wasbox.js';

const as = ordinaryUser();
const modules = fileURLToPath(new URL('../../node_modules/', import.meta.url));
const dist = dirname(as.cli);

const program = `import { run, WasboxError } from 'wasbox';
run({ code: 'echo from inside > new; cat new', changes: 'discard' }).then(
  ({ stdout, changes }) => console.log(stdout.trim(), changes.counts.added),
  (error) => console.log(error instanceof WasboxError, error.name, error.code, error.message, error.hint),
);`;

/** Makes `in.mjs` of a project into \`out/main.` and `format`. */
type Bundler = (project: string, format: 'mjs' | 'cjs', input?: string) => string;

let tools = '';
beforeAll(() => {
  tools = installTools();
});

const nodeRun = (argv: string[], cwd: string): string =>
  execFileSync(process.execPath, argv, {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });

const esbuild: Bundler = (project, format, input = 'in.mjs') => {
  const kind = format === 'mjs' ? 'esm' : 'cjs';
  const out = `out/main.${format}`;
  execFileSync(
    join(modules, '.bin/esbuild'),
    [
      input,
      '--bundle',
      '--minify',
      '--platform=node',
      `--format=${kind}`,
      '--log-level=error',
      `--outfile=${out}`,
    ],
    { cwd: project },
  );
  return join(project, out);
};

/** Finds the package by itself, so that no plugin is needed. */
const rollup: Bundler = (project, format) => {
  const out = `out/main.${format}`;
  fs.writeFileSync(
    join(project, 'rollup.config.mjs'),
    `const entry = ${JSON.stringify(join(project, 'node_modules/wasbox/dist/index.js'))};
    export default {
      input: 'in.mjs',
      plugins: [{ name: 'resolve', resolveId: (name) => name === 'wasbox' ? { id: entry, moduleSideEffects: false } : null }],
      external: /^node:/,
      output: { file: ${JSON.stringify(out)}, format: ${JSON.stringify(format === 'mjs' ? 'es' : 'cjs')}, inlineDynamicImports: true },
    };`,
  );
  nodeRun([join(tools, 'rollup/dist/bin/rollup'), '-c', '--silent'], project);
  return join(project, out);
};

const webpack: Bundler = (project, format) => {
  const settings = {
    mode: 'production',
    target: 'node20',
    entry: './in.mjs',
    // Minimizing takes most of the time; it is tried in one of the formats.
    optimization: { minimize: format === 'mjs' },
    ...(format === 'mjs' ? { experiments: { outputModule: true } } : {}),
    output: {
      path: join(project, 'out'),
      filename: `main.${format}`,
      ...(format === 'mjs' ? { module: true, chunkFormat: 'module' } : {}),
    },
  };
  const script = `require(${JSON.stringify(join(tools, 'webpack'))})(${JSON.stringify(settings)}, (error, stats) => {
    if (error || stats.hasErrors()) { console.error(error ?? stats.toString()); process.exit(1); }
  });`;
  nodeRun(['-e', script], project);
  return join(project, 'out', `main.${format}`);
};

/** A project in which wasbox is installed, as root makes one that the identity can read. */
function projectWithWasbox(): string {
  const project = makeProject(as, { 'in.mjs': program, 'package.json': '{"name":"program"}' });
  fs.mkdirSync(join(project, 'node_modules/wasbox'), { recursive: true });
  const own = join(project, 'node_modules/wasbox');
  fs.copyFileSync(join(dist, '../package.json'), join(own, 'package.json'));
  execFileSync('cp', ['-r', '--reflink=auto', dist, join(own, 'dist')]);
  return project;
}

/** Moves a bundle to a place of its own, away from the project. */
function deployed(file: string): string {
  const place = makeProject(as, {}, 'deployed');
  execFileSync('cp', ['-r', `${dirname(file)}/.`, place]);
  return join(place, file.endsWith('.mjs') ? 'main.mjs' : 'main.cjs');
}

const start = (file: string, env: Record<string, string> = {}) =>
  runProgram([process.execPath, file], { as, cwd: makeProject(as), env });

const works = { out: 'from inside 1\n', err: '', status: 0 };

describe.each([
  ['esbuild', esbuild, 'cjs'],
  ['Rollup', rollup, 'mjs'],
  ['webpack', webpack, 'cjs'],
] as const)('a bundle of %s', (_, bundle, format) => {
  const made = new Map<string, string>();
  const bundled = (format: 'mjs' | 'cjs'): string => {
    const file = made.get(format) ?? bundle(projectWithWasbox(), format);
    made.set(format, file);
    return file;
  };

  // Each bundler makes one in CI: of two formats, that of the copy.
  const runsIt = async (format: 'mjs' | 'cjs') => {
    expect(await start(bundled(format))).toMatchObject(works);
  };
  test.each([format])('runs a sandbox beside node_modules (%s)', runsIt);
  const other = format === 'mjs' ? 'cjs' : 'mjs';
  needs('nightly run').test.each([other] as const)(
    'runs a sandbox beside node_modules (%s)',
    runsIt,
  );

  test('runs one elsewhere, with a copy of what the package has beside its script', async () => {
    const file = deployed(bundled(format));
    for (const name of ['native', 'filters', 'tables', 'wasbox-core.wasm'])
      execFileSync('cp', ['-r', '--reflink=auto', join(dist, name), dirname(file)]);
    expect(await start(file)).toMatchObject(works);
  });
});

describe('a bundle without its native part', () => {
  test.each(['mjs', 'cjs'] as const)(
    'is imported, and says what it looked for (%s)',
    async (format) => {
      const project = projectWithWasbox();
      const file = deployed(esbuild(project, format));
      fs.rmSync(project, { recursive: true });
      const { out, err, status } = await start(file);
      expect([err, status]).toEqual(['', 0]);
      expect(out).toMatch(
        /^true SupportError ERR_PLATFORM the native part of wasbox .* was not found/,
      );
      expect(out).toContain(join(dirname(file), 'native', `linux-${process.arch}`, 'wasbox.node'));
      expect(out).toContain('WASBOX_NATIVE_DIR');
    },
  );

  test('control: with WASBOX_NATIVE_DIR the same file runs a sandbox', async () => {
    const project = projectWithWasbox();
    const file = deployed(esbuild(project, 'cjs'));
    fs.rmSync(project, { recursive: true });
    expect(await start(file, { WASBOX_NATIVE_DIR: join(dist, 'native') })).toMatchObject(works);
  });
});

describe('the content of a bundle', () => {
  const only =
    "import { WasboxError } from 'wasbox';\nconsole.log(new WasboxError('ERR_USAGE', 'm').name);\n";

  test('is an error class and nothing else where one is imported', async () => {
    const project = projectWithWasbox();
    fs.writeFileSync(join(project, 'one.mjs'), only);
    const file = esbuild(project, 'mjs', 'one.mjs');
    expect(fs.statSync(file).size).toBeLessThanOrEqual(3 * 1024);
    expect((await start(file)).out).toBe('WasboxError\n');
  });

  test('control: without the note that nothing has side effects it holds more', () => {
    const project = projectWithWasbox();
    const manifest = join(project, 'node_modules/wasbox/package.json');
    const { sideEffects, ...rest } = JSON.parse(fs.readFileSync(manifest, 'utf8'));
    expect(sideEffects).toBe(false);
    fs.writeFileSync(manifest, JSON.stringify(rest));
    fs.writeFileSync(join(project, 'one.mjs'), only);
    expect(fs.statSync(esbuild(project, 'mjs', 'one.mjs')).size).toBeGreaterThan(3 * 1024);
  });
});

/** The text of a test file of someone's project. */
const testFile = `import { readdirSync, readFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { createPool, createSession, run, spawn } from 'wasbox';

test('a sandbox runs', async () => {
  expect(isMainThread).toBe(false);
  const many = Array.from({ length: 8 }, (_, n) => run({ code: 'echo ' + n + ' > new; cat new' }));
  expect((await Promise.all(many)).map(({ stdout, changes }) => [stdout, changes.counts.added])).toEqual(
    Array.from({ length: 8 }, (_, n) => [n + '\\n', 1]),
  );
  const fed = await run('wc', ['-c'], { input: Buffer.from('four') });
  expect(fed.stdout.trim()).toBe('4');
  await expect(run({ code: 'true', nonsense: 1 })).rejects.toMatchObject({ code: 'ERR_OPTION_UNKNOWN' });
});

test('a pool and a session', async () => {
  const pool = await createPool({ lang: 'sh', size: 1 });
  expect((await pool.run('echo pooled')).stdout).toBe('pooled\\n');
  await pool.close();
  const session = await createSession();
  expect((await session.exec(['echo', 'in session'])).stdout).toBe('in session\\n');
  await session.close();
});

test('one that is left running', { timeout: 120_000 }, async () => {
  const sandbox = await spawn({ code: 'sleep MARKER & echo begun; wait' });
  for await (const line of sandbox.stdoutLines()) {
    expect(line).toBe('begun');
    break;
  }
  const commands = () => readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name)).map((pid) => {
    try { return readFileSync('/proc/' + pid + '/cmdline', 'latin1'); } catch { return ''; }
  });
  // The shell goes on before its child has executed.
  await expect.poll(commands, { timeout: 60_000 }).toContain('sleep\\x00MARKER\\x00');
});
`;

/** A part of vitest's JSON. */
interface FileResult {
  readonly message: string;
  readonly assertionResults: readonly { readonly failureMessages: readonly string[] }[];
}

describe("someone's tests in vitest's worker threads", () => {
  test.each(['threads', 'vmThreads'])(
    'run sandboxes, and leave nothing running (%s)',
    async (pool) => {
      const project = projectWithWasbox();
      const marker = `36${process.pid % 100_000}.${pool.length}`;
      const text = testFile.replaceAll('MARKER', marker);
      for (const name of ['a', 'b']) fs.writeFileSync(join(project, `${name}.test.mjs`), text);
      fs.symlinkSync(join(modules, 'vitest'), join(project, 'node_modules/vitest'));
      execFileSync('chown', ['-R', `${as.uid}:${as.gid}`, project]);
      const vitest = join(modules, 'vitest/vitest.mjs');
      const options = [`--pool=${pool}`, '--reporter=json', '--testTimeout=120000'];
      const argv = [process.execPath, vitest, 'run', ...options];
      const { out, err } = await runProgram(argv, { as, cwd: project });
      const report = JSON.parse(out.slice(out.indexOf('{')));
      const messages = (report.testResults as FileResult[]).flatMap((file) => [
        ...(file.message === '' ? [] : [file.message]),
        ...file.assertionResults.flatMap(({ failureMessages }) => failureMessages),
      ]);
      expect([messages, report.numPassedTests, err]).toEqual([[], 6, '']);
      expect(await eventually(() => processesWith(marker).length === 0)).toBe(true);
    },
  );
});

describe('two copies of wasbox in one process', () => {
  test('know the errors of each other', async () => {
    const project = projectWithWasbox();
    fs.writeFileSync(
      join(project, 'two.mjs'),
      `import * as lib from 'wasbox';
      import { PolicyError } from 'wasbox/policy';
      const error = await lib.run({ code: 'true', policy: './bad.policy' }).catch((error) => error);
      class Own extends lib.UsageError {}
      const usage = await lib.run({ code: 'true', timout: 1 }).catch((error) => error);
      console.log(lib.PolicyError === PolicyError, error instanceof PolicyError, error instanceof lib.WasboxError,
        lib.isWasboxError(error), error instanceof lib.UsageError, usage instanceof Own, new Own('ERR_USAGE', '') instanceof lib.UsageError,
        lib.isWasboxError({ code: 'ERR_USAGE' }), lib.isWasboxError(null));`,
    );
    fs.writeFileSync(join(project, 'bad.policy'), 'alow read\n');
    const { out, err } = await runProgram([process.execPath, 'two.mjs'], { as, cwd: project });
    expect([out, err]).toEqual(['false true true true false false true false false\n', '']);
  });
});

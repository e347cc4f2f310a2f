/**
 * The start through Node: what an ordinary run loads, and the compiled code beside the bundle,
 * which must be able to go missing or wrong.
 */
import * as fs from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Identity, identities, ordinaryUser } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { nodeArgv, runProgram } from '../support/wasbox.js';

interface Coverage {
  readonly result: readonly {
    readonly url: string;
    readonly functions: readonly { functionName: string; ranges: readonly { count: number }[] }[];
  }[];
}

/** Node's built-in modules that a run loaded, and the sources of the bundle that it initialised. */
async function loadedBy(as: Identity, args: readonly string[]) {
  const cwd = makeProject(as, { 'allow.policy': 'include "default"\n' });
  const cover = makeProject(as, {}, 'cover');
  const env = { NODE_V8_COVERAGE: cover };
  const run = await runProgram(nodeArgv(as, args), { as, cwd, env });
  expect(run.status, run.err).toBe(0);
  const [file = ''] = fs.readdirSync(cover);
  const { result } = JSON.parse(fs.readFileSync(join(cover, file), 'utf8')) as Coverage;
  const bundle = result.find(({ url }) => url.endsWith('/cli-main.cjs'));
  const sources = (bundle?.functions ?? [])
    .filter(({ ranges }) => (ranges[0]?.count ?? 0) > 0)
    .map(({ functionName }) => functionName)
    .filter((name) => /^(src|node_modules)\//.test(name));
  return { builtins: result.map(({ url }) => url), sources };
}

describe('a start', () => {
  const rare =
    /^src\/(core\/|policy\/|cli\/(policy|doctor|apply|diff|discard|runs|verb|completion)[./])|wasi_shim/;
  const heavy =
    /^node:(crypto|net|tty|stream|module|worker_threads|child_process|perf_hooks|fs\/promises)$/;

  test('loads neither the core nor other verbs nor heavy modules of Node for an ordinary run', async () => {
    const { sources, builtins } = await loadedBy(ordinaryUser(), ['run', '--discard', 'true']);
    expect(sources).toContain('src/cli/run.ts');
    expect(sources.filter((name) => rare.test(name))).toEqual([]);
    expect(builtins.filter((name) => heavy.test(name))).toEqual([]);
  });

  test('loads the core for a policy of the user’s own (control)', async () => {
    const args = ['run', '--discard', '--policy', 'allow.policy', 'true'];
    const { sources } = await loadedBy(ordinaryUser(), args);
    expect(sources).toContain('src/core/load.ts');
  });
});

describe.each(identities())('the code beside the bundle, as $label', (as) => {
  const cacheIn = (dist: string): string =>
    join(dist, fs.readdirSync(dist).find((name) => name.endsWith('.cache')) ?? 'none');

  /** A copy of the installation whose cache `change` has made wrong. */
  function installation(change: (cache: string) => void): string {
    const dist = join(makeProject(as, {}, 'dist'), 'dist');
    fs.cpSync(dirname(as.cli), dist, { recursive: true });
    change(cacheIn(dist));
    return join(dist, 'cli.js');
  }

  /** V8 reads it as its own, and crashes: what another processor's code does to it. */
  const breakCode = (cache: string): void => {
    const bytes = fs.readFileSync(cache);
    const middle = bytes.length >> 1;
    fs.writeFileSync(cache, bytes.fill(0x5a, middle, middle + 4000));
  };

  const damages: Record<string, (cache: string) => void> = {
    'as built': () => {},
    missing: (cache) => fs.rmSync(cache),
    empty: (cache) => fs.truncateSync(cache),
    'cut short': (cache) => fs.truncateSync(cache, 5000),
    'not readable': (cache) => {
      fs.rmSync(cache);
      fs.mkdirSync(cache);
    },
    'of another version of V8': (cache) => {
      const bytes = fs.readFileSync(cache);
      bytes.writeUInt32LE(bytes.readUInt32LE(4) ^ 0x5a5a5a5a, 4);
      fs.writeFileSync(cache, bytes);
    },
    garbage: (cache) => fs.writeFileSync(cache, Buffer.alloc(500_000, 'garbage')),
    'for another processor': (cache) => {
      breakCode(cache);
      fs.renameSync(cache, cache.replace(`-${process.arch}.`, '-another.'));
    },
    'for another V8': (cache) => {
      breakCode(cache);
      fs.renameSync(cache, cache.replace(/main\.\d+/, 'main.1'));
    },
  };

  test.each(Object.keys(damages))('may be %s', async (name) => {
    const cli = installation(damages[name] ?? (() => {}));
    const cwd = makeProject(as, { 'hello.sh': '#!/bin/sh\necho hello "$@"\n' });
    for (const entry of [cli, join(dirname(cli), 'cli.cjs')]) {
      const argv = [process.execPath, entry, 'run', '--discard', 'hello.sh', basename(entry)];
      const run = await runProgram(argv, { as, cwd });
      expect([run.out, run.err, run.status]).toEqual([`hello ${basename(entry)}\n`, '', 0]);
    }
  });

  test('is used where it is right, and refused where it is not (control)', async () => {
    const check = `
      const { Script } = require('node:vm'), fs = require('node:fs'), dir = process.argv[1] + '/';
      const script = new Script(fs.readFileSync(dir + 'cli-main.cjs', 'latin1'), {
        filename: dir + 'cli-main.cjs',
        cachedData: fs.readFileSync(dir + fs.readdirSync(dir).find((name) => name.endsWith('.cache'))) });
      console.log(script.cachedDataRejected);`;
    const rejected = async (change: (cache: string) => void) => {
      const dist = dirname(installation(change));
      return (await runProgram([process.execPath, '-e', check, dist], { as })).out.trim();
    };
    expect(await rejected(() => {})).toBe('false');
    expect(await rejected(damages.garbage ?? (() => {}))).toBe('true');
    expect(await rejected(damages['of another version of V8'] ?? (() => {}))).toBe('true');
  });

  test('is used under its own name alone: broken code crashes Node only there (control)', async () => {
    const cli = installation(breakCode);
    const run = await runProgram([process.execPath, cli, '--version'], { as });
    expect(run.out).toBe('');
    expect(run.status).not.toBe(0);
  });
});

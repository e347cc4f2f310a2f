/**
 * The table of faults of the state directory, errno × step: each call about what lies in it fails once, or from then on,
 * with each errno that it may have. The program's status stays, what it did is not lost, one sentence says what is wrong.
 * `WASBOX_FAULTS=2000 WASBOX_SEED=1` for more of it.
 */
import * as fs from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Identity, identities } from '../support/identity.js';
import { pass } from '../support/packages.mjs';
import { makeProject } from '../support/project.js';
import { firstSeed, isInternal, numbers, oneOf } from '../support/random.js';
import { type Strike, strikeArgv, struckBy } from '../support/strike.js';
import { type Ended, nodeArgv, runProgram, wasboxArgv } from '../support/wasbox.js';

const count = Number(process.env.WASBOX_FAULTS ?? { root: 6, user: 10 }[pass ?? ''] ?? 15);
const seed = firstSeed();

const { ENOSPC, EDQUOT, EROFS, EIO, EACCES, EPERM, ENOMEM, ESTALE, EMFILE, EFBIG, ENOTCONN } =
  constants.errno;
const errnos = [
  ...[ENOSPC, EDQUOT, EROFS, EIO, EACCES, EPERM, ENOMEM, ESTALE, EMFILE, EFBIG, ENOTCONN],
];

/** It says that it ran, where no fault is, changes a file, and has a status of its own. */
const script = 'echo x > "$1/ran"; echo made > made; exit 4';

/** A state directory of its own, with a run that is saved in it and a start that is recorded. */
class Faulty {
  readonly #as: Identity;
  readonly #isolation: string;
  readonly #front: 'native' | 'node';
  readonly #state: string;
  readonly #place: string;
  readonly #count: string;

  constructor(as: Identity, isolation: string, front: 'native' | 'node') {
    this.#as = as;
    this.#isolation = isolation;
    this.#front = front;
    this.#state = makeProject(as, {}, 'state');
    fs.chmodSync(this.#state, 0o700);
    this.#place = makeProject(as, {}, 'place');
    this.#count = join(makeProject(as, {}, 'count'), 'calls');
  }

  #words(cwd: string): string[] {
    const options = ['--isolation', this.#isolation, '--workdir', cwd, '--rw', this.#place];
    const words = ['run', ...options, '--', 'sh', '-c', script, 'sh', this.#place];
    const as = { ...this.#as, isolation: 'namespaces' } as const;
    return this.#front === 'node' ? nodeArgv(as, words) : wasboxArgv(as, words);
  }

  #run(argv: readonly string[], cwd: string): Promise<Ended> {
    const env = { XDG_STATE_HOME: this.#state };
    return runProgram(argv, { as: this.#as, cwd, env, timeoutMs: 60_000 });
  }

  wasbox(cwd: string, ...words: string[]): Promise<Ended> {
    return this.#run(wasboxArgv({ ...this.#as, isolation: 'namespaces' }, words), cwd);
  }

  /** How many calls there are that may fail. */
  async calls(): Promise<number> {
    const cwd = makeProject(this.#as, { f: '' });
    for (let i = 0; i < 2; i++) await this.#struck(cwd, { at: 0 });
    return struckBy(this.#count).calls;
  }

  #struck(cwd: string, strike: Strike): Promise<Ended> {
    fs.rmSync(join(this.#place, 'ran'), { force: true });
    return this.#run(
      strikeArgv(this.#as, { ...strike, below: this.#state }, this.#count, this.#words(cwd)),
      cwd,
    );
  }

  /** @returns what is wrong; undefined if nothing is */
  async fault(strike: Strike): Promise<string | undefined> {
    const cwd = makeProject(this.#as, { f: '' });
    const run = await this.#struck(cwd, strike);
    const did = fs.existsSync(join(this.#place, 'ran'));
    const at = struckBy(this.#count).call ?? 'no call';
    const wrong = (what: string): string => `at ${at}: ${what}; status ${run.status}: ${run.err}`;
    if (isInternal(run.err)) return wrong('internal');
    if (did && run.status !== 4) return wrong('the status is lost');
    if (!did && (run.status !== 125 || !/wasbox: .{20}/.test(run.err))) return wrong('unexplained');
    const runs = await this.wasbox(cwd, 'runs', '--json');
    const later = [runs, await this.wasbox(cwd, 'diff', '--stat')];
    const listed = (JSON.parse(runs.out) as { runs: { id: string; workdir: { path: string } }[] })
      .runs;
    const id = listed.find(({ workdir }) => workdir.path === cwd)?.id;
    if (did && id === undefined) return wrong(`lost: ${runs.out.slice(0, 300)}${runs.err}`);
    if (id !== undefined) {
      const applied = await this.wasbox(cwd, 'apply', id);
      later.push(applied);
      if (did && !fs.existsSync(join(cwd, 'made')))
        return wrong(`not applied: ${applied.out}${applied.err}`);
    }
    const gone = await this.wasbox(cwd, 'discard', '--all');
    const internal = [...later, gone].find(({ err }) => isInternal(err));
    if (internal !== undefined) return wrong(`afterwards: ${internal.err}`);
    const left = ['runs', 'saved'].flatMap((name) => {
      const path = join(this.#state, 'wasbox', name);
      return fs.existsSync(path) ? fs.readdirSync(path) : [];
    });
    const names = fs.readdirSync(cwd).filter((name) => !['f', 'made'].includes(name));
    fs.rmSync(cwd, { recursive: true });
    return left.length + names.length === 0 ? undefined : wrong(`left: ${[...left, ...names]}`);
  }
}

const rows = identities().flatMap((as) =>
  (['namespaces', 'landlock'] as const).flatMap((isolation) =>
    (['native', 'node'] as const).map((front) => ({ as, isolation, front })),
  ),
);

describe('a fault of the state directory', () => {
  test.concurrent.each(rows)(
    'loses nothing and is explained, as $as.label with $isolation, started by $front',
    { timeout: 120_000 + count * 5_000 },
    async ({ as, isolation, front }) => {
      const next = numbers(
        seed +
          rows.findIndex(
            (row) => row.as === as && row.isolation === isolation && row.front === front,
          ),
      );
      const faulty = new Faulty(as, isolation, front);
      const calls = await faulty.calls();
      expect(calls).toBeGreaterThan(20);
      const found: string[] = [];
      for (let i = 0; i < count; i++) {
        const strike = {
          at: 1 + Math.floor(next() * calls),
          errno: oneOf(next, errnos),
          on: next() < 0.4,
        };
        const wrong = await faulty.fault(strike);
        if (wrong !== undefined) found.push(`seed ${seed}: ${JSON.stringify(strike)}: ${wrong}`);
      }
      expect(found).toEqual([]);
    },
  );
});

test.each(identities())(
  'a run is applied though statx(2) is blocked, after which Node knows no birth times, as $label',
  async (as) => {
    for (const isolation of ['namespaces', 'landlock']) {
      const faulty = new Faulty(as, isolation, 'node');
      await faulty.calls();
      expect(await faulty.fault({ at: 1, errno: EPERM, on: true, call: 'statx' })).toBe(undefined);
    }
  },
);

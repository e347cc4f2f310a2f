/**
 * Weeks of use in a minute: runs of ten kinds with both isolations, in one directory of two users (as root, two that have
 * ids of their own; and two state directories of one), with limits or without, some killed at a system call; between them
 * the users edit, review, apply and discard, clocks are set, runs of newer versions come. Node has a clock of its own in
 * each command and is an installation of another version. A model knows what each step must lead to.
 * `WASBOX_STEPS=5000 WASBOX_SEED=1` for more; `WASBOX_SECONDS` ends each test in time.
 */
import * as fs from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { clockOf } from '../support/clock.js';
import { type Identity, identities } from '../support/identity.js';
import { needs } from '../support/needs.js';
import { neighbours } from '../support/neighbours.js';
import { otherVersion } from '../support/other-version.js';
import { makeProject } from '../support/project.js';
import { firstSeed, isInternal, numbers, oneOf } from '../support/random.js';
import { strikeArgv } from '../support/strike.js';
import { type Ended, nodeArgv, runProgram, wasboxArgv } from '../support/wasbox.js';

const steps = Number(process.env.WASBOX_STEPS ?? 40);
const seconds = Number(process.env.WASBOX_SECONDS ?? steps * 5);
const seed = firstSeed();

const paths = Array.from({ length: 12 }, (_, n) => `f${n}`);

/** Says what is at a path: a link's target, for a link is made whole by one call; undefined: nothing. */
type Tree = Map<string, string | undefined>;

interface SavedRun {
  readonly id: string;
  /** The files that the run left at the paths that it changed. */
  readonly left: Tree;
  /** Says which edit of each path was the last one before the run. */
  readonly seen: ReadonlyMap<string, number>;
  /** Paths that were there. */
  readonly there: ReadonlySet<string>;
}

/** One command of a program, and what it leaves. */
interface Act {
  readonly path: string;
  readonly to: string | undefined;
}

const wordsOf = (acts: readonly Act[]): string =>
  acts.map(({ path, to }) => (to === undefined ? `rm ${path}` : `ln -s ${to} ${path}`)).join('\n');

const minute = 60_000;
const day = 1440 * minute;
/** How wrong a clock is. */
const clocks = [0, 0, 0, -10_000, -minute, -400 * day, -2 * day, 2 * day, 400 * day];

/** Options that a run of a few links stays within. */
const limits = [
  ['--timeout', '5m'],
  ['--cpu', '2m'],
  ['--memory', '1G'],
  ['--pids', '200'],
  ['--file-size', '1M'],
  ['--disk', '100M'],
  ['--open-files', '200'],
  ['--max-output', '1M'],
] as const;

/** The user with a state directory, and the runs that must be in it, the latest first. */
interface User {
  readonly as: Identity;
  readonly state: string;
  runs: SavedRun[];
  /** IDs of entries of a newer version. */
  readonly newer: string[];
}

class Week {
  readonly #next: () => number;
  readonly #cwd: string;
  readonly #users: readonly User[];
  readonly #host: Tree = new Map();
  /** How often each path was edited. */
  readonly #edits = new Map<string, number>();
  #texts = 0;
  /** The steps that were done, to find what led to a failure. */
  readonly trace: string[] = [];
  /** Milliseconds of each verb's commands, and how many there were. */
  readonly took: Record<string, [ms: number, count: number]> = {};

  /** @param users the first one's directory is the project, which all may write to */
  constructor(users: readonly [Identity, Identity], next: () => number) {
    this.#next = next;
    this.#cwd = makeProject(users[0], { kept: 'kept\n' });
    if (users[0] !== users[1]) fs.chmodSync(this.#cwd, 0o777);
    this.#users = users.map((as) => {
      const state = makeProject(as, {}, 'state');
      fs.chmodSync(state, 0o700);
      return { as, state, runs: [], newer: [] };
    });
    for (const path of paths.slice(0, 6)) this.#edit(path, this.#text());
  }

  #text = (): string => `t${++this.#texts}`;

  #edit(path: string, to: string | undefined): void {
    const place = join(this.#cwd, path);
    fs.rmSync(place, { force: true });
    if (to !== undefined) {
      fs.symlinkSync(to, place);
      const { as } = oneOf(this.#next, this.#users);
      fs.lchownSync(place, as.uid, as.gid);
    }
    this.trace.push(`edit ${path} ${to}`);
    this.#note(path, to);
  }

  #note(path: string, to: string | undefined): void {
    this.#host.set(path, to);
    this.#edits.set(path, (this.#edits.get(path) ?? 0) + 1);
  }

  async #wasbox(user: User, words: readonly string[], at?: number): Promise<Ended> {
    const as = { ...user.as, isolation: 'namespaces' } as const;
    const byNode = this.#next() < 0.05;
    // Where the clock is behind, what the user changed before a run looks as if it was changed since.
    const clock = byNode && words[0] !== 'run' ? oneOf(this.#next, clocks) : 0;
    const argv = byNode ? nodeArgv(otherVersion(as), words) : wasboxArgv(as, words);
    const signal = oneOf(this.#next, [constants.signals.SIGKILL, constants.signals.SIGTERM]);
    const count = join(user.state, 'calls');
    const strike = at === undefined ? argv : strikeArgv(as, { at, signal }, count, argv);
    const env = { XDG_STATE_HOME: user.state, ...clockOf(clock) };
    const began = performance.now();
    const ended = await runProgram(strike, { as, cwd: this.#cwd, env, timeoutMs: 60_000 });
    const [ms, runs] = this.took[`${words[0]}${byNode ? ', Node' : ''}`] ?? [0, 0];
    this.took[`${words[0]}${byNode ? ', Node' : ''}`] = [ms + performance.now() - began, runs + 1];
    const who = `${this.#users.indexOf(user)}${byNode ? `, Node, clock ${clock}` : ''}`;
    this.trace.push(
      `${who}: ${words.join(' ')} => ${ended.status} ${words.includes('--json') ? '' : ended.out}${ended.err}`.slice(
        0,
        260,
      ),
    );
    expect(isInternal(ended.err), `wasbox ${words.join(' ')}: ${ended.err}`).toBe(false);
    return ended;
  }

  /** Returns what a program does that works on the tree as it is. */
  #acts(): Act[] {
    const now = new Map(this.#host);
    return Array.from({ length: 1 + Math.floor(this.#next() * 5) }, () => {
      const path = oneOf(this.#next, paths);
      const to = now.get(path) === undefined ? this.#text() : undefined;
      now.set(path, to);
      return { path, to };
    });
  }

  /** Returns what acts leave that differs from the tree. */
  #left(acts: readonly Act[]): Tree {
    const left: Tree = new Map(acts.map(({ path, to }) => [path, to]));
    for (const [path, to] of left) if (this.#host.get(path) === to) left.delete(path);
    return left;
  }

  /** Returns what `diff` must show of a run now. */
  #shown = ({ left }: SavedRun): string[] =>
    [...left].filter(([path, to]) => this.#host.get(path) !== to).map(([path]) => path);

  async #changesOf(user: User, id: string): Promise<string[]> {
    const diff = await this.#wasbox(user, ['diff', id, '--json']);
    const { changes } = JSON.parse(diff.out) as { changes: { path: string }[] };
    return changes.map(({ path }) => path).sort();
  }

  async run(): Promise<void> {
    const user = oneOf(this.#next, this.#users);
    const how = this.#next();
    const acts = how < 0.1 ? [] : this.#acts();
    const [options, status] =
      how < 0.25
        ? [['--apply'], 0]
        : how < 0.35
          ? [['--discard'], 0]
          : how < 0.45
            ? [['--apply'], 4]
            : [[], how < 0.5 ? 4 : 0];
    const isolation = oneOf(this.#next, ['namespaces', 'landlock']);
    const limit = this.#next() < 0.3 ? oneOf(this.#next, limits) : [];
    const words = ['run', '-q', '--isolation', isolation, ...options, ...limit, '--', 'sh', '-c'];
    const ended = await this.#wasbox(user, [...words, `set -e\n${wordsOf(acts)}\nexit ${status}`]);
    expect(ended.status, ended.err).toBe(status);
    const left = this.#left(acts);
    if (left.size === 0 || (status === 0 && options[0] === '--discard')) return;
    if (status === 0 && options[0] === '--apply')
      for (const [path, to] of left) this.#note(path, to);
    else this.#saved(user, await this.#latest(user), left);
  }

  #saved(user: User, id: string, left: Tree): void {
    const there = paths.filter((path) => this.#host.get(path) !== undefined);
    user.runs.unshift({ id, left, seen: new Map(this.#edits), there: new Set(there) });
  }

  async #list(user: User): Promise<string[]> {
    const { out } = await this.#wasbox(user, ['runs', '--json']);
    return (JSON.parse(out) as { runs: { id: string; status: string }[] }).runs
      .filter(({ status }) => status !== 'running')
      .map(({ id }) => id);
  }

  async #latest(user: User): Promise<string> {
    const ids = await this.#list(user);
    const id = ids[0] ?? '';
    // It is new, and before all others.
    expect(ids.slice(1)).toEqual(user.runs.map((run) => run.id));
    return id;
  }

  /** A run that is ended at one of its calls leaves nothing, or what its program had done. */
  async kill(): Promise<void> {
    const user = oneOf(this.#next, this.#users);
    // Each at another path, so that the paths tell how far it came.
    const found = this.#acts();
    const acts = found.filter(({ path }, n) => found.findIndex((act) => act.path === path) === n);
    const isolation = oneOf(this.#next, ['namespaces', 'landlock']);
    const words = ['run', '-q', '--isolation', isolation, '--', 'sh', '-c', wordsOf(acts)];
    await this.#wasbox(user, words, 1 + Math.floor(this.#next() * 700));
    const known = new Set(user.runs.map(({ id }) => id));
    let id: string | undefined;
    for (let tries = 0; tries < 100; tries++) {
      const { out } = await this.#wasbox(user, ['runs', '--json']);
      const { runs } = JSON.parse(out) as { runs: { id: string; status: string }[] };
      const own = runs.find((one) => !known.has(one.id));
      id = own?.id;
      if (own?.status !== 'running') break;
    }
    if (id === undefined) return;
    const shown = await this.#changesOf(user, id);
    const done = acts.map((_, n) => this.#left(acts.slice(0, n + 1)));
    const left = done.find((one) => [...one.keys()].sort().join() === shown.join());
    expect(left, `killed ${wordsOf(acts)}: ${shown}`).toBeDefined();
    if (left !== undefined) this.#saved(user, id, left);
  }

  async review(): Promise<void> {
    for (const user of this.#users) {
      expect(await this.#list(user)).toEqual(user.runs.map(({ id }) => id));
      const run = user.runs[Math.floor(this.#next() * user.runs.length)];
      if (run === undefined) continue;
      expect(await this.#changesOf(user, run.id)).toEqual(this.#shown(run).sort());
    }
  }

  async apply(): Promise<void> {
    const user = oneOf(this.#next, this.#users);
    const run = user.runs[Math.floor(this.#next() * user.runs.length)];
    if (run === undefined) return;
    const shown = this.#shown(run);
    const one = this.#next() < 0.3 ? shown[0] : undefined;
    const chosen = one === undefined ? shown : [one];
    // A file that is missing now as it was before the run is as it was.
    const isFree = (path: string): boolean =>
      this.#edits.get(path) === run.seen.get(path) ||
      (this.#host.get(path) === undefined && !run.there.has(path));
    const refused = chosen.filter((path) => !isFree(path));
    const ended = await this.#wasbox(user, ['apply', run.id, ...(one === undefined ? [] : [one])]);
    expect(ended.status, ended.err).toBe(refused.length === 0 ? 0 : 3);
    for (const path of chosen.filter(isFree)) this.#note(path, run.left.get(path));
    const rest = new Map([...run.left].filter(([path, to]) => this.#host.get(path) !== to));
    user.runs = user.runs.flatMap((other) =>
      other !== run ? [other] : rest.size === 0 ? [] : [{ ...run, left: rest }],
    );
  }

  async discard(): Promise<void> {
    const user = oneOf(this.#next, this.#users);
    const run = user.runs[Math.floor(this.#next() * user.runs.length)];
    if (run === undefined) return;
    if (this.#next() < 0.1) {
      // A run that it cannot read stays.
      const all = await this.#wasbox(user, ['discard', '--all']);
      expect(all.status).toBe(user.newer.length === 0 ? 0 : 1);
      user.runs = [];
      for (const id of user.newer)
        expect((await this.#wasbox(user, ['discard', id])).status).toBe(1);
      return;
    }
    expect((await this.#wasbox(user, ['discard', run.id])).status).toBe(0);
    user.runs = user.runs.filter((other) => other !== run);
  }

  async edit(): Promise<void> {
    const path = oneOf(this.#next, paths);
    this.#edit(path, this.#next() < 0.4 ? undefined : this.#text());
  }

  /** The clock goes back: what was noted of it is later than now. Or what was seen beside the boot's clock differs. */
  async clock(): Promise<void> {
    const user = oneOf(this.#next, this.#users);
    const place = join(user.state, 'wasbox');
    const digits = '0123456789abcdefghjkmnpqrstvwxyz';
    const { uid, gid } = user.as;
    const path = join(place, 'clock');
    if (!fs.existsSync(path)) return;
    const text = fs.readFileSync(path, 'latin1');
    const third = digits.indexOf(text[3] ?? '0');
    // A later count, as of a run at a clock that was ahead.
    if (third >= 0 && third < 31)
      fs.writeFileSync(path, text.slice(0, 3) + digits[third + 1] + text.slice(4));
    const seen = join(place, 'clock-seen');
    const now = Date.now() + oneOf(this.#next, clocks);
    fs.writeFileSync(seen, `1 ${now} 1000 0 ${'a'.repeat(36)}\n`);
    for (const one of [path, seen]) fs.lchownSync(one, uid, gid);
  }

  /** A newer version has saved a run. */
  async newer(): Promise<void> {
    const user = oneOf(this.#next, this.#users);
    const saved = join(user.state, 'wasbox', 'saved');
    const id = user.runs.at(-1)?.id;
    if (id === undefined || user.newer.length > 2) return;
    const own = `0000${id.slice(4)}`;
    if (fs.existsSync(join(saved, own))) return;
    fs.mkdirSync(join(saved, own), { mode: 0o700 });
    const text = fs.readFileSync(join(saved, id, 'run.json'), 'utf8').replaceAll(id, own);
    const entry = join(saved, own, 'run.json');
    fs.writeFileSync(entry, text.replace('"schemaVersion": 1', '"schemaVersion": 2'));
    for (const one of [join(saved, own), entry]) fs.lchownSync(one, user.as.uid, user.as.gid);
    user.newer.push(own);
    expect((await this.#wasbox(user, ['runs'])).err).toContain(own);
  }

  /** Checks that the project is what the model says. */
  check(): void {
    const found = new Map(
      fs
        .readdirSync(this.#cwd)
        .filter((name) => name !== 'kept')
        .map((name) => [name, fs.readlinkSync(join(this.#cwd, name))]),
    );
    const wanted = new Map([...this.#host].filter(([, to]) => to !== undefined));
    expect(new Map([...found].sort())).toEqual(new Map([...wanted].sort()));
    expect(fs.readFileSync(join(this.#cwd, 'kept'), 'utf8')).toBe('kept\n');
  }
}

const kinds = [
  ...Array.from({ length: 8 }, () => 'run' as const),
  ...(['kill', 'kill', 'review', 'review', 'apply', 'apply', 'apply', 'discard'] as const),
  ...(['edit', 'edit', 'clock', 'newer'] as const),
];

const options = { timeout: 180_000 + seconds * 1000 };

async function agrees(users: readonly [Identity, Identity]): Promise<void> {
  const next = numbers(seed);
  const week = new Week(users, next);
  const end = performance.now() + seconds * 1000;
  let step = 0;
  for (; step < steps && performance.now() < end; step++) {
    const kind = oneOf(next, kinds);
    try {
      await week[kind]();
      week.check();
    } catch (error) {
      const { message } = error as Error;
      const trace = week.trace.slice(-60).join('\n');
      throw new Error(`seed ${seed}, step ${step}, ${kind}: ${message}\n${trace}`);
    }
  }
  await week.review();
  if (steps > 100) console.log(`seed ${seed}: ${step} steps`, week.took);
}

test.each(identities())(
  'each step of weeks of use leads to what a model says, as $label',
  options,
  (as) => agrees([as, as]),
);

needs('root').test(
  'each step of weeks of use of two users leads to what a model says',
  options,
  () => agrees(neighbours()),
);

/**
 * Damage to every file of the state directory: cut, flipped, exchanged with another, of a newer version, replaced by a
 * directory, a FIFO or a link, closed. Then the commands look at it: nothing wrong is applied, nothing hangs, nothing is
 * an internal error, and what is not the damaged run's is as before. `WASBOX_DAMAGE=500 WASBOX_SEED=1` for more.
 */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Identity, identities } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { firstSeed, isInternal, numbers, oneOf } from '../support/random.js';
import { type Ended, runProgram, wasboxArgv } from '../support/wasbox.js';

const count = Number(process.env.WASBOX_DAMAGE ?? 12);
const seed = firstSeed();

/** Files that the runs make of a project, by which their work is known. */
const before = { a: 'a\n', b: 'b\n', c: 'c\n' };
const scripts = ['echo 1 >> a; echo new > n1', 'rm b; echo new > n2', 'mkdir d; mv c d/c'];
/** Files of a project with their content, and the content that they may have after any of the runs, or some of them. */
const mayBe: Readonly<Record<string, readonly (string | undefined)[]>> = {
  a: ['a\n', 'a\n1\n'],
  b: ['b\n', undefined],
  c: ['c\n', undefined],
  n1: [undefined, 'new\n'],
  n2: [undefined, 'new\n'],
  'd/c': [undefined, 'c\n'],
};

/** A run's own files: the program wrote them, and wasbox compares them as they are. */
const ofPayload = /\/layers\/\d+\/(upper|work)\/./;

const damages: Readonly<
  Record<string, (path: string, next: () => number, all: readonly string[]) => void>
> = {
  cut: (path, next) => fs.truncateSync(path, Math.floor(next() * fs.statSync(path).size)),
  empty: (path) => fs.truncateSync(path, 0),
  flip: (path, next) => {
    const bytes = fs.readFileSync(path);
    if (bytes.length === 0) return;
    const at = Math.floor(next() * bytes.length);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(next() * 8));
    fs.writeFileSync(path, bytes);
  },
  exchange: (path, next, all) => {
    const other = oneOf(next, all);
    const [mine, theirs] = [fs.readFileSync(path), fs.readFileSync(other)];
    fs.writeFileSync(path, theirs);
    fs.writeFileSync(other, mine);
  },
  newer: (path) => {
    const text = fs.readFileSync(path, 'latin1');
    fs.writeFileSync(path, text.replace(/("schemaVersion": |^)1/, '$19'), 'latin1');
  },
  long: (path, next) =>
    fs.appendFileSync(path, Buffer.alloc(1 + Math.floor(next() * 70_000), 0x41)),
  directory: (path) => {
    fs.rmSync(path);
    fs.mkdirSync(path);
  },
  fifo: (path) => {
    fs.rmSync(path);
    execFileSync('mkfifo', [path]);
  },
  link: (path) => {
    fs.rmSync(path);
    fs.symlinkSync('/etc/passwd', path);
  },
  closed: (path) => fs.chmodSync(path, 0),
  gone: (path) => fs.rmSync(path),
};

class Damaged {
  readonly #as: Identity;
  readonly #place: string;

  constructor(as: Identity) {
    this.#as = as;
    this.#place = makeProject(as, {}, 'damaged');
  }

  #path = (...names: string[]): string => join(this.#place, ...names);

  #wasbox(project: string, ...words: string[]): Promise<Ended> {
    const env = { XDG_STATE_HOME: this.#path('state') };
    const argv = wasboxArgv({ ...this.#as, isolation: 'namespaces' }, words);
    const cwd = this.#path(project);
    return runProgram(argv, { as: this.#as, cwd, env, timeoutMs: 30_000 });
  }

  /** Two projects with runs, one of them interrupted by a kill, as they are copied for each damage. */
  async make(): Promise<void> {
    fs.mkdirSync(this.#path('state'), { mode: 0o700 });
    for (const name of ['one', 'two']) {
      fs.mkdirSync(this.#path(name));
      for (const [file, text] of Object.entries(before))
        fs.writeFileSync(this.#path(name, file), text);
    }
    this.#own();
    for (const name of ['one', 'two'])
      for (const script of scripts)
        for (const isolation of ['namespaces', 'landlock'])
          await this.#wasbox(name, 'run', '-q', '--isolation', isolation, '-c', script);
    await this.#wasbox(
      'one',
      'run',
      '-q',
      '--isolation',
      'landlock',
      '-c',
      'echo 1 >> a; kill -9 -1',
    );
    await this.#wasbox('two', 'diff', '--stat');
    // A directory that overlayfs leaves is closed to its owner.
    execFileSync('chmod', ['-R', 'u+rwX', this.#place]);
  }

  #own(): void {
    execFileSync('chown', ['-R', `${this.#as.uid}:${this.#as.gid}`, this.#place]);
  }

  #tree(name: string): Record<string, string | undefined> {
    const root = this.#path(name);
    return Object.fromEntries(
      (fs.readdirSync(root, { recursive: true }) as string[])
        .filter((path) => fs.lstatSync(join(root, path)).isFile())
        .map((path) => [path, fs.readFileSync(join(root, path), 'utf8')]),
    );
  }

  #files(): string[] {
    const state = this.#path('state');
    return (fs.readdirSync(state, { recursive: true }) as string[])
      .map((path) => join(state, path))
      .filter((path) => fs.lstatSync(path).isFile() && !ofPayload.test(path))
      .sort();
  }

  /** @returns what is wrong; undefined if nothing is */
  async damage(next: () => number): Promise<string | undefined> {
    const kept = `${this.#place}.kept`;
    execFileSync('cp', ['-a', this.#place, kept]);
    try {
      const files = this.#files();
      const path = oneOf(next, files);
      const how = oneOf(next, Object.keys(damages));
      damages[how]?.(path, next, files);
      if (process.getuid?.() === 0 && this.#as.uid !== 0)
        fs.lchownSync(path.replace(/$/, ''), this.#as.uid, this.#as.gid);
      const what = `${how} ${path.slice(this.#place.length)}`;
      return await this.#look(what);
    } catch (error) {
      return String(error);
    } finally {
      execFileSync('chmod', ['-R', 'u+rwX', this.#place]);
      execFileSync('rm', ['-rf', this.#place]);
      fs.renameSync(kept, this.#place);
    }
  }

  async #look(what: string): Promise<string | undefined> {
    const lines: readonly (readonly [string, ...string[]])[] = [
      ['one', 'runs'],
      ['one', 'diff', '--stat'],
      ['two', 'why'],
      ['one', 'run', '-q', '--isolation', 'landlock', '-c', 'exit 4'],
      ['two', 'run', '-q', '-c', 'exit 4'],
    ];
    const ended: [string, Ended][] = [];
    for (const [project, ...words] of lines)
      ended.push([words.join(' '), await this.#wasbox(project, ...words)]);
    const { runs } = JSON.parse(
      (await this.#wasbox('one', 'runs', '--json')).out || '{"runs":[]}',
    ) as {
      runs: { id: string }[];
    };
    for (const { id } of runs.reverse())
      ended.push([`apply ${id}`, await this.#wasbox('one', 'apply', id)]);
    ended.push(['discard', await this.#wasbox('two', 'discard', '--all')]);
    for (const [command, { err, status }] of ended) {
      if (isInternal(err)) return `${what}: wasbox ${command}: ${err}`;
      if (
        command.startsWith('run ') &&
        status !== 4 &&
        (status !== 125 || !/wasbox: .{20}/.test(err))
      )
        return `${what}: wasbox ${command}: status ${status}: ${err}`;
    }
    for (const name of ['one', 'two']) {
      const wrong = Object.entries(this.#tree(name)).find(
        ([path, text]) => !mayBe[path]?.includes(text),
      );
      const lost = Object.keys(before).find(
        (path) => !mayBe[path]?.includes(this.#tree(name)[path]),
      );
      if (wrong !== undefined || lost !== undefined)
        return `${what}: in ${name}: ${JSON.stringify(wrong ?? lost)}`;
    }
    return undefined;
  }
}

describe.each(identities())('as $label', (as) => {
  test('damaged files of the state directory lead to nothing wrong, no hang and no internal error', {
    timeout: 120_000 + count * 20_000,
  }, async () => {
    const next = numbers(seed);
    const damaged = new Damaged(as);
    await damaged.make();
    const found: string[] = [];
    for (let i = 0; i < count; i++) {
      const wrong = await damaged.damage(next);
      if (wrong !== undefined) found.push(`seed ${seed}, ${i}: ${wrong}`);
    }
    expect(found).toEqual([]);
  });
});

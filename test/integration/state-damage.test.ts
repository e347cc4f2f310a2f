/**
 * Damage to every file of the state directory: cut, zeroed, flipped, exchanged with another, of a newer version, replaced
 * by a directory, a FIFO or a link, closed, another user's. And to its directories. Then the commands look at it: nothing
 * wrong is applied, nothing hangs, nothing is an internal error, and what the other runs did is applied. `npm run nightly
 * -- damage` makes 500; `WASBOX_DAMAGE` and `WASBOX_SEED` say how many, and which.
 */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Identity, identities } from '../support/identity.js';
import { pass } from '../support/packages.mjs';
import { makeProject } from '../support/project.js';
import { firstSeed, isInternal, numbers, oneOf } from '../support/random.js';
import { type Ended, runProgram, wasboxArgv } from '../support/wasbox.js';

const count = Number(process.env.WASBOX_DAMAGE ?? (pass === undefined ? 10 : 6));
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

/** The files after all runs. Two runs did each part, so that it is applied though one of them is damaged. */
const whole: Readonly<Record<string, string>> = {
  ...{ a: 'a\n1\n', 'd/c': 'c\n', n1: 'new\n', n2: 'new\n' },
};

/** A run's own files: the program wrote them, and wasbox compares them as they are. */
const ofPayload = /\/layers\/\d+\/(upper|work)\/./;

type Damage = (path: string, next: () => number, all: readonly string[]) => void;

/** Closed ones are opened again before the last look. */
const ofDirectories: Readonly<Record<string, Damage>> = {
  'closed directory': (path) => fs.chmodSync(path, 0),
  'directory that cannot be written': (path) => fs.chmodSync(path, 0o500),
  'open directory': (path) => fs.chmodSync(path, 0o777),
  'link in place of a directory': (path) => {
    fs.renameSync(path, `${path}.away`);
    fs.symlinkSync(`${path}.away`, path);
  },
  'file in place of a directory': (path) => {
    fs.renameSync(path, `${path}.away`);
    fs.writeFileSync(path, '');
  },
  'missing directory': (path) => fs.renameSync(path, `${path}.away`),
  ...(process.getuid?.() === 0
    ? { "another user's directory": (path: string) => fs.chownSync(path, 12345, 12345) }
    : {}),
};

const damages: Readonly<Record<string, Damage>> = {
  cut: (path, next) => fs.truncateSync(path, Math.floor(next() * fs.statSync(path).size)),
  empty: (path) => fs.truncateSync(path, 0),
  zeros: (path) => fs.writeFileSync(path, Buffer.alloc(fs.statSync(path).size)),
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
  ...(process.getuid?.() === 0
    ? { "another user's": (path: string) => fs.chownSync(path, 12345, 12345) }
    : {}),
};

/** Names that say where each run is. */
const runIn = /\/(?:runs|saved)\/[^/]+/;

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
    return runProgram(argv, { as: this.#as, cwd, env, timeoutMs: 120_000 });
  }

  /** Makes two projects with runs, one of them interrupted by a kill. */
  async make(): Promise<void> {
    fs.mkdirSync(this.#path('state'), { mode: 0o700 });
    for (const name of ['one', 'two']) {
      fs.mkdirSync(this.#path(name));
      for (const [file, text] of Object.entries(before))
        fs.writeFileSync(this.#path(name, file), text);
    }
    execFileSync('chown', ['-R', `${this.#as.uid}:${this.#as.gid}`, this.#place]);
    const run = (name: string, isolation: string, script: string) =>
      this.#wasbox(name, 'run', '-q', '--isolation', isolation, '-c', script);
    for (const script of scripts)
      for (const isolation of ['namespaces', 'landlock']) await run('one', isolation, script);
    await run('two', 'namespaces', scripts[0] ?? '');
    await run('one', 'landlock', 'echo 1 >> a; kill -9 -1');
    await this.#wasbox('two', 'diff', '--stat');
    // A directory that overlayfs leaves is closed to its owner.
    execFileSync('chmod', ['-R', 'u+rwX', this.#path('state')]);
  }

  dispose(): void {
    execFileSync('chmod', ['-R', 'u+rwX', this.#place]);
    fs.rmSync(this.#place, { recursive: true });
  }

  #tree(name: string): Record<string, string | undefined> {
    const root = this.#path(name);
    return Object.fromEntries(
      (fs.readdirSync(root, { recursive: true }) as string[])
        .filter((path) => fs.lstatSync(join(root, path)).isFile())
        .map((path) => [path, fs.readFileSync(join(root, path), 'utf8')]),
    );
  }

  /** Removes the entries of two runs that did the same. */
  loseBoth(): void {
    for (const { parentPath, name } of this.#entries()) {
      const path = join(parentPath, name);
      if (name === 'run.json' && fs.readFileSync(path, 'utf8').includes('n2')) fs.rmSync(path);
    }
  }

  #entries(): fs.Dirent[] {
    return fs
      .readdirSync(this.#path('state'), { recursive: true, withFileTypes: true })
      .filter(({ parentPath, name }) => !ofPayload.test(join(parentPath, name)));
  }

  /**
   * Damages a file, or for every fifth number a directory.
   * @returns what is wrong; undefined if nothing is
   */
  async damage(next: () => number): Promise<string | undefined> {
    const isDirectory = next() < 0.2;
    const paths = this.#entries()
      .filter((entry) => (isDirectory ? entry.isDirectory() : entry.isFile()))
      .map(({ parentPath, name }) => join(parentPath, name))
      .sort();
    const path = oneOf(next, paths);
    const table = isDirectory ? ofDirectories : damages;
    const how = oneOf(next, Object.keys(table));
    table[how]?.(path, next, paths);
    // A file that was made anew is the user's, too.
    const isThere = fs.lstatSync(path, { throwIfNoEntry: false }) !== undefined;
    if (isThere && process.getuid?.() === 0 && !how.startsWith('another'))
      fs.lchownSync(path, this.#as.uid, this.#as.gid);
    const what = `${how} ${path.slice(this.#place.length)}`;
    const wrong = await this.#look();
    const isBack = !isDirectory || this.#putBack(path);
    const missing = wrong ?? (await this.applyAll(isBack));
    return missing === undefined ? undefined : `${what}: ${missing}`;
  }

  /** Undoes damage to a directory. Returns false where another directory is in its place. */
  #putBack(path: string): boolean {
    const away = `${path}.away`;
    if (fs.existsSync(away)) {
      const info = fs.lstatSync(path, { throwIfNoEntry: false });
      // A directory of one run takes that run with it.
      if (info?.isDirectory() || info === undefined) return runIn.test(path);
      fs.rmSync(path);
      fs.renameSync(away, path);
    }
    fs.chmodSync(path, 0o700);
    fs.lchownSync(path, this.#as.uid, this.#as.gid);
    return true;
  }

  /** Uses the state directory as it is. */
  async #look(): Promise<string | undefined> {
    const lines: readonly (readonly [string, ...string[]])[] = [
      ['one', 'runs'],
      ['one', 'diff', '--stat'],
      ['two', 'why'],
      ['one', 'run', '-q', '--isolation', 'landlock', '-c', 'exit 4'],
      ['two', 'run', '-q', '-c', 'exit 4'],
    ];
    for (const [project, ...words] of lines) {
      const { status, err } = await this.#wasbox(project, ...words);
      const said = `wasbox ${words.join(' ')}: status ${status}: ${err}`;
      if (isInternal(err)) return said;
      if (words[0] === 'run' && status !== 4 && (status !== 125 || !/wasbox: .{20}/.test(err)))
        return said;
    }
    return undefined;
  }

  /** Applies all runs of one project, and discards those of the other. Returns what is wrong. */
  async applyAll(isBack: boolean): Promise<string | undefined> {
    const listed = await this.#wasbox('one', 'runs', '--json');
    const { runs } = JSON.parse(listed.out || '{"runs":[]}') as { runs: { id: string }[] };
    const said = [listed.err];
    for (const { id } of runs.reverse()) said.push((await this.#wasbox('one', 'apply', id)).err);
    said.push((await this.#wasbox('two', 'discard', '--all')).err);
    const internal = said.find(isInternal);
    if (internal !== undefined) return internal;
    for (const name of ['one', 'two']) {
      const tree = this.#tree(name);
      const paths = new Set([...Object.keys(tree), ...Object.keys(mayBe)]);
      const wrong = [...paths].find((path) => !mayBe[path]?.includes(tree[path]));
      if (wrong !== undefined) return `in ${name}: ${wrong} is ${JSON.stringify(tree[wrong])}`;
    }
    const tree = this.#tree('one');
    const lost = Object.keys({ ...whole, ...tree }).find((path) => whole[path] !== tree[path]);
    if (isBack && lost !== undefined)
      return `lost: ${lost} is ${JSON.stringify(tree[lost])}\n${said.join('')}`;
    return undefined;
  }
}

const everyone = identities();

describe.each(everyone)('as $label', (as) => {
  test('damage to the state directory leads to nothing wrong, no hang and no internal error, and loses no other run', {
    timeout: 120_000 + count * 40_000,
  }, async () => {
    const next = numbers(seed + as.uid);
    const found: string[] = [];
    for (let i = 0; i < count / everyone.length; i++) {
      const damaged = new Damaged(as);
      try {
        await damaged.make();
        const wrong = await damaged.damage(next);
        if (wrong !== undefined) found.push(`${i}: ${wrong}`);
      } catch (error) {
        found.push(`${i}: ${error}`);
      } finally {
        damaged.dispose();
      }
    }
    console.log(`${Math.ceil(count / everyone.length)} damages with seed ${seed}, as ${as.label}`);
    expect(found, `seed ${seed}`).toEqual([]);
  });

  test('control: the loss of both runs that did the same is noticed', async () => {
    const damaged = new Damaged(as);
    try {
      await damaged.make();
      damaged.loseBoth();
      expect(await damaged.applyAll(true)).toMatch(/^lost: /);
    } finally {
      damaged.dispose();
    }
  });
});

/** Runs that are ended at a chosen system call, and what became of the user's files. For killed-runs.test.ts. */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Identity } from './identity.js';
import { makeProject } from './project.js';
import { type Strike, strikeArgv, struckBy } from './strike.js';
import { type Ended, runProgram, wasboxArgv } from './wasbox.js';

/**
 * Says what is killed: the command, with each of its ends; a program that uses the library; a process of the sandbox; or
 * a command about the changes of a run that has ended.
 */
export type Victim = (typeof victims)[number];

export const victims = [
  'command',
  'command --apply',
  'command --discard',
  'library',
  'init',
  'innermost init',
  'holder',
  'apply',
  'discard',
] as const;

/** The processes of a sandbox that are killed while the command goes on. Landlock isolation has two of init. */
const parts: Partial<Record<Victim, Pick<Strike, 'child' | 'deepest'>>> = {
  init: { child: 'wasbox-init' },
  'innermost init': { child: 'wasbox-init', deepest: true },
  holder: { child: 'wasbox-holder' },
};

/** Returns whether the victim comes after a run that ended by itself. */
const isLater = (victim: Victim): boolean => victim === 'apply' || victim === 'discard';

/** When a run, or a command, may be killed. */
export interface Measured {
  /** How many calls it makes; 0 in a large tree, where they are not counted. */
  readonly calls: number;
  /** How many microseconds it takes. */
  readonly micros: number;
}

/** A run in a larger tree makes so many calls that it runs freely up to some of them. */
const mostTraced = 100;

/** The steps of the program, each one call that changes a file, and the tree after it. */
const steps = [
  'rm f1',
  'mv f2 d/g2',
  'ln -s f3 link',
  'rm -r gone',
  'mkdir made',
  'mv d moved',
] as const;

const lastStep = 'mv d moved';

const script = ['set -e', ...steps].join('\n');

/** Files that no step touches. */
const plainName = /^p\d+$/;

/** Paths of a tree with what they are, but for the files that no step touches: those are counted. */
export function treeOf(directory: string): string {
  const found: string[] = [];
  let plain = 0;
  for (const entry of fs.readdirSync(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name).slice(directory.length + 1);
    const info = fs.lstatSync(join(directory, path));
    if (plainName.test(entry.name) && info.size === 2) plain++;
    else
      found.push(`${path} ${info.isFile() ? fs.readFileSync(join(directory, path)) : info.mode}`);
  }
  return [...found.sort(), `${plain} others`].join('\n');
}

const isOption = (word: string): boolean => word.startsWith('--');

const tmpfsMagic = 0x01021994;

/** A directory in memory, where files are made fast, if it has room; else undefined. */
function inMemory(): string | undefined {
  const place = '/dev/shm';
  if (!fs.existsSync(place)) return undefined;
  const { type, bavail, bsize } = fs.statfsSync(place);
  if (type !== tmpfsMagic || bavail * bsize < 2 ** 30) return undefined;
  return fs.mkdtempSync(join(place, 'wasbox-kills-'));
}

/** A directory of files, and the trees that a run may leave: after each step of its program. */
export class Victims {
  readonly #as: Identity;
  readonly #files: number;
  readonly #isolation: string;
  /** Have the project, the state directory and the count of calls. */
  readonly #places: readonly string[];
  readonly #directory: string;
  readonly #state: string;
  readonly #count: string;
  /** The trees before the first step, and after each. */
  readonly allowed: readonly string[];

  constructor(as: Identity, isolation: 'namespaces' | 'landlock', files: number) {
    // The control is another build: one that loses files.
    this.#as = { ...as, cli: process.env.WASBOX_KILLS_CLI ?? as.cli };
    this.#isolation = isolation;
    this.#files = files;
    // Not every kernel can put an overlay's layer in memory: then apply copies from one file system to another.
    const memory = inMemory();
    const onDisk = makeProject(as, {}, 'killed');
    const ofRuns = isolation === 'landlock' && memory !== undefined ? memory : onDisk;
    this.#places = memory === undefined ? [onDisk] : [onDisk, memory];
    this.#directory = join(memory ?? onDisk, 'project');
    this.#state = join(ofRuns, 'state');
    this.#count = join(ofRuns, 'calls');
    for (const place of this.#places) fs.chmodSync(place, 0o755);
    fs.mkdirSync(this.#directory);
    for (let n = 0; n < files - 3; n++) fs.writeFileSync(join(this.#directory, `p${n}`), 'p\n');
    this.#reset();
    execFileSync('chown', ['-hR', `${as.uid}:${as.gid}`, ...this.#places]);
    const allowed = [treeOf(this.#directory)];
    for (const step of steps) {
      if (step === lastStep) {
        // Where the renaming is not done any more, mv(1) begins to copy.
        fs.mkdirSync(join(this.#directory, 'moved'));
        allowed.push(treeOf(this.#directory));
        fs.rmdirSync(join(this.#directory, 'moved'));
      }
      execFileSync('sh', ['-c', step], { cwd: this.#directory });
      allowed.push(treeOf(this.#directory));
    }
    this.allowed = allowed;
    this.#reset();
  }

  /** Puts the tree back as it was; of the files that no step touches, only those that are missing. */
  #reset(): void {
    const own: string[] = [];
    const put = (name: string, write: (path: string) => void): void => {
      const path = join(this.#directory, name);
      write(path);
      own.push(path);
    };
    const plain = new Set<string>();
    for (const name of fs.readdirSync(this.#directory)) {
      if (plainName.test(name)) plain.add(name);
      else fs.rmSync(join(this.#directory, name), { recursive: true });
    }
    for (const name of ['d', 'gone']) put(name, (path) => fs.mkdirSync(path));
    for (const name of ['f1', 'f2', 'f3', 'd/x']) put(name, (path) => fs.writeFileSync(path, name));
    for (let n = 0; n < this.#files - 3; n++)
      if (!plain.has(`p${n}`)) put(`p${n}`, (path) => fs.writeFileSync(path, 'p\n'));
    for (const path of own) fs.lchownSync(path, this.#as.uid, this.#as.gid);
  }

  #argv(victim: Victim): string[] {
    if (victim !== 'library') {
      const how = ['--isolation', this.#isolation, ...victim.split(' ').filter(isOption)];
      const words = {
        apply: ['apply', '--delete'],
        discard: ['discard', '--all'],
      }[victim as string] ?? ['run', ...how, '--', 'sh', '-c', script];
      return wasboxArgv({ ...this.#as, isolation: 'namespaces' }, words);
    }
    const library = pathToFileURL(join(dirname(this.#as.cli), 'index.js')).href;
    const program = `
const { run } = await import(${JSON.stringify(library)});
process.kill(process.pid, 'SIGURG');
await run({ command: 'sh', args: ['-c', ${JSON.stringify(script)}], isolation: ${JSON.stringify(this.#isolation)} });`;
    return [process.execPath, '--input-type=module', '-e', program];
  }

  #run(argv: readonly string[]) {
    const env = { XDG_STATE_HOME: this.#state };
    return runProgram(argv, { as: this.#as, cwd: this.#directory, env });
  }

  /** Makes what a command works on: the changes of a run, or of two for `discard --all`. */
  async #prepare(victim: Victim): Promise<void> {
    if (isLater(victim)) await this.#run(this.#argv('command'));
    if (victim === 'discard') await this.#run(this.#argv('command'));
  }

  /** Returns whether the last strike came before the end of its victim. */
  get didStrike(): boolean {
    return struckBy(this.#count).call !== undefined;
  }

  /** Starts a run, or what comes after one, and strikes it. */
  async #start(victim: Victim, strike: Strike): Promise<Ended> {
    await this.#prepare(victim);
    const marked = victim === 'library' && strike.after === undefined;
    const struck = { ...strike, ...parts[victim], marked };
    return this.#run(strikeArgv(this.#as, struck, this.#count, this.#argv(victim)));
  }

  #wasbox(...words: string[]) {
    return this.#run(wasboxArgv({ ...this.#as, isolation: 'namespaces' }, words));
  }

  /** Discards them by their IDs: `--all` forgets how the run begins, too. */
  async #discard(): Promise<void> {
    const ids = ['runs', 'saved'].flatMap((name) => this.#names(name));
    if (ids.length > 0) await this.#wasbox('discard', ...ids);
  }

  readonly #measured = new Map<Victim, Measured>();

  /** Measures a whole run which begins as all that follow: the first one is recorded. */
  async measure(victim: Victim): Promise<Measured> {
    const known = this.#measured.get(victim);
    if (known !== undefined) return known;
    // A process of the sandbox is struck at a call of the command.
    const measured = parts[victim] ? await this.measure('command') : await this.#measure(victim);
    this.#measured.set(victim, measured);
    return measured;
  }

  async #measure(victim: Victim): Promise<Measured> {
    if (isLater(victim)) await this.measure('command');
    else await this.#run(this.#argv(victim));
    await this.#clear();
    const isLarge = this.#files > mostTraced;
    if (isLarge) await this.#prepare(victim);
    const began = performance.now();
    if (isLarge) await this.#run(this.#argv(victim));
    else await this.#start(victim, { at: 0 });
    const micros = (performance.now() - began) * 1000;
    await this.#clear();
    return { calls: isLarge ? 0 : struckBy(this.#count).calls, micros };
  }

  async #clear(): Promise<void> {
    await this.#discard();
    if (treeOf(this.#directory) !== this.allowed[0]) this.#reset();
  }

  /**
   * Strikes a run, then lists and applies what is saved.
   * @returns what is wrong; undefined if nothing is
   */
  async kill(victim: Victim, strike: Strike): Promise<string | undefined> {
    const struck = await this.#start(victim, strike);
    // A program of its own that uses the library may throw.
    const said: string[] = victim === 'library' ? [] : [struck.err];
    let listed: readonly { readonly status: string }[] = [];
    // The sandbox of a killed command takes a moment to end.
    for (let tries = 0; tries < 500; tries++) {
      const runs = await this.#wasbox('runs', '--json');
      said.push(runs.err);
      listed = (JSON.parse(runs.out) as { runs: typeof listed }).runs;
      if (listed.every(({ status }) => status !== 'running')) break;
    }
    if (listed.length > 0) {
      const diff = await this.#wasbox('diff', '--stat');
      // A build before the mend, for the control, has no such option.
      let applied = await this.#wasbox('apply', '--delete');
      if (applied.err.includes('unknown option')) applied = await this.#wasbox('apply');
      said.push(diff.err, applied.err);
    }
    const now = treeOf(this.#directory);
    // A command that was sent a signal may leave the removal of its directory to a process of its own.
    let left = this.#left();
    for (let tries = 0; tries < 50 && left.length > 0; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      left = this.#left();
    }
    await this.#clear();
    const fault = said.find((text) => /internal error|bug in wasbox|ERR_|E[A-Z]{4,}:/.test(text));
    const where = `at ${struckBy(this.#count).call ?? 'no call'}`;
    if (fault !== undefined) return `${where} it said: ${fault}`;
    if (!this.#allowedAfter(victim, listed.length > 0).includes(now))
      return `${where} ${JSON.stringify(listed)}\n${said.join('')}the tree is:\n${now}`;
    return left.length === 0 ? undefined : `${where} left behind: ${left.join(', ')}`;
  }

  /** The trees that may be there after a kill, once what was still saved is applied. */
  #allowedAfter(victim: Victim, isSaved: boolean): readonly string[] {
    const whole = this.allowed.slice(-1);
    if (victim === 'apply') return whole;
    if (victim === 'discard') return isSaved ? whole : this.allowed.slice(0, 1);
    return this.allowed;
  }

  #names(name: string): string[] {
    const path = join(this.#state, 'wasbox', name);
    return fs.existsSync(path) ? fs.readdirSync(path) : [];
  }

  /** Returns what is left in the state directory that no command shows. */
  #left(): string[] {
    return [
      ...this.#names('runs').map((name) => `runs/${name}`),
      ...this.#names('spare').filter((name) => !/^(kept|home|live)-\w$/.test(name)),
    ];
  }

  dispose(): void {
    for (const place of this.#places) fs.rmSync(place, { recursive: true, force: true });
  }
}

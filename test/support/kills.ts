/** Runs that are ended at a chosen system call, and what became of the user's files. For killed-runs.test.ts. */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type Identity, stateOf } from './identity.js';
import { makeProject } from './project.js';
import { runProgram, wasboxArgv } from './wasbox.js';

/** What is killed: the command, or a program that uses the library. */
export type Victim = 'command' | 'library';

/** In larger trees a run makes more calls than can be counted one by one. */
const mostTraced = 2000;

/** The steps of the program, each one call that changes a file, and the tree after it. */
const steps = [
  'rm f1',
  'mv f2 d/g2',
  'ln -s f3 link',
  'rm -r gone',
  'mkdir made',
  'mv d moved',
] as const;

const script = ['set -e', ...steps].join('\n');

/** Builds the tracer for an identity, once each. */
const tracers = new Map<string, string>();
function tracerOf(as: Identity): string {
  const known = tracers.get(as.scratch);
  if (known !== undefined) return known;
  const source = fileURLToPath(new URL('kill-at.c', import.meta.url));
  const built = join(fs.mkdtempSync(join(tmpdir(), 'wasbox-kill-at-')), 'kill-at');
  execFileSync('cc', ['-O1', '-Wall', '-Werror', '-o', built, source]);
  const place = join(as.scratch, 'kill-at');
  fs.copyFileSync(built, place);
  fs.chmodSync(place, 0o755);
  tracers.set(as.scratch, place);
  return place;
}

/**
 * Paths of a tree with what they are, but for the files that no step touches: those are counted. A directory of the
 * host's that is renamed is moved file by file (addon/supervisor/move_tree.c): one that was cut short counts as not begun.
 */
export function treeOf(directory: string): string {
  const found: string[] = [];
  let plain = 0;
  for (const entry of fs.readdirSync(directory, { recursive: true, withFileTypes: true })) {
    const real = join(entry.parentPath, entry.name).slice(directory.length + 1);
    if (/^\.wasbox-move-\d+$/.test(real)) continue;
    const path = real.replace(/^\.wasbox-move-\d+\//, 'd/');
    const info = fs.lstatSync(join(directory, real));
    if (/^p\d+$/.test(entry.name) && info.size === 2) plain++;
    else
      found.push(`${path} ${info.isFile() ? fs.readFileSync(join(directory, real)) : info.mode}`);
  }
  return [...found.sort(), `${plain} others`].join('\n');
}

function fill(directory: string, files: number): void {
  for (const name of ['d', 'gone']) fs.mkdirSync(join(directory, name));
  for (const name of ['f1', 'f2', 'f3', 'd/x']) fs.writeFileSync(join(directory, name), name);
  for (let n = 0; n < files - 3; n++) fs.writeFileSync(join(directory, `p${n}`), 'p\n');
}

/** A directory of files, and the trees that a run may leave: after each step of its program. */
export class Victims {
  readonly #as: Identity;
  readonly #files: number;
  readonly #isolation: string;
  readonly #tracer: string;
  #directory = '';
  /** The trees before the first step, and after each. */
  readonly allowed: readonly string[];

  constructor(as: Identity, isolation: 'namespaces' | 'landlock', files: number) {
    // The control is another build: one that loses files.
    this.#as = { ...as, cli: process.env.WASBOX_KILLS_CLI ?? as.cli };
    this.#isolation = isolation;
    this.#files = files;
    this.#tracer = tracerOf(as);
    this.#renew();
    const allowed = [treeOf(this.#directory)];
    for (const step of steps) {
      execFileSync('sh', ['-c', step], { cwd: this.#directory });
      allowed.push(treeOf(this.#directory));
    }
    this.allowed = allowed;
    this.#renew();
  }

  #renew(): void {
    if (this.#directory !== '') fs.rmSync(this.#directory, { recursive: true, force: true });
    this.#directory = makeProject(this.#as, {}, 'killed');
    fill(this.#directory, this.#files);
    execFileSync('chown', ['-hR', `${this.#as.uid}:${this.#as.gid}`, this.#directory]);
  }

  #argv(victim: Victim): string[] {
    if (victim === 'command') {
      const words = ['run', '--isolation', this.#isolation, '--', 'sh', '-c', script];
      return wasboxArgv({ ...this.#as, isolation: 'namespaces' }, words);
    }
    const library = pathToFileURL(join(dirname(this.#as.cli), 'index.js')).href;
    const program = `
import { accessSync } from 'node:fs';
const { run } = await import(${JSON.stringify(library)});
try { accessSync('/wasbox-begins') } catch {}
await run({ command: 'sh', args: ['-c', ${JSON.stringify(script)}], isolation: ${JSON.stringify(this.#isolation)} });`;
    return [process.execPath, '--input-type=module', '-e', program];
  }

  /** Starts a run and has it signalled: at its nth call, or after a time below 0, in microseconds; 0: never. */
  async #start(victim: Victim, moment: number, signal: number): Promise<void> {
    const mark = victim === 'library' ? '/wasbox-begins' : '';
    const words = [`${moment}`, `${signal}`, mark, this.#count, '--', ...this.#argv(victim)];
    await runProgram([this.#tracer, ...words], { as: this.#as, cwd: this.#directory });
  }

  get #count(): string {
    return join(this.#as.scratch, `calls-${process.pid}`);
  }

  async #wasbox(...words: string[]) {
    const argv = wasboxArgv({ ...this.#as, isolation: 'namespaces' }, words);
    return runProgram(argv, { as: this.#as, cwd: this.#directory });
  }

  /**
   * How many calls a whole run makes, and how many microseconds it takes. The second is as all that follow: the first
   * is recorded. Of a large tree one will do.
   */
  async measure(victim: Victim): Promise<{ readonly calls: number; readonly micros: number }> {
    let micros = 0;
    const starts = this.#files > mostTraced ? 1 : 2;
    for (let i = 0; i < starts; i++) {
      const began = performance.now();
      await this.#start(victim, -60e6, 0);
      micros = (performance.now() - began) * 1000;
      await this.#wasbox('discard', '--all');
    }
    if (this.#files > mostTraced) return { calls: 0, micros };
    await this.#start(victim, 0, 0);
    await this.#wasbox('discard', '--all');
    return { calls: Number(fs.readFileSync(this.#count, 'utf8').split(' ')[0]), micros };
  }

  /**
   * Ends a run at a moment, as `kill-at` has it, then lists and applies what is saved.
   * @returns what is wrong; undefined if nothing is
   */
  async kill(victim: Victim, moment: number, signal: number): Promise<string | undefined> {
    await this.#start(victim, moment, signal);
    const said: string[] = [];
    // The sandbox of a killed command takes a moment to end.
    for (let tries = 0; tries < 200; tries++) {
      const runs = await this.#wasbox('runs', '--json');
      said.push(runs.err);
      const { runs: all } = JSON.parse(runs.out) as { runs: { status: string }[] };
      if (all.every(({ status }) => status !== 'running')) break;
    }
    const runs = await this.#wasbox('runs');
    const diff = await this.#wasbox('diff', '--stat');
    // A build before the mend, for the control, has no such option.
    let applied = await this.#wasbox('apply', '--delete');
    if (applied.err.includes('unknown option')) applied = await this.#wasbox('apply');
    said.push(runs.err, diff.err, applied.err);
    const now = treeOf(this.#directory);
    const left = this.#left();
    if (now !== this.allowed[0]) this.#renew();
    await this.#wasbox('discard', '--all');
    const fault = said.find((text) => /internal error|bug in wasbox|ERR_|E[A-Z]{4,}:/.test(text));
    if (fault !== undefined) return `it said: ${fault}`;
    if (!this.allowed.includes(now)) return `${runs.out}${applied.err}the tree is:\n${now}`;
    return left.length === 0 ? undefined : `left behind: ${left.join(', ')}`;
  }

  /** What is left in the state directory that no command shows. */
  #left(): string[] {
    const state = join(stateOf(this.#as), 'wasbox');
    const names = (name: string) =>
      fs.existsSync(join(state, name)) ? fs.readdirSync(join(state, name)) : [];
    return [
      ...names('runs').map((name) => `runs/${name}`),
      ...names('spare').filter((name) => !/^(kept|home|live)-\w$/.test(name)),
    ];
  }

  dispose(): void {
    fs.rmSync(this.#directory, { recursive: true, force: true });
  }
}

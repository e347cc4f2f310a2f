/** Programs that the command starts itself, such as a pager: node:child_process, as far as that. */
import { setTimer, unwatch, watch } from '../loop.js';
import { machine } from '../machine.js';
import { errnoError } from './errors.js';
import { closeSync, openSync, writeSync } from './fs.js';

type Listener = (value: unknown) => void;
type Stdio = 'pipe' | 'inherit' | 'ignore';

interface SpawnOptions {
  readonly stdio?: Stdio | readonly Stdio[];
  readonly env?: Environment;
  readonly cwd?: string;
}

class Emitter {
  readonly #listeners = new Map<string, Listener[]>();

  on(name: string, listener: Listener): this {
    this.#listeners.set(name, [...(this.#listeners.get(name) ?? []), listener]);
    return this;
  }

  once(name: string, listener: Listener): this {
    return this.on(name, listener);
  }

  emit(name: string, value?: unknown): void {
    for (const listener of this.#listeners.get(name) ?? []) listener(value);
  }
}

/** A pipe to a program. Writing waits for it to read: the command has nothing else to do. */
class Input extends Emitter {
  #fd: number | undefined;

  constructor(fd: number) {
    super();
    this.#fd = fd;
  }

  write(text: string | Uint8Array): boolean {
    if (this.#fd === undefined) return true;
    let bytes: Uint8Array = typeof text === 'string' ? Buffer.from(text) : text;
    try {
      while (bytes.length > 0) bytes = bytes.subarray(writeSync(this.#fd, bytes));
    } catch (error) {
      this.emit('error', error);
      this.end();
    }
    return true;
  }

  end(): void {
    if (this.#fd === undefined) return;
    closeSync(this.#fd);
    this.#fd = undefined;
    this.emit('close');
  }
}

class Process extends Emitter {
  readonly stdin: Input | null;

  /** @param pidfd a negative errno where it was not started, which is told as an event */
  constructor(pidfd: number, stdin: Input | null, file: string) {
    super();
    this.stdin = stdin;
    if (pidfd >= 0) watch(pidfd, () => this.#end(pidfd));
    else setTimer(() => this.#fail(errnoError(pidfd, `spawn ${file}`)));
  }

  #end(pidfd: number): void {
    unwatch(pidfd);
    const [status, signal] = machine.loop.ended(pidfd);
    this.stdin?.end();
    const code = signal === 0 ? status : null;
    this.emit('exit', code);
    this.emit('close', code);
  }

  #fail(error: Error): void {
    this.stdin?.end();
    this.emit('error', error);
    this.emit('close', -1);
  }
}

type Environment = Readonly<Record<string, string | undefined>>;

/** A program in the PATH that it will have. An element that is no absolute path leads to where others may write. */
function inPath(file: string, { PATH = '/usr/bin:/bin' }: Environment): string {
  if (file.includes('/')) return file;
  const places = PATH.split(':').filter((directory) => directory.startsWith('/'));
  const found = places.map((directory) => `${directory}/${file}`).find(isExecutable);
  return found ?? `/nosuch/${file}`;
}

const isExecutable = (path: string): boolean =>
  machine.files.access(path, machine.files.constants.X_OK ?? 1) === 0;

export function spawn(file: string, args: readonly string[], options: SpawnOptions = {}): Process {
  const { stdio = 'pipe', env = process.env, cwd = '' } = options;
  const kinds = [0, 1, 2].map((place) => (typeof stdio === 'string' ? stdio : stdio[place]));
  const pipe = kinds[0] === 'pipe' ? machine.loop.pipe() : undefined;
  if (typeof pipe === 'number') throw errnoError(pipe, 'pipe');
  const nothing = kinds.includes('ignore') ? openSync('/dev/null', 'r+') : -1;
  const fds = kinds.map((kind, place) => (kind === 'ignore' ? nothing : place));
  const input = pipe?.[0] ?? fds[0] ?? 0;
  const words = Object.entries(env).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${value}`],
  );
  const own = [input, fds[1] ?? 1, fds[2] ?? 2] as const;
  const started = machine.loop.start(inPath(file, env), [file, ...args], words, own, cwd);
  if (nothing >= 0) closeSync(nothing);
  if (pipe !== undefined) closeSync(pipe[0]);
  const stdin = pipe === undefined ? null : new Input(pipe[1]);
  return new Process(started, stdin, file);
}

/** `process`, as far as the command line uses it. */
import { userById } from './accounts.js';
import { onSignal } from './loop.js';
import { machine } from './machine.js';
import * as buffer from './node/buffer.js';
import * as childProcess from './node/child_process.js';
import * as crypto from './node/crypto.js';
import { checked, errnoError } from './node/errors.js';
import * as fs from './node/fs.js';
import * as os from './node/os.js';
import * as tty from './node/tty.js';
import * as zlib from './node/zlib.js';

const { system, loop, files } = machine;

const modules: Readonly<Record<string, unknown>> = {
  'node:buffer': buffer,
  'node:child_process': childProcess,
  'node:crypto': crypto,
  'node:fs': fs,
  'node:os': os,
  // There are no threads but the supervisor's.
  'node:tty': tty,
  'node:zlib': zlib,
};

type Listener = (value?: unknown) => void;
const listeners = new Map<string, Listener[]>();

function change(name: string, next: Listener[]): void {
  listeners.set(name, next);
  const signal = system.signals[name];
  if (signal === undefined) return;
  onSignal(signal, next.length === 0 ? undefined : () => emit(name));
}

function emit(name: string, value?: unknown): void {
  for (const listener of [...(listeners.get(name) ?? [])]) listener(value);
}

const signalNumber = (signal: string | number): number =>
  typeof signal === 'number' ? signal : (system.signals[signal] ?? 0);

/** The environment as it was when the process began, and what the command changes of it. */
function environment(): Record<string, string> {
  const env: Record<string, string> = {};
  for (const entry of system.environment()) {
    const equals = entry.indexOf('=');
    const name = entry.slice(0, equals);
    // If a name stands twice, the first counts: as getenv(3), and as Node has it.
    if (equals >= 0 && !Object.hasOwn(env, name)) env[name] = entry.slice(equals + 1);
  }
  return env;
}

/** The native command, beside the engine. */
const nativeCommand = (): string => system.executable.replace(/[^/]*$/, 'wasbox');

let env: Record<string, string> | undefined;

export const engineProcess = {
  platform: 'linux',
  get arch(): string {
    return process.arch; // defined by the build
  },
  /** The words of Node's argv: what runs the command, the command, its words. */
  get argv(): readonly string[] {
    return [system.executable, nativeCommand(), ...system.argv];
  },
  execArgv: [] as readonly string[],
  get execPath(): string {
    return system.executable;
  },
  get env(): Record<string, string> {
    env ??= environment();
    return env;
  },
  get pid(): number {
    return system.pid;
  },
  version: '',
  versions: { quickjs: '2025-04-26' },
  geteuid: (): number => system.ids()[1],
  getuid: (): number => system.ids()[0],
  getegid: (): number => system.ids()[2],
  cwd(): string {
    const got = system.cwd();
    if (typeof got === 'number') throw errnoError(got, 'uv_cwd');
    return new buffer.Buffer(got).toString();
  },
  umask(mask?: number): number {
    const before = files.umask(mask ?? 0);
    if (mask === undefined) files.umask(before);
    return before;
  },
  hrtime: { bigint: (): bigint => system.now() },
  getBuiltinModule: (name: string): unknown => modules[name],
  dlopen(loading: { exports: unknown }): void {
    loading.exports = Object.assign(system.addon() as object, { userById });
  },
  kill(pid: number, signal: string | number): void {
    checked(loop.sendSignal(pid, signalNumber(signal)), 'kill');
  },
  on(name: string, listener: Listener): void {
    change(name, [...(listeners.get(name) ?? []), listener]);
  },
  once(name: string, listener: Listener): void {
    const wrapped = (value?: unknown): void => {
      engineProcess.off(name, wrapped);
      listener(value);
    };
    engineProcess.on(name, wrapped);
  },
  off(name: string, listener: Listener): void {
    change(
      name,
      (listeners.get(name) ?? []).filter((one) => one !== listener),
    );
  },
  listeners: (name: string): readonly Listener[] => listeners.get(name) ?? [],
  exit(status: number): never {
    const left = listeners.get('exit') ?? [];
    listeners.delete('exit');
    for (const listener of left) listener(status);
    return loop.end(status);
  },
};

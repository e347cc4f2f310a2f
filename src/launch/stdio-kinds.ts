/**
 * What the payload's standard streams lead to on the host, as far as a guard depends on
 * it. The native command tells the same kinds apart (addon/fastpath/cache_key.c).
 */
import { fstatSync, readFileSync, type Stats } from 'node:fs';
import type { TerminalMode } from '../plan/index.js';
import type { Guards, SandboxSpec } from '../resolve/index.js';

/** What the payload shares with the host beside the file tree. */
export type Stdio = readonly [number, number, number];

interface Streams {
  /** Streams that are host files which the payload could change, as a message names them. */
  readonly files: readonly string[];
  /** Whether it is given a terminal of the caller's. */
  readonly terminal: boolean;
  /** Whether one is a socket. */
  readonly socket: boolean;
}

const names = ['stdin', 'stdout', 'stderr'];

/** Character devices that are none: null, zero, full, random (mem(4)). */
const memoryDevices = 1;

const isTerminal = (stat: Stats): boolean =>
  stat.isCharacterDevice() && Math.floor(stat.rdev / 256) % 4096 !== memoryDevices;

/**
 * Whether its mode could be changed through the descriptor: init opens a file that was opened for
 * reading once more, through a read-only mount, unless it has no name to find it by.
 */
function isGivenAway(fd: number, stat: Stats): boolean {
  if (!stat.isFile()) return false;
  // proc_pid_fdinfo(5): open flags in octal; the lowest two bits are the access mode, 0 for reading.
  const info = readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8');
  return stat.nlink === 0 || !/^flags:\s+[0-7]*[04]$/m.test(info);
}

/** @param piped whether files at stdout and stderr are written to through wasbox */
function lookAtStreams(
  stdio: Stdio,
  { terminal, piped }: { readonly terminal: TerminalMode; readonly piped: boolean },
): Streams {
  const stats = stdio.map((fd) => fstatSync(fd));
  const terminals = stats.map(isTerminal);
  const [keyboard, display] = terminals;
  const leadsOn = stats.slice(1).some((stat) => stat.isFIFO() || stat.isSocket());
  // As addon/supervisor/caller.c decides, which sees more: a guard too many does no harm.
  const relayed = (i: number): boolean => {
    if (terminal === 'always') return i < 2 || terminals[i] === true;
    if (terminal === 'never') return false;
    return i > 0 || display === true || (keyboard === true && !leadsOn);
  };
  const through = (i: number) => (piped && i > 0) || (terminal === 'always' && i < 2);
  return {
    files: names.filter((_, i) => {
      const [fd, stat] = [stdio[i], stats[i]];
      return fd !== undefined && stat !== undefined && !through(i) && isGivenAway(fd, stat);
    }),
    terminal: terminals.some((is, i) => is && !relayed(i)),
    socket: stats.some((stat) => stat.isSocket()),
  };
}

/** Where what the payload writes can outlive the sandbox. */
function writableOf({ mounts }: SandboxSpec, { files }: Streams, asks: boolean): string[] {
  const given = mounts.flatMap((mount) =>
    mount.type === 'bind' && !mount.readOnly ? [`--rw ${mount.source}`] : [],
  );
  return [...files, ...given, ...(asks ? ['what --ask allows'] : [])];
}

/** Whether sockets of the host's network are inside, though the payload has another one. */
function holdsHostSockets({ net }: SandboxSpec, { socket }: Streams): boolean {
  return net === 'rules' || (net !== 'host' && socket);
}

export function chooseGuards(
  spec: SandboxSpec,
  stdio: Stdio,
  { asks, terminal = 'never' }: { asks: boolean; terminal?: TerminalMode | undefined },
): Guards {
  const piped = spec.limits.outputBytes !== undefined;
  const streams = lookAtStreams(stdio, { terminal, piped });
  return {
    files: writableOf(spec, streams, asks),
    terminal: streams.terminal,
    sockets: holdsHostSockets(spec, streams),
  };
}

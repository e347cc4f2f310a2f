/**
 * Finds the process that is the init of a run that is running. It stands in the run's lock; a number by itself may be
 * another process's by now, so it counts only if its parent has that very lock open.
 */
import { fstatSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { errnoOf, openDirectory, openToRead, withFd } from '../files/fdtree.js';
import type { ChangesNative } from '../model/index.js';
import { openOwn, type Store } from './state-dir.js';

/** Pid of the init of run `id`; undefined if it does not run, or another user's process runs it. */
export function initOfRun(store: Store, id: string): number | undefined {
  try {
    const runs = openOwn(store, 'runs', false);
    if (runs === undefined) return undefined;
    return withFd(runs, () =>
      withFd(openDirectory(store.native, runs, Buffer.from(id)), (directory) =>
        withFd(openToRead(store.native, directory, Buffer.from('lock')), (lock) => {
          const pid = Number(/^\d{10}\n/.exec(readFileSync(lock, 'latin1'))?.[0] ?? 0);
          const parent = pid === 0 ? undefined : parentOf(pid);
          return parent !== undefined && hasOpen(parent, fstatSync(lock)) ? pid : undefined;
        }),
      ),
    );
  } catch (error) {
    errnoOf(error); // it has ended, or is another user's
    return undefined;
  }
}

/**
 * Returns whether the init of a run whose wasbox is gone still ends the program, which takes a moment without a pid
 * namespace. Another process that has its number by now has another name.
 */
export function isEnding(native: ChangesNative, directory: number): boolean {
  try {
    const text = withFd(openToRead(native, directory, Buffer.from('lock')), (lock) =>
      readFileSync(lock, 'latin1'),
    );
    const pid = Number(/^\d{10}\n/.exec(text)?.[0] ?? 0);
    if (pid === 0 || (statFields(pid)?.[0] ?? 'Z') === 'Z') return false;
    return readFileSync(`/proc/${pid}/comm`, 'latin1') === 'wasbox-init\n';
  } catch (error) {
    errnoOf(error);
    return false;
  }
}

/** The program of the run: the first child of its init; undefined before it starts. */
export function payloadOf(init: number): number | undefined {
  return childrenOf(init).sort((a, b) => startOf(a) - startOf(b))[0];
}

/** The programs of a session, and what they left running. */
export function childrenOf(init: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && parentOf(Number(name)) === init)
    .map(Number);
}

/** Fields of /proc/PID/stat from the third on: proc_pid_stat(5). */
function statFields(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch (error) {
    errnoOf(error);
    return undefined;
  }
}

const parentOf = (pid: number): number | undefined => {
  const field = statFields(pid)?.[1];
  return field === undefined ? undefined : Number(field);
};

const startOf = (pid: number): number => Number(statFields(pid)?.[19] ?? 0);

function hasOpen(
  pid: number,
  { dev, ino }: { readonly dev: number; readonly ino: number },
): boolean {
  const directory = `/proc/${pid}/fd`;
  return readdirSync(directory).some((name) => {
    const info = statSync(`${directory}/${name}`, { throwIfNoEntry: false });
    return info?.dev === dev && info.ino === ino;
  });
}

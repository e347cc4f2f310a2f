/** Looking at a running sandbox from the host, through /proc. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Fields of /proc/PID/status. */
export function processStatus(pid: number): Map<string, string> {
  const lines = readFileSync(`/proc/${pid}/status`, 'utf8').split('\n');
  return new Map(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    }),
  );
}

/** Session id, field 6 of /proc/PID/stat; the name before it may hold anything but a last ')'. */
export function sessionOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[3]);
}

export function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((candidate) => {
      try {
        return Number(processStatus(candidate).get('PPid')) === pid;
      } catch {
        return false; // it is gone
      }
    });
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function until<T>(find: () => T | undefined, what: string): Promise<T> {
  for (let i = 0; i < 6000; i++) {
    const found = find();
    if (found !== undefined) return found;
    await sleep(20);
  }
  throw new Error(`no ${what} within 120 s`);
}

/**
 * Pids on the host of a sandbox's init and payload, below the process that started wasbox. The
 * payload is one that comes to rest: while it loads, its descriptors are those of the loader.
 */
export async function findSandbox(
  starter: number,
  payloadName: string,
): Promise<{ init: number; payload: number }> {
  const named = (pid: number, name: string) => processStatus(pid).get('Name') === name;
  const isAsleep = (pid: number) => processStatus(pid).get('State')?.startsWith('S') === true;
  const descend = (pid: number): number | undefined => {
    for (const child of childrenOf(pid)) {
      try {
        if (named(child, 'wasbox-init')) return child;
      } catch {
        continue;
      }
      const deeper = descend(child);
      if (deeper !== undefined) return deeper;
    }
    return undefined;
  };
  const init = await until(() => descend(starter), 'wasbox-init');
  const payload = await until(
    () => childrenOf(init).find((pid) => named(pid, payloadName) && isAsleep(pid)),
    `payload called ${payloadName}`,
  );
  return { init, payload };
}

export const namespaceOf = (pid: number | 'self', kind: string): string =>
  readlinkSync(`/proc/${pid}/ns/${kind}`);

export const descriptorsOf = (pid: number): number[] =>
  readdirSync(`/proc/${pid}/fd`)
    .map(Number)
    .sort((a, b) => a - b);

export const environmentOf = (pid: number): string[] =>
  readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').filter(Boolean);

/** Mount options of the root of a process, as the payload has it. */
export function rootMountOptions(pid: number): string[] {
  for (const line of readFileSync(`/proc/${pid}/mountinfo`, 'utf8').split('\n')) {
    const fields = line.split(' ');
    if (fields[4] === '/') return (fields[5] ?? '').split(',');
  }
  return [];
}

// Measures what a process holds of the machine, and what its sandboxes could leave on it. For soak.mjs.
import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

function list(directory) {
  try {
    return readdirSync(directory);
  } catch {
    return []; // none, no directory, or gone meanwhile
  }
}

const count = (directory) => list(directory).length;

/** Processes that are its children, and those of its user that name `marker`; with their states. */
function processes(marker) {
  const listing = execFileSync('ps', ['-e', '-o', 'ppid=,stat=,args='], { encoding: 'utf8' });
  const rows = listing
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/));
  const children = rows.filter(
    ([parent, , program]) => Number(parent) === process.pid && program !== 'ps',
  );
  return {
    children: children.length,
    zombies: children.filter(([, state]) => state.startsWith('Z')).length,
    marked: rows.filter(([, , ...words]) => words.join(' ').includes(marker)).length,
  };
}

/** Cgroups of runs, wherever they may be: wasbox-*. */
function cgroups(directory = '/sys/fs/cgroup') {
  let found = 0;
  for (const entry of existsSync(directory)
    ? readdirSync(directory, { withFileTypes: true })
    : []) {
    if (!entry.isDirectory()) continue;
    found += Number(entry.name.startsWith('wasbox-'));
    found += cgroups(join(directory, entry.name));
  }
  return found;
}

/**
 * Returns what V8 uses, without what it has collected and keeps for what comes, and what malloc holds: its heap,
 * and the arenas of other threads, which begin at multiples of 64 MiB.
 */
function ownMemoryMB() {
  const { heapUsed, external } = process.memoryUsage();
  let bytes = heapUsed + external;
  let counts = false;
  for (const line of readFileSync('/proc/self/smaps', 'utf8').split('\n')) {
    const mapping = /^([0-9a-f]+)-[0-9a-f]+ rw-p \S+ \S+ \d+\s*(.*)$/.exec(line);
    if (/^[0-9a-f]+-/.test(line)) {
      const [, start = '1', name] = mapping ?? [];
      counts = name === '[heap]' || (name === '' && Number.parseInt(start, 16) % 2 ** 26 === 0);
    }
    if (counts) bytes += Number(/^Anonymous:\s+(\d+)/.exec(line)?.[1] ?? 0) * 1024;
  }
  return Math.round(bytes / 2 ** 20);
}

/** Returns what the user has in shared memory, and its System V objects: sysvipc(7). */
function shared() {
  const uid = process.getuid();
  const ownFiles = list('/dev/shm').filter(
    (name) => lstatSync(join('/dev/shm', name), { throwIfNoEntry: false })?.uid === uid,
  );
  const objects = ['shm', 'sem', 'msg'].flatMap((kind) => {
    const [head = '', ...rows] = readFileSync(`/proc/sysvipc/${kind}`, 'utf8').trim().split('\n');
    const at = head.trim().split(/\s+/).indexOf('uid');
    return rows.filter((row) => Number(row.trim().split(/\s+/)[at]) === uid);
  });
  return ownFiles.length + objects.length;
}

/** Files of earlier runs in what the next ones without namespaces get. */
const stale = (spare) =>
  list(spare).reduce((sum, name) => {
    const root = join(spare, name, 'live');
    return sum + list(root).reduce((all, part) => all + count(join(root, part)), 0);
  }, 0);

/**
 * @param places.state the state directory's parent
 * @param places.work what the sandboxes work in, `places.temporary` what they have for temporary files
 * @param places.marker part of the command line of everything that a sandbox runs
 */
export function held({ state, work, temporary, marker }) {
  globalThis.gc?.();
  return {
    ...processes(marker),
    descriptors: count('/proc/self/fd'),
    threads: count('/proc/self/task'),
    mounts: readFileSync('/proc/self/mountinfo', 'utf8').split('\n').length,
    cgroups: cgroups(),
    runs: count(join(state, 'wasbox', 'runs')) + count(join(state, 'wasbox', 'saved')),
    spares: count(join(state, 'wasbox', 'spare')),
    stale: stale(join(state, 'wasbox', 'spare')),
    shared: shared(),
    work: count(work),
    temporary: count(temporary),
    memoryMB: ownMemoryMB(),
  };
}

/** Names of what is more than it was. Memory may grow by `slackMB`, which V8 takes as it likes. */
export function grown(before, after, slackMB) {
  return Object.keys(before).filter(
    (name) => after[name] > before[name] + (name === 'memoryMB' ? slackMB : 0),
  );
}

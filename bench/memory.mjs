// Measures what an idle sandbox takes beside its payload: proportional set size (smaps_rollup) of PID 1 inside.
import { spawn as start } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { bubblewrap, isInstalled } from './peers.mjs';

const pss = (pid) => {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  return Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1]) * 1024;
};
const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Descendants of a process that run bwrap: one that waits outside, one that is PID 1 inside. */
function bwrapProcesses(pid) {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  const own = readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'bwrap' ? [pid] : [];
  const below = children === '' ? [] : children.split(' ').map(Number).flatMap(bwrapProcesses);
  return [...own, ...below];
}

export async function measureMemory({ spawn }, { work }) {
  const rows = [];
  const sandboxes = await Promise.all(
    Array.from({ length: 4 }, () =>
      spawn({ command: 'sleep', args: ['60'], workdir: work, changes: 'discard' }),
    ),
  );
  await later(300);
  const values = sandboxes.map(({ pid }) => pss(pid)).sort((a, b) => a - b);
  for (const sandbox of sandboxes) sandbox.kill('SIGKILL');
  await Promise.all(sandboxes.map(({ result }) => result));
  rows.push({ name: 'wasbox, idle', pssBytes: values[2] });
  if (isInstalled('bwrap')) {
    const [file, ...args] = bubblewrap(work, 'sleep', '60');
    const child = start(file, args, { stdio: 'ignore' });
    await later(500);
    try {
      const total = bwrapProcesses(child.pid).reduce((sum, pid) => sum + pss(pid), 0);
      rows.push({ name: 'bubblewrap, idle', pssBytes: total });
    } catch {
      // Another user's, where bwrap is set-uid: not to be seen.
    }
    child.kill('SIGKILL');
  }
  return rows;
}

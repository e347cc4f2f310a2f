// Start-up of commands: from the start to the end of a program that does nothing.
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { median, summarize } from './measure.mjs';
import { bubblewrap, isInstalled } from './peers.mjs';
import { compile, timeInTurn } from './timer.mjs';

/**
 * `wasbox run` of the no-op, by the native command (undefined without one) and by Node: the script that
 * npm's `bin` is until the native command takes its place, and that the native command starts.
 */
export function commands({ dist, noop }) {
  const front = join(dist, 'native', `${process.platform}-${process.arch}`, 'wasbox');
  const words = ['run', '--discard', '--', noop];
  return {
    front: existsSync(front) ? [front, ...words] : undefined,
    node: [process.execPath, join(dist, 'cli.cjs'), ...words],
  };
}

export function measureStartup({ work, dist, noop, rounds, working }) {
  const { front, node } = commands({ dist, noop });
  const fast = [
    { name: 'plain program', argv: [noop] },
    ...(front ? [{ name: 'wasbox run, repeated', argv: front }] : []),
    ...working.filter(({ slow }) => !slow),
  ];
  const quick = timeInTurn(work, fast, { rounds: rounds * 4, warmUps: 5 });
  const slow = [
    { name: 'plain Node', argv: [process.execPath, '-e', '0'] },
    { name: 'wasbox run, through Node', argv: node },
    ...working.filter((peer) => peer.slow),
  ];
  const few = timeInTurn(work, slow, { rounds: Math.max(3, Math.ceil(rounds / 4)), warmUps: 1 });
  rmSync(join(work, 'state-runc'), { recursive: true, force: true });
  const rows = [];
  for (const [name, us] of quick) rows.push(summarize(name, us, quick.get('bubblewrap')));
  for (const [name, us] of few) {
    const row = summarize(name, us);
    rows.push({ ...row, firstOver: ratioOf(few.get('wasbox run, through Node'), us) });
  }
  return rows;
}

/**
 * Measures with and without namespaces: `--isolation landlock` copies the working directory, which here holds nothing
 * but a program of 9 kB.
 */
export function measureIsolations({ work, dist, rounds }) {
  const place = join(work, 'isolations');
  mkdirSync(place);
  const noop = compile(
    fileURLToPath(new URL('noop.c', import.meta.url)),
    join(place, 'noop'),
    ...['-static', '-nostdlib'],
  );
  const { front } = commands({ dist, noop });
  if (!front || !isInstalled('bwrap')) return [];
  const [wasbox, run, ...words] = front;
  const isolated = (name) => [wasbox, run, '-q', '--isolation', name, ...words];
  const contestants = [
    { name: 'bubblewrap', argv: bubblewrap(place, noop) },
    { name: 'wasbox run with namespaces', argv: isolated('namespaces') },
    { name: 'wasbox run without namespaces', argv: isolated('landlock') },
  ];
  // The timer is not to be copied for each run.
  const samples = timeInTurn(place, contestants, { rounds: rounds * 4, warmUps: 5, tools: work });
  return [...samples].map(([name, us]) => summarize(name, us, samples.get('bubblewrap')));
}

const ratioOf = (first, other) => Number(median(first.map((us, i) => us / other[i])).toFixed(4));

// Measures what users run beside a program that does nothing: first runs of programs of each size, programs that fail, and
// programs that write many files. Each is timed in turn with bubblewrap's start of a program that does nothing, and
// with the same program outside where its own time matters.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { median, summarize } from './measure.mjs';
import { bubblewrap, isInstalled } from './peers.mjs';
import { commands } from './startup.mjs';
import { compile, timeInTurn } from './timer.mjs';

const base = 'bubblewrap';
const megabyte = 1_048_576;
const writer = fileURLToPath(new URL('writer.c', import.meta.url));

/** Median of the differences between paired measurements. */
const moreThan = (us, plain) => Math.round(median(us.map((value, i) => value - plain[i])));

/**
 * Times contestants in turn. `alone` of a contestant is the same program outside, which is timed, too.
 * @returns rows of the contestants; `moreUs` is the time beyond the program alone, which `ratio` compares with bubblewrap
 */
function inTurn(work, peer, contestants, options) {
  const all = contestants.flatMap(({ alone, ...one }) =>
    alone ? [one, { ...one, name: `${one.name}, alone`, argv: alone }] : [one],
  );
  const samples = timeInTurn(work, [...peer, ...all], options);
  return contestants.map(({ name }) => {
    const us = samples.get(name);
    const alone = samples.get(`${name}, alone`);
    const own = alone ? us.map((value, i) => value - alone[i]) : us;
    return {
      ...summarize(name, us),
      ...(samples.has(base) ? { ratio: summarize(name, own, samples.get(base)).ratio } : {}),
      ...(alone ? { aloneUs: Math.round(median(alone)), moreUs: moreThan(us, alone) } : {}),
    };
  });
}

/** Lines of varied words up to a size: what searches through a program's text meets. */
function filled(start, line, bytes) {
  const parts = [start];
  for (let at = 0, size = start.length; size < bytes; at++) {
    const next = line(at);
    parts.push(next);
    size += next.length;
  }
  return parts.join('');
}

/** The text of a program that fails at a file that is not there; the rest of its text does nothing. */
const failing = {
  sh: {
    argv: ['sh'],
    start: '#!/bin/sh\ncat /nowhere/settings.conf || exit 3\n',
    line: (n) => `# step ${n}: --option-${n} of "$HOME/tool-${n}" in ${n * 7} turns\n`,
  },
  py: {
    argv: ['python3'],
    start: 'import sys\nprint("no settings.conf", file=sys.stderr)\nsys.exit(3)\n',
    line: (n) =>
      `# step ${n}: ${n % 100 ? `tool_${n}` : `os.environ["NAME_${n}"]`} in ${n * 7} turns\n`,
  },
  // On one line, as a bundler's output.
  js: {
    argv: [process.execPath],
    start: 'console.error("no settings.conf");process.exit(3);',
    line: (n) => `var a${n}=function(b,c){return b["k${n}"]+c(${n * 7})};`,
  },
};

function firstRuns({ work, wasbox, large, bytes }) {
  const script = (name, size) => {
    const path = join(work, name);
    writeFileSync(path, filled('#!/bin/sh\nexit 0\n', failing.sh.line, size), { mode: 0o755 });
    return path;
  };
  const small = compile(writer, join(work, 'small'));
  const first = (name, ...argv) => ({
    name: `first run: ${name}`,
    argv: [wasbox, 'run', '--discard', '--env', 'N={n}', '--', ...argv],
  });
  return [
    first('true', 'true'),
    first('a program of 16 KB', small, '0', '{n}'),
    first('a static program of 740 KB', large, '0', '{n}'),
    first('a script of 100 bytes', script('small.sh', 84)),
    first('a script of 1 MB', script('large.sh', bytes)),
    ...(isInstalled('python3')
      ? [{ ...first('python3', 'python3', '-c', 'pass'), alone: ['python3', '-c', 'pass'] }]
      : []),
  ];
}

function failures({ work, wasbox, bytes: most }) {
  return Object.entries(failing).flatMap(([extension, { argv, start, line }]) =>
    isInstalled(argv[0])
      ? [
          ['small', 100],
          ['1 MB', most],
        ].map(([size, bytes]) => {
          const path = join(work, `fails-${bytes}.${extension}`);
          writeFileSync(path, filled(start, line, bytes), { mode: 0o755 });
          return {
            name: `a failing .${extension} file, ${size}`,
            argv: [wasbox, 'run', '--discard', '--', ...argv, path],
            alone: [...argv, path],
            status: 3,
          };
        })
      : [],
  );
}

function manyFiles({ wasbox, large, counts }) {
  // Before each, untimed: the directory goes, and so does what the former run changed.
  const tidy = ['sh', '-c', 'rm -rf many; "$0" discard; :', wasbox, '{then}'];
  return counts.map((count) => ({
    name: `a run that writes ${count} files`,
    argv: [...tidy, wasbox, 'run', '--', large, String(count), '{n}', 'many'],
    alone: [...tidy, large, String(count), '{n}', 'many'],
  }));
}

/**
 * @param context `bytes`, `counts`: smaller sizes, where only is asked whether the programs run
 * @returns rows; none without the native command
 */
export function measurePrograms({ work: home, dist, noop, rounds, warmUps = 2, ...sizes }) {
  const { front } = commands({ dist, noop });
  if (!front) return [];
  const { bytes = megabyte, counts = [1000, 10_000] } = sizes;
  // A directory of its own: runs change files in it.
  const work = join(home, 'programs');
  mkdirSync(work);
  const [wasbox] = front;
  const large = compile(writer, join(work, 'writer'), '-static');
  const peer = isInstalled('bwrap')
    ? [{ name: base, argv: bubblewrap(work, large, '0', '0') }]
    : [];
  const place = { work, wasbox, large, bytes, counts };
  const fewer = (part) => ({
    rounds: Math.min(rounds, Math.max(3, Math.ceil(rounds / part))),
    warmUps: Math.min(warmUps, 1),
  });
  return [
    ...inTurn(work, peer, firstRuns(place), { rounds, warmUps }),
    ...inTurn(work, peer, failures(place), fewer(4)),
    ...inTurn(work, [], manyFiles(place), fewer(10)),
  ];
}

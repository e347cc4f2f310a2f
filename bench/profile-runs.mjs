// Turns the lines of `perf script` into the steps of a run. A run is a chain in which one process at a time has the
// others wait: the native command until it clones, init until it tells the payload's process that the file tree is
// there, the payload until it is gone, init until it is gone, and the native command again. Each moment of that chain
// belongs to one step; what others do meanwhile takes no time of it.
import { spawnSync } from 'node:child_process';
import { median, quantile } from './measure.mjs';

/** System call numbers of this machine. */
function callNames() {
  const { stdout } = spawnSync('cc', ['-dM', '-E', '-'], {
    input: '#include <sys/syscall.h>\n',
    encoding: 'utf8',
  });
  const found = [...stdout.matchAll(/^#define __NR_(\w+) (\d+)$/gm)];
  return new Map(found.map(([, name, number]) => [Number(number), name]));
}

const names = callNames();
const lineOf = /^\s*(\d+)\s+(\d+)\.(\d+):\s+(\S+):\s*(.*)$/;

function eventOf(line) {
  const match = lineOf.exec(line);
  if (match === null) return undefined;
  const [, tid, seconds, nanoseconds, name, rest] = match;
  const event = { pid: Number(tid), us: Number(seconds) * 1e6 + Number(nanoseconds) / 1e3, rest };
  const kind = name.split(':')[1];
  if (kind === 'sys_enter' || kind === 'sys_exit') {
    const call = names.get(Number(/^NR (-?\d+)/.exec(rest)?.[1])) ?? '?';
    const args = kind === 'sys_enter' ? (/\((.*)\)/.exec(rest)?.[1].split(', ') ?? []) : [];
    return { ...event, kind, call, args: args.map((text) => Number.parseInt(text, 16)) };
  }
  const child = /child_pid=(\d+)/.exec(rest);
  return { ...event, kind, child: child ? Number(child[1]) : undefined };
}

/** The events of each run, from the execution of `front` on. */
export async function splitRuns(lines, front) {
  const runs = [];
  const pids = new Map();
  for await (const line of lines) {
    const event = eventOf(line);
    if (event === undefined) continue;
    if (event.kind === 'sched_process_exec' && event.rest.includes(`filename=${front} `)) {
      const run = { front: event.pid, events: [] };
      runs.push(run);
      pids.set(event.pid, run);
    }
    const run = pids.get(event.pid);
    if (run === undefined) continue;
    run.events.push(event);
    if (event.kind === 'sched_process_fork') pids.set(event.child, run);
    if (event.kind === 'sched_process_exit') pids.delete(event.pid);
  }
  return runs;
}

/** One process's calls: from each to the next, so that nothing lies between them. */
function stretches(who, events, from, to) {
  const out = [];
  let at = from;
  let call = 'begin';
  let args = [];
  for (const event of events) {
    if (event.us <= from || event.kind !== 'sys_enter') continue;
    if (event.us >= to) break;
    out.push({ who, call, args, us: event.us - at });
    at = event.us;
    ({ call, args } = event);
  }
  out.push({ who, call, args, us: to - at });
  return out;
}

/** The run's chain, tiled; undefined where an event is missing. */
export function profileOf({ front, events }) {
  const of = (pid) => events.filter((event) => event.pid === pid);
  const first = (list, kind, call) =>
    list.find((event) => event.kind === kind && (call === undefined || event.call === call));
  const frontEvents = of(front);
  const init = frontEvents.find(({ kind }) => kind === 'sched_process_fork')?.child;
  const initEvents = of(init);
  const payload = initEvents.find(({ kind }) => kind === 'sched_process_fork')?.child;
  const payloadEvents = of(payload);
  const begin = first(frontEvents, 'sched_process_exec');
  const forked = first(frontEvents, 'sched_process_fork');
  const started = first(initEvents, 'sched_process_fork');
  const entered = initEvents.find(
    ({ kind, call, us }) => kind === 'sys_enter' && call === 'futex' && us > started?.us,
  );
  const payloadGone = first(payloadEvents, 'sched_process_exit');
  const initGone = first(initEvents, 'sched_process_exit');
  const end = first(frontEvents, 'sched_process_exit');
  if ([begin, forked, entered, payloadGone, initGone, end].includes(undefined)) return undefined;
  const told = initEvents.findLast(
    ({ kind, call, us }) => kind === 'sys_enter' && call === 'sendto' && us > started.us,
  );
  const back = frontEvents.find(({ kind, us }) => kind === 'sys_exit' && us > told.us);
  const chain = [
    ...stretches('front', frontEvents, begin.us, forked.us),
    ...stretches('init', initEvents, forked.us, entered.us),
    ...stretches('payload', payloadEvents, entered.us, payloadGone.us),
    ...stretches('init, at the end', initEvents, payloadGone.us, back.us),
    ...stretches('front, at the end', frontEvents, back.us, end.us),
  ];
  return { us: end.us - begin.us, chain: inSteps(chain) };
}

/**
 * The steps of each process, in their order, each with the call that begins it and, where that alone
 * would not do, the call's first argument.
 */
const CLONE_FS = 0x200;
const steps = {
  front: [
    ['begin', undefined, 'start of the executable, facts about the start'],
    ['getcwd', undefined, 'the entry is read'],
    ['clock_gettime', undefined, "the run's layer and journal entry"],
    ['rt_sigprocmask', undefined, 'init and plan into sealed memfds'],
    ['clone', undefined, 'clone with all namespaces'],
  ],
  init: [
    ['begin', undefined, 'descriptors and capabilities'],
    ['execveat', undefined, 'execution of init'],
    ['umask', undefined, 'id maps'],
    ['keyctl', undefined, 'session keyring, standard descriptors'],
    ['rt_sigprocmask', undefined, "the payload's process begins"],
    ['mount', undefined, 'tmpfs'],
    ['open_tree', undefined, 'file tree: mounts and entries'],
    ['fchdir', undefined, 'pivot_root, host name'],
  ],
  payload: [
    ['begin', undefined, 'network namespace and rights, as far as the tree was earlier'],
    ['unshare', CLONE_FS, 'Landlock ruleset'],
    ['rt_sigprocmask', undefined, 'limits, Landlock'],
    ['seccomp', undefined, 'filter; waits for init, which takes the old tree away'],
    ['execve', undefined, 'execve, the program, its end'],
  ],
  'init, at the end': [['begin', undefined, 'reaps, tells the end']],
  'front, at the end': [['begin', undefined, 'layer unchanged? who tidies up stays behind']],
};

/** Gives each stretch its step. Steps follow each other; one that never comes is an error. */
function inSteps(chain) {
  const at = { front: -1, init: -1, payload: -1, 'init, at the end': -1, 'front, at the end': -1 };
  const named = chain.map((one) => {
    const next = steps[one.who][at[one.who] + 1];
    if (next !== undefined && one.call === next[0] && (next[1] ?? one.args[0]) === one.args[0])
      at[one.who]++;
    return { ...one, step: steps[one.who][at[one.who]][2] };
  });
  for (const [who, list] of Object.entries(steps))
    if (at[who] !== list.length - 1)
      throw new Error(
        `${who} has no "${list[at[who] + 1][0]}" after "${list[at[who]]?.[2]}": bring the steps in profile-runs.mjs up to date`,
      );
  return named;
}

const sum = (list, of) => list.reduce((total, one) => total + of(one), 0);

/** Calls that do next to nothing: they take as long as their tracing. */
const trivial = new Set(['getuid', 'geteuid', 'getgid', 'getegid']);

/** A step's time in the tenth of all runs in which it was shortest: nearly undisturbed. */
function lowest(profiles, key, each, wanted) {
  const name = key(wanted);
  const times = profiles.map(({ chain }) =>
    sum(
      chain.filter((one) => key(one) === name),
      (one) => Math.max(0, one.us - each),
    ),
  );
  return quantile(times, 0.1);
}

/**
 * Averages over the quickest quarter of the runs, so that what other programs took is left out, and
 * without what the tracing of each call took.
 */
export function average(profiles) {
  const limit = quantile(
    profiles.map((one) => one.us),
    0.25,
  );
  const quiet = profiles.filter((one) => one.us <= limit);
  const stretchesOf = quiet.flatMap(({ chain }) => chain);
  const each = median(stretchesOf.filter(({ call }) => trivial.has(call)).map(({ us }) => us));
  const groups = (key) => {
    const found = new Map();
    for (const one of stretchesOf) {
      const name = key(one);
      const { who, step, call } = one;
      const group = found.get(name) ?? { who, step, call, us: 0, count: 0 };
      group.us += Math.max(0, one.us - each) / quiet.length;
      group.count += 1 / quiet.length;
      found.set(name, group);
    }
    return [...found.values()];
  };
  const us = sum(stretchesOf, (one) => Math.max(0, one.us - each)) / quiet.length;
  const share = (one) => ({ ...one, share: one.us / us });
  const stepOf = ({ who, step }) => `${who} ${step}`;
  const steps = groups(stepOf).map((one) => ({
    ...share(one),
    lowUs: lowest(profiles, stepOf, each, one),
  }));
  const calls = groups(({ who, call }) => `${who} ${call}`).map(share);
  return {
    us,
    tracedUs: sum(quiet, (one) => one.us) / quiet.length,
    tracingUs: each,
    runs: quiet.length,
    count: stretchesOf.length / quiet.length,
    steps,
    calls: calls.sort((a, b) => b.us - a.us).slice(0, 40),
  };
}

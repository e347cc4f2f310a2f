// Grades many small programs: node harness.mjs TASKS.jsonl > RESULTS.jsonl
// A task is a line {"id", "code", "lang"?, "input"?, "expected"?}. Without a file, it makes 1,000 of its own;
// HARNESS_TASKS says how many.
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { run } from 'wasbox';

/** Every eighth hangs, fails, floods, forks, eats memory, or looks for what is not its own. */
function* ownTasks(count) {
  const bad = [
    'while True: pass',
    'raise SystemExit(3)',
    'while True: print("x" * 1000)',
    'import os\nwhile True: os.fork()',
    'x = []\nwhile True: x.append(" " * 10**7)',
    'import socket; socket.create_connection(("192.0.2.1", 80), 1)',
    'import os; os.kill(1, 9); open("/etc/passwd", "a")',
  ];
  for (let id = 0; id < count; id++) {
    if (id % 8 === 7) yield { id, code: bad[((id - 7) / 8) % bad.length] };
    else yield { id, code: 'print(int(input()) ** 2)', input: `${id}\n`, expected: `${id ** 2}\n` };
  }
}

async function* tasksOf(file) {
  if (file === undefined) yield* ownTasks(Number(process.env.HARNESS_TASKS ?? 1000));
  else for await (const line of createInterface(createReadStream(file))) if (line.trim()) yield JSON.parse(line);
}

const limits = {
  timeoutMs: 30_000,
  graceMs: 500,
  cpuMs: 2000,
  memoryBytes: 256 * 2 ** 20,
  pids: 32,
  maxOutputBytes: 64 * 1024,
  changes: 'discard',
};

function verdictOf({ outcome, limit, exitCode, signal, stdout, truncated }, { expected }) {
  if (outcome !== 'exited') return limit === undefined ? `killed by ${signal}` : `limit: ${limit}`;
  if (truncated) return 'too much output';
  if (exitCode !== 0) return `exit ${exitCode}`;
  return expected === undefined || stdout === expected ? 'passed' : 'wrong';
}

const controller = new AbortController();
process.once('SIGINT', () => controller.abort(new Error('interrupted')));

const counts = new Map();
async function grade(task) {
  const { id, code, lang = 'python', input = '' } = task;
  const result = await run({ ...limits, lang, code, input, signal: controller.signal });
  const verdict = verdictOf(result, task);
  counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
  const { stderr, durationMs } = result;
  console.log(JSON.stringify({ id, verdict, durationMs: Math.round(durationMs), stderr: stderr.slice(-500) }));
}

// run() waits by itself while many go on; this keeps a file of millions from being read at once.
const going = new Set();
try {
  for await (const task of tasksOf(process.argv[2])) {
    const one = grade(task).finally(() => going.delete(one));
    going.add(one);
    if (going.size >= 200) await Promise.race(going);
  }
  await Promise.all(going);
} catch (error) {
  console.error(`${error.name}: ${error.message}`);
  process.exitCode = 1;
  controller.abort();
  await Promise.allSettled(going);
}
console.error([...counts].map(([verdict, count]) => `${count} ${verdict}`).join(', '));

// Measures whether the host keeps answering while a bomb goes off in a sandbox: bombs that do not end by
// themselves, and a probe beside them. For test/attacks/responsive.test.ts and bench/limits.mjs.
import { spawn } from 'node:child_process';

/** Starts a program, waits for it, writes a small file and reads it; prints microseconds each time. */
const probe = `import os, sys, time
path = sys.argv[1]
while True:
    begin = time.monotonic_ns()
    os.waitpid(os.posix_spawn('/bin/true', ['true'], {}), 0)
    with open(path, 'wb') as f: f.write(b'x' * 4096)
    with open(path, 'rb') as f: f.read()
    print((time.monotonic_ns() - begin) // 1000, flush=True)
    time.sleep(0.01)
`;

const py = (code) => ['--', 'python3', '-c', `import os, sys, time, mmap, threading\n${code}`];

/** Name, options and command. Each is within the default limits, or limits near them. */
export const endless = [
  ['fork bomb', [], py(`while True:\n    try: os.fork()\n    except OSError: pass`)],
  [
    'many threads',
    [],
    py(`while True:
    try: threading.Thread(target=time.sleep, args=(1e6,), daemon=True).start()
    except RuntimeError: pass`),
  ],
  [
    'memory',
    ['--memory', '512M'],
    py(`kept = []\nwhile True: kept.append(bytearray(b'x') * (1 << 20))`),
  ],
  [
    'memory, mapped and unmapped',
    [],
    py(`while True:
    m = mmap.mmap(-1, 256 << 20)
    for at in range(0, 256 << 20, 4096): m[at] = 1
    m.close()`),
  ],
  [
    'files in memory',
    [],
    py(`n = 0
while True:
    try:
        with open('/tmp/%d' % n, 'wb', buffering=0) as f: f.write(b'x' * (1 << 20))
        n += 1
    except OSError: pass`),
  ],
  [
    'inodes in memory',
    [],
    py(`n = 0
while True:
    try: os.close(os.open('/tmp/%d' % n, os.O_CREAT)); n += 1
    except OSError: pass`),
  ],
  [
    'a disk',
    ['--disk', '512M'],
    py(`n = 0
while True:
    with open('%d' % n, 'wb') as f: f.write(b'x' * (4 << 20))
    n += 1`),
  ],
  ['output', ['--max-output', '1T'], ['--', 'yes']],
  [
    'a line without an end',
    ['--max-output', '1T'],
    py(`b = b'x' * 65536\nwhile True: os.write(1, b)`),
  ],
  [
    'descriptors',
    [],
    py(`kept = []
while True:
    try: kept.append(os.open('/dev/null', os.O_RDONLY))
    except OSError:
        while kept: os.close(kept.pop())`),
  ],
  ['deep directories', [], py(`while True:\n    os.mkdir('d'); os.chdir('d')`)],
  [
    'refusals',
    [],
    py(`while True:
    try: time.clock_settime(time.CLOCK_REALTIME, 1)
    except PermissionError: pass`),
  ],
];

/** Middle and 95th of a hundred, in milliseconds. */
export function figures(samples) {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (share) => (sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN) / 1000;
  return { count: sorted.length, median: at(0.5), p95: at(0.95) };
}

/** Samples of a probe while `during` goes on. `file` is one that it may write. */
export async function probeWhile(file, during) {
  const child = spawn('python3', ['-c', probe, file], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  let from = 0;
  child.stdout.on('data', (chunk) => {
    text += chunk;
  });
  await during({
    /** How often it has answered since. */
    count: () => text.slice(from).split('\n').length - 1,
    /** Forgets what was measured so far. */
    begin: () => {
      from = text.lastIndexOf('\n') + 1;
    },
  });
  const until = text.lastIndexOf('\n') + 1;
  const ended = new Promise((resolve) => child.on('close', resolve));
  child.kill('SIGKILL');
  await ended;
  return figures(text.slice(from, until).split('\n').filter(Boolean).map(Number));
}

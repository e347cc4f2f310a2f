// Measures what runs leave that end badly on the host's side: aborted ones, ones whose callback throws, worker
// threads that are terminated, beside ordinary ones. Descriptors, processes, layers and memory before and after.
//   node --expose-gc bench/endings.mjs [--runs 20000] [--aborted 500] [--throwing 500] [--workers 200] [--dist DIR]
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '20000' },
    aborted: { type: 'string', default: '500' },
    throwing: { type: 'string', default: '500' },
    workers: { type: 'string', default: '200' },
    dist: { type: 'string', default: fileURLToPath(new URL('../dist', import.meta.url)) },
  },
});
const index = pathToFileURL(join(values.dist, 'index.js')).href;
const { run } = await import(index);
const place = mkdtempSync(join(homedir(), 'wasbox-endings-'));
process.env.XDG_STATE_HOME = join(place, 'state');
const workdir = mkdtempSync(join(place, 'work-'));
const changing = 'mkdir d; echo x > d/new; echo';

const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const list = (path) => (existsSync(path) ? readdirSync(path) : []);

/** Processes below this one, and zombies. */
function children() {
  const parentOf = (pid) => {
    try {
      return Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.[1]);
    } catch {
      return 0;
    }
  };
  return list('/proc').filter((name) => /^\d+$/.test(name) && parentOf(name) === process.pid)
    .length;
}

function held() {
  globalThis.gc?.();
  const state = join(place, 'state', 'wasbox');
  return {
    descriptors: list('/proc/self/fd').length,
    children: children(),
    runs: list(join(state, 'runs')).length + list(join(state, 'saved')).length,
    layers: list(join(state, 'spare')).filter((name) => !/^(kept|home)-/.test(name)).length,
    memoryMB: Math.round(process.memoryUsage().rss / 2 ** 20),
  };
}

const kinds = {
  runs: async () => {
    const { stdout } = await run({ code: changing, workdir });
    if (stdout !== '\n') throw new Error('a wrong result');
  },
  aborted: async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), Math.random() * 20);
    const code = `${changing}; sleep 60`;
    const error = await run({ code, workdir, signal: controller.signal }).catch((one) => one);
    if (error.name !== 'AbortError') throw error;
  },
  throwing: async () => {
    const onStdout = () => {
      throw new RangeError('mine');
    };
    const code = `${changing}; sleep 60`;
    const error = await run({ code, workdir, onStdout }).catch((one) => one);
    if (!(error instanceof RangeError)) throw error;
  },
  // Terminated during a run, not while it loads: Node would leave the module files open that it is reading.
  workers: async () => {
    const source = `const { parentPort, workerData } = require('node:worker_threads');
      import(workerData.index).then(async ({ run }) => {
        const one = (code) => run({ code, workdir: workerData.workdir });
        await one(${JSON.stringify(changing)});
        parentPort.postMessage(0);
        for (;;) await Promise.all([one(${JSON.stringify(changing)}), one('true')]);
      });`;
    const worker = new Worker(source, { eval: true, execArgv: [], workerData: { index, workdir } });
    await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
    await later(Math.random() * 60);
    await worker.terminate();
  },
};

async function series(name, jobs) {
  let next = 0;
  const start = performance.now();
  const work = async () => {
    while (next++ < Number(values[name])) await kinds[name]();
  };
  await Promise.all(Array.from({ length: jobs }, work));
  console.log(`${name}: ${values[name]} in ${((performance.now() - start) / 1000).toFixed(1)} s`);
}

for (let n = 0; n < 100; n++) await kinds.runs();
await later(500);
const before = held();
console.log('before', JSON.stringify(before));
for (const [name, jobs] of Object.entries({ runs: 8, aborted: 8, throwing: 8, workers: 2 })) {
  await series(name, jobs);
  for (let turn = 0; turn < 50 && held().layers + held().runs > 0; turn++) await later(100);
  console.log('after ', JSON.stringify(held()));
}
rmSync(place, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });

// How far a fleet goes, on paper: computed from the constants that bench/fleet.mjs measures (bench/results/fleet.json).
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderMarkdown } from '../site/markdown.mjs';

const dayMs = 86_400_000;
const nodes = 1000;
const coresOfNode = 16;

/** Two digits, and a word for the size: more would not be true. */
function rough(value) {
  const digits = Number(value.toPrecision(2));
  const [unit, word] = [
    [1e9, ' billion'],
    [1e6, ' million'],
    [1, ''],
  ].find(([size]) => digits >= size) ?? [1, ''];
  return `${(digits / unit).toLocaleString('en')}${word}`;
}

function bytes(value) {
  const units = ['bytes', 'KB', 'MB', 'GB', 'TB', 'PB'];
  let [size, unit] = [value, 0];
  while (size >= 1000 && unit < units.length - 1) [size, unit] = [size / 1000, unit + 1];
  return `${Number(size.toPrecision(unit === 0 ? 4 : 2)).toLocaleString('en')} ${units[unit]}`;
}

const kinds = {
  shell: '`echo done` with sh',
  python: 'a line of Python',
  pooled: 'the same, `--pool python`',
  withReport: '`echo done`, `--with-report`',
};

export function render({ root, put }) {
  const text = readFileSync(join(root, 'bench/results/fleet.json'), 'utf8');
  put('guide/fleet.json', text);
  const { machine, jobs, queue, reportBytes, image } = JSON.parse(text);
  const rows = Object.entries(kinds).map(([name, what]) => {
    const { commands, scripts, serverMs, inBytes, outBytes, keptBytes, workerMs } = queue[name];
    return `| ${what} | ${commands} (${scripts}) | ${serverMs} | ${inBytes} + ${outBytes} | ${keptBytes} | ${workerMs} |`;
  });
  const { serverMs, workerMs, keptBytes, inBytes, outBytes } = queue.python;
  const perServer = 1000 / serverMs;
  const perNodeDay = (coresOfNode * dayMs) / workerMs;
  const cores = nodes * coresOfNode;
  const balanced = cores / perServer;
  const serversFor = (seconds) =>
    Math.max(1, Math.ceil(cores / (seconds + workerMs / 1000) / perServer));
  const report = reportBytes['echo done'];
  const body = `# Many machines

<!-- search: scale, thousand nodes, fleet, capacity, throughput of the queue, redis memory, valkey, how many jobs a day -->

<p class="lead">How many jobs a thousand nodes can run in a day, and what limits it: the queue's server first, then what that server keeps. These are calculations, from constants that were measured on one machine.</p>

Nodes know nothing of each other: a run needs no lock, no service and no state except that of its node. So capacity grows with each node. Only what the nodes share limits them: the [queue](../guide/queues.html), the registry of [images](../guide/images.html), and wherever [reports](../guide/reports.html) are kept.

## The constants

\`npm run bench -- fleet\` measures them over ${jobs} jobs of each kind, with one worker and with Valkey under \`appendfsync always\`. They are counts, sizes and processor time, which hardly depend on the machine's other load (${machine.cpu}, ${machine.system}, Linux ${machine.kernel}, ${machine.date.slice(0, 10)}). All figures of this page come from them: [fleet.json](fleet.json).

| job | commands to the server (scripts among them) | server's processor time, ms | bytes in + out | bytes kept | worker's processor time, ms |
|---|---|---|---|---|---|
${rows.join('\n')}

The commands include those that BullMQ's scripts make. An idle worker has ${queue.idle.connections} connections and sends ${queue.idle.commandsEachSecond} commands a second. The worker's time includes that of the job and of its sandbox. "Bytes kept" is the job's hash on the server, with its result.

| report of | bytes |
|---|---|
${Object.entries(reportBytes)
  .map(([name, size]) => `| ${name} | ${size.toLocaleString('en')} |`)
  .join('\n')}

An image with Debian, Python and Node is ${bytes(image.pulledBytes)} in a registry, and ${bytes(image.storedBytes)} in a node's store.

## A day of a thousand nodes

**Nodes.** A node with ${coresOfNode} cores can run ${rough(perNodeDay)} jobs of one line of Python a day, and ${nodes.toLocaleString('en')} nodes can run ${rough(nodes * perNodeDay)}. Of jobs that work for a second, they can run ${rough((cores * dayMs) / (1000 + workerMs))}; of jobs that work for a minute, ${rough((cores * dayMs) / (60_000 + workerMs))}.

**The queue is the first limit.** A server runs commands on one core: at ${serverMs} ms a job it hands out ${rough(perServer)} jobs a second, ${rough((perServer * dayMs) / 1000)} a day. That keeps ${cores.toLocaleString('en')} cores busy if a job takes ${balanced.toFixed(0)} seconds or more. For shorter jobs, use several queues, each on its own server; the servers need to know nothing of each other:

| a job works for | servers for ${nodes.toLocaleString('en')} nodes |
|---|---|
| 0.1 s | ${serversFor(0.1)} |
| 1 s | ${serversFor(1)} |
| ${balanced.toFixed(0)} s and more | 1 |

Or put several tasks into one job: the server's cost is per job, whatever the job does. The network is not the limit: a server at its limit uses ${bytes(perServer * (inBytes + outBytes))} a second. Nor are idle workers: ${nodes.toLocaleString('en')} of them send ${rough(nodes * queue.idle.commandsEachSecond)} of the ${rough(perServer * queue.python.commands)} commands a second that a server can run, over ${rough(nodes * queue.idle.connections)} connections (Valkey takes 10,000 unless \`maxclients\` says more).

**What the server keeps is the next limit.** Finished jobs stay for a day. At its limit a server would have ${bytes(((perServer * dayMs) / 1000) * keptBytes)} of them in memory; a gigabyte holds ${rough(1e9 / keptBytes)}. So for more than about ten jobs a second, fetch results as they arrive, and set \`removeOnComplete: { age: 600 }\` or \`true\`. Larger results cost correspondingly more, up to \`--max-result\` (256 KiB).

**Reports.** Each has ${bytes(report)}: ${bytes((report * perServer * dayMs) / 1000)} a day for a server at its limit; with \`--audit\` ${Math.round(reportBytes['python with --audit'] / report)} times as much. Keep the reports of runs that failed or were refused something, and count the others with [metrics](../guide/queues.html#watching).

**Images.** Each node pulls an image once, and shares its layers. ${nodes.toLocaleString('en')} nodes that start at the same moment download ${bytes(nodes * image.pulledBytes)} from the registry: ${Math.round((nodes * image.pulledBytes * 8) / 1e10)} seconds at 10 Gbit/s. To avoid that, use a mirror near the nodes (\`registries.conf\`), or put the image into the node's own system image. Runs of stored images do not contact a registry. In a node's store ten such images are ${bytes(10 * image.storedBytes)}, less what their layers share.

**Files.** A worker discards what jobs change. Runs that keep changes keep them on their node, and you must review them there.

## What was not measured

Nothing was run on a thousand nodes. The constants come from small jobs on one machine, and the figures above are products of them. They leave out the latency of a disk under \`appendfsync always\` and of a network between nodes and server, and the speed of other schedulers. [Schedulers](../guide/schedulers.html) says what was tried there.
`;
  return renderMarkdown(body);
}

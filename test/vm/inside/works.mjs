// Inside the virtual machine: doctor, runs, the library and the native command, in a kernel that has what they need.
import { cpSync, existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import {
  check,
  dist,
  fail,
  finish,
  library,
  project,
  runMarked,
  runProgram,
  start,
  wasbox,
  wasMarked,
} from './case.mjs';

/** The ABI that the kernel has at least; 0 where Landlock is off. */
const abi = Number(process.argv[2]);

console.log(wasbox(['doctor']).stdout.trim().replace(/^/gm, '     | '));
const doctor = wasbox(['doctor', '--json']);
const { ready, findings } = JSON.parse(doctor.stdout);
const found = (name) => findings.find((one) => one.name.startsWith(name));
check(`doctor: Landlock: ${found('Landlock').detail}`, doctor, {
  'ends with 0': doctor.status === 0 && ready,
  'ends with a run that works':
    findings.at(-1).name === 'a run' && findings.at(-1).verdict === 'good',
  'finds Landlock as it is': found('Landlock').verdict === (abi >= 6 ? 'good' : 'degraded'),
  'finds the cgroup': found('limits').verdict === 'good',
});

const marked = runMarked();
const { sandbox, notes = [], refusals } = marked.report ?? {};
check(`a run: Landlock ABI ${sandbox?.landlockAbi}`, marked, {
  'ends with 0': marked.status === 0 && wasMarked(),
  'has the ABI of this kernel':
    abi === 0 ? sandbox?.landlockAbi === 0 : sandbox?.landlockAbi >= abi,
  'says so without Landlock': notes.some((note) => note.includes('Landlock')) === (abi === 0),
  'was watched': refusals?.watched !== 'none',
});

for (const name of ['hello.mjs', 'hello.sh']) {
  const run = runProgram(['-q', '--discard', name, 'one']);
  check(name, run, {
    'says hello': run.status === 0 && run.stdout.startsWith('Hello from'),
    'and nothing else': run.stderr === '',
  });
}

const audit = runProgram(['--audit', '--', 'sh', '-c', 'cat hello.sh; unshare -U true']);
const seen = audit.report?.audit;
check(`--audit: ${seen?.processes.length} processes, ${seen?.files.length} files`, audit, {
  'watches all': seen?.watched === 'all',
  'sees programs': seen?.processes.some((one) =>
    one.executed.some(({ argv }) => argv[0] === 'cat'),
  ),
  'sees files': seen?.files.some(({ path }) => path === `${project}/hello.sh`),
  'sees refusals': seen?.calls.some((one) => one.call === 'unshare' && one.refused > 0),
});

const { createPool, run } = await import(library);
const inProcess = async (name, what) => {
  const started = performance.now();
  const results = await what();
  const one = { status: 0, stderr: results.map(({ stderr }) => stderr).join('') };
  const outputs = results.map(({ stdout }) => stdout.trim()).join(' ');
  check(
    name,
    { ...one, ms: Math.round(performance.now() - started) },
    { 'gives 7 14 21': outputs === '7 14 21' },
  );
};
await inProcess('run() of the library, three times', () =>
  Promise.all(['7', '14', '21'].map((input) => run('cat', [], { input, changes: 'discard' }))),
);
const pool = await createPool({ lang: 'node', size: 2 });
await inProcess('a pool of two, three tasks', () =>
  Promise.all([1, 2, 3].map((n) => pool.run(`console.log(${n} * 7)`))),
);
await pool.close();

// A copy that notes each start of Node. Without Landlock every run has something to tell, which takes more than the native
// command: the engine, or Node.
const [copy, note] = ['/home/user/copy', '/home/user/started'];
cpSync(dist, copy, { recursive: true });
renameSync(`${copy}/cli.cjs`, `${copy}/cli-plain.cjs`);
const script = `require('node:fs').appendFileSync('${note}', 'x'); require('./cli-plain.cjs');`;
writeFileSync(`${copy}/cli.cjs`, script);
const hasEngine = existsSync(`${copy}/native/linux-x64/wasbox-engine`);
const firstByNode = hasEngine ? 0 : 1;
for (const [which, expected] of [
  ['first', firstByNode],
  ['repeated', abi === 0 ? 2 * firstByNode : firstByNode],
]) {
  const words = ['run', '-q', '--', 'cat', 'hello.sh'];
  const native = start([`${copy}/native/linux-x64/wasbox`, ...words]);
  const starts = existsSync(note) ? readFileSync(note, 'utf8').length : 0;
  check(`the native command, ${which} run: Node started ${starts} times so far`, native, {
    'gives the output': native.stdout === readFileSync('hello.sh', 'utf8'),
    [`starts Node ${expected} times`]: starts === expected,
  });
}
if (readdirSync('/sys/fs/cgroup/user').some((name) => name.startsWith('wasbox-')))
  fail('a cgroup is left');
finish();

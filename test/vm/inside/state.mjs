// Inside the virtual machine: the state directory is on another file system, such as NFS. Runs in both isolations by the
// native command and by Node, once more as a repeated start; killed ones; diff, apply, discard. Nothing is left of them.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statfsSync } from 'node:fs';
import { check, cli, fail, finish, front, start } from './case.mjs';

const [, , place] = process.argv;
const state = `${place}/state`;
mkdirSync(state, { recursive: true, mode: 0o700 });
const env = { ...process.env, XDG_STATE_HOME: state };
const where = statfsSync(place).type === 0x6969 ? 'NFS' : place;
const internal = /internal error|bug in wasbox/;

let count = 0;
/** A directory of its own with a file in it: on the disk. */
function project() {
  const path = `/home/user/state-${++count}`;
  mkdirSync(path);
  return path;
}
const wasbox = (cwd, ...words) => start([front, ...words], { cwd, env });

for (const [by, command] of [
  ['the native command', [front]],
  ['Node', [process.execPath, cli]],
])
  for (const isolation of ['namespaces', 'landlock'])
    for (const time of ['first', 'second']) {
      const cwd = project();
      const script = 'echo new > made; mkdir d; mv made d/; exit 4';
      const words = ['run', '--isolation', isolation, '--', 'sh', '-c', script];
      const run = start([...command, ...words], { cwd, env });
      const diff = wasbox(cwd, 'diff', '--name-only');
      const apply = wasbox(cwd, 'apply');
      if (apply.status !== 0) fail(`apply: ${apply.status}: ${apply.stdout}${apply.stderr}`);
      check(`state on ${where}: ${isolation}, ${by}, ${time}`, run, {
        "has the program's status": run.status === 4,
        'changes nothing before apply': diff.stdout.includes('d/made'),
        'is applied': apply.status === 0 && readFileSync(`${cwd}/d/made`, 'utf8') === 'new\n',
        'has no internal error': !internal.test(run.stderr + diff.stderr + apply.stderr),
      });
    }

/** Killed while the program runs: the next command saves what it did, unless that was in memory, as the run says. */
for (const isolation of ['namespaces', 'landlock']) {
  const cwd = project();
  const words = [
    'run',
    '--isolation',
    isolation,
    '--',
    'sh',
    '-c',
    'echo new > made; echo ready; sleep 600',
  ];
  const child = spawn(front, words, { cwd, env, stdio: ['ignore', 'pipe', 'ignore'] });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  child.kill('SIGKILL');
  await new Promise((resolve) => child.once('close', resolve));
  let runs;
  for (let tries = 0; tries < 200; tries++) {
    runs = wasbox(cwd, 'runs', '--json');
    if (!runs.stdout.includes('"running"')) break;
  }
  const apply = wasbox(cwd, 'apply');
  const isInMemory = isolation === 'namespaces' && where === 'NFS';
  check(`state on ${where}: ${isolation}, killed`, apply, {
    'is listed': runs.stdout.includes('"interrupted"') !== isInMemory,
    'is applied': existsSync(`${cwd}/made`) !== isInMemory,
    'has no internal error': !internal.test(runs.stderr + apply.stderr),
  });
}

const cwd = project();
const saved = wasbox(cwd, 'run', '-q', '--', 'sh', '-c', 'echo x > x');
const gone = wasbox(cwd, 'discard', '--all');
check(`state on ${where}: discard --all`, gone, {
  'of a saved run': saved.status === 0,
  'ends with 0': gone.status === 0,
});
const left = ['runs', 'saved'].flatMap((name) =>
  readdirSync(`${state}/wasbox/${name}`).map((one) => `${name}/${one}`),
);
if (left.length > 0) fail(`left behind: ${left.join(' ')}`);
finish();

// Inside the virtual machine: no sandbox can be made here, or with Landlock's ABI as the second argument none of
// namespaces. Every way in says so, names what is in the way and what to do, and runs nothing.
import {
  check,
  fail,
  finish,
  front,
  kernel,
  library,
  runMarked,
  start,
  wasbox,
  wasMarked,
} from './case.mjs';

const obstacles = {
  'old-kernel': [`Linux ${kernel} is too old`, 'Install a newer kernel'],
  'no-overlay': ['this kernel has no overlayfs', 'sudo modprobe overlay'],
  'userns-limit': ['limit on namespaces', 'sudo sysctl user.max_user_namespaces='],
  'userns-clone': ['user namespaces', 'sudo sysctl kernel.unprivileged_userns_clone=1'],
};
const obstacle = process.argv[2];
const [words, fix] = obstacles[obstacle];
/** Where Landlock can be the wall, it is, unless namespaces are asked for. */
const isChosen = Number(process.argv[3] ?? 0) >= 6;
const asked = isChosen ? ['--isolation', 'namespaces'] : [];
const property = isChosen ? ", isolation: 'namespaces'" : '';
const plain = (text) => !/internal error|step \w+|\bE[A-Z]{3,}\b/.test(text);

function refused(name, run, status) {
  const text = run.stdout + run.stderr;
  check(`${obstacle}: ${name}`, run, {
    [`ends with ${status}`]: run.status === status,
    'names what is in the way': text.includes(words),
    'says what to do': text.includes(fix),
    'is in plain words': plain(text),
    'runs nothing': !wasMarked(),
  });
  return run;
}

const { report } = refused('run', runMarked(undefined, asked), 125);
if (report?.outcome.kind !== 'setup-failed')
  fail('the report does not tell that the set-up failed');
refused('run of the native command', runMarked([front], asked), 125);
refused('run --audit', runMarked(undefined, ['--audit', ...asked]), 125);

if (isChosen) {
  const run = runMarked();
  check(`${obstacle}: without --isolation`, run, {
    'runs it': run.status === 0 && wasMarked(),
    'says how': run.stderr.includes('isolated by Landlock, without namespaces'),
  });
} else {
  const doctor = refused('doctor', wasbox(['doctor']), 1);
  console.log(doctor.stdout.trim().replace(/^/gm, '     | '));
  const { ready, findings } = JSON.parse(wasbox(['doctor', '--json']).stdout);
  if (ready || findings.at(-1).name !== 'a run' || findings.at(-1).verdict !== 'missing')
    fail('doctor does not end with a run that fails');
}

const program = (code) =>
  start(['node', '--input-type=module', '-e', `import * as wasbox from '${library}'; ${code}`]);
const tell = `.then(() => process.exit(3), ({code, message, hint}) => {
  console.log(code, message, hint); process.exit(code.startsWith('ERR_') ? 9 : 4) })`;
refused(
  'run() of the library',
  program(`wasbox.run('true', [], {changes: 'discard'${property}})${tell}`),
  9,
);
refused(
  'a pool',
  program(
    `wasbox.createPool({lang: 'node', size: 1${property}}).then((pool) => pool.run('0'))${tell}`,
  ),
  9,
);
finish();

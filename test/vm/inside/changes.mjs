// Inside the virtual machine: what a run changes is in its layer, shown by diff, and here only after apply. Files are
// cut and moved to another directory, directories removed and made anew.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { check, finish, runProgram, since, wasbox } from './case.mjs';

const script = `cd tree; : > cut; mv old/moved other/; rm -r other/gone old
  mkdir old; echo new > old/new; chmod 755 cut`;

function makeTree() {
  rmSync('tree', { recursive: true, force: true });
  for (const name of ['tree/old', 'tree/other']) mkdirSync(name, { recursive: true });
  for (const name of ['cut', 'old/moved', 'old/kept', 'other/gone'])
    writeFileSync(`tree/${name}`, `${name}\n`);
}
const seen = () =>
  JSON.stringify([
    readFileSync('tree/cut', 'utf8'),
    readdirSync('tree/old'),
    readdirSync('tree/other'),
  ]);

// tmpfs can hold a layer from Linux 6.6 on.
for (const [where, state, refused] of [
  ['ext4', '/home/user/.local/state', false],
  ['tmpfs', '/dev/shm/state', !since(6, 6)],
]) {
  makeTree();
  const before = seen();
  const options = { env: { ...process.env, XDG_STATE_HOME: state } };
  const run = runProgram(['--', 'sh', '-ec', script], options);
  if (refused) {
    check(`changes on ${where}`, run, {
      'ends with 125': run.status === 125,
      'says what is missing': run.stderr.includes('no user extended attributes'),
      'says what to do': run.stderr.includes('XDG_STATE_HOME='),
      'names no other tmpfs': !run.stderr.includes('mktemp -d -p /dev/shm'),
      'changes nothing': seen() === before,
    });
    continue;
  }
  const untouched = seen() === before;
  const diff = wasbox(['diff', '--name-only'], options);
  check(`changes on ${where}`, run, {
    'ends with 0': run.status === 0,
    'changes nothing here': untouched,
    'is shown by diff': diff.stdout.includes('tree/old/new'),
  });
  const apply = wasbox(['apply'], options);
  check(`apply from ${where}`, apply, {
    'ends with 0': apply.status === 0,
    'brings all of it': seen() === '["",["new"],["moved"]]',
  });
}
finish();

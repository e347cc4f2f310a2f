// Inside the virtual machine: the nasty examples change nothing of it, read no secret and leave no process behind.
// Outside of a sandbox one of them does all of that, here where it does no harm.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { check, finish, runProgram, start } from './case.mjs';

const home = '/home/user';
const secret = 'canary-secret';
mkdirSync(`${home}/.ssh`, { recursive: true });
for (const path of [`${home}/.npmrc`, `${home}/.ssh/id_ed25519`]) writeFileSync(path, secret);
writeFileSync('package.json', '{}\n');
const env = { ...process.env, GITHUB_TOKEN: secret };

function commandOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return ''; // it has ended
  }
}

const traces = () => ({
  bashrc: existsSync(`${home}/.bashrc`),
  package: readFileSync('package.json', 'utf8'),
  hooks: existsSync('.git/hooks') ? readdirSync('.git/hooks').length : 0,
  sleeping: readdirSync('/proc').filter((pid) => commandOf(pid).startsWith('sleep')).length,
});
const readsSecret = ({ stdout }) => /DONE, \d+ bytes|canary|GITHUB_TOKEN/.test(stdout);

const before = JSON.stringify(traces());
for (const name of ['nasty.mjs', 'nasty.sh']) {
  const run = runProgram(['--discard', name], { env });
  check(name, run, {
    'ends with 0': run.status === 0,
    'is refused something, and that is told': run.report?.refusals.calls.length > 0,
    'reads no secret': !readsSecret(run),
    'changes nothing, and leaves nothing': JSON.stringify(traces()) === before,
  });
}

const outside = start(['sh', '-c', 'node nasty.mjs; true'], { env: { ...env, WASBOX: '1' } });
const { bashrc, package: text, hooks, sleeping } = traces();
check('control: nasty.mjs without a sandbox', outside, {
  'reads the secrets': readsSecret(outside),
  'changes files': bashrc && text !== '{}\n' && hooks === 1,
  'leaves a process': sleeping === 1,
});
finish();

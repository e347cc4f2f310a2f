// Inside the virtual machine: the machine's clock is set between saved runs. Called several times, in one state directory:
//
//   save   two runs are saved; back: the clock was set back since, so that the directory was made later than now;
//   ahead  it is 400 days ahead; last: it is right again. None of the runs is lost, and the latest is the latest.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { check, finish, front, start } from './case.mjs';

const [, , step] = process.argv;
const home = '/home/user/clocks';
const noted = `${home}/noted`;
mkdirSync(`${home}/project-${step}-${process.pid}`, { recursive: true });
const project = `${home}/project-${step}-${process.pid}`;
const wasbox = (...words) => start([front, ...words], { cwd: project });
const runs = () => JSON.parse(wasbox('runs', '--json').stdout).runs.map(({ id }) => id);
const known = () => (step === 'save' ? [] : JSON.parse(readFileSync(noted, 'utf8')));

let before = known();
for (const isolation of ['namespaces', 'landlock']) {
  const name = `${step}-${isolation}`;
  const words = ['run', '-q', '--isolation', isolation, '--', 'sh', '-c', `echo ${name} > ${name}`];
  const run = start([front, ...words], { cwd: project });
  const ids = runs();
  check(`a run is saved, ${name}, ${new Date().toISOString()}`, run, {
    'ends with 0': run.status === 0,
    'loses no earlier run': before.every((id) => ids.includes(id)),
    'is the latest': ids.length === before.length + 1 && !before.includes(ids[0]),
    'keeps the order of the others': ids.slice(1).join() === before.join(),
  });
  before = ids;
}
const name = `${step}-landlock`;
const diff = wasbox('diff', '--name-only');
check('diff shows the latest run', diff, {
  'ends with 0': diff.status === 0,
  'has its file': diff.stdout.includes(name),
});
const again = wasbox('run', '-q', '--', 'sh', '-c', `echo applied > ${step}-applied`);
const apply = wasbox('apply', runs()[0]);
check('apply brings the latest run', apply, {
  'of a run that ends with 0': again.status === 0,
  'ends with 0': apply.status === 0,
  'has its file': start(['cat', `${project}/${step}-applied`]).stdout === 'applied\n',
});
const left = runs();
check('the others stay', apply, { 'in their order': left.join() === before.join() });
writeFileSync(noted, JSON.stringify(left));
if (step === 'last') {
  const gone = wasbox('discard', '--all');
  check('discard --all ends them', gone, {
    'ends with 0': gone.status === 0,
    'has none left': runs().length === 0,
  });
}
finish();

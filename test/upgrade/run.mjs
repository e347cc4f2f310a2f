/**
 * An upgrade and a downgrade with two built versions, of which the newer one saves runs in a format that the older one does
 * not know: a hundred saved runs, sessions with snapshots and forks, an image, a cache. Nothing is lost, nothing is half
 * there, and the older one names what is newer and deletes none of it.
 *
 *     npm run nightly -- upgrade [--keep DIRECTORY]
 *
 * Prints a line a case; ends with 1 if one failed. As an ordinary user in that user's home; root does it as `nobody`, in
 * /var/tmp. Needs `npm run build` and umoci.
 */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { newerBuild, olderBuild } from './builds.mjs';
import { fingerprint, makePerson } from './person.mjs';

const { values } = parseArgs({ options: { keep: { type: 'string' } } });
const isRoot = process.getuid() === 0;
const work =
  values.keep ?? fs.mkdtempSync(join(isRoot ? '/var/tmp' : homedir(), 'wasbox-upgrade-'));
fs.mkdirSync(work, { recursive: true });
fs.chmodSync(work, 0o755);
const ids = isRoot ? { uid: 65_534, gid: 65_534 } : undefined;

let failed = 0;
function check(name, body) {
  try {
    const figure = body();
    console.log(`ok   ${name}${figure === undefined ? '' : `: ${figure}`}`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL ${name}: ${error.message.trimEnd().replaceAll('\n', '\n     ')}`);
  }
}

const older = olderBuild(work);
const newer = newerBuild(work);
const me = makePerson(work, { older, newer }, ids);
const projects = Array.from({ length: 10 }, (_, n) => me.project(`project-${n}`));
const change = (text) =>
  `echo ${text} >edited; rm -f removed; mkdir -p made; echo ${text} >made/${text}; ln -sf edited link`;
const save = (version, cwd, text) =>
  me.good(version, cwd, 'run', '-q', '--', 'sh', '-c', change(text));
const saved = (id) => join(me.state, 'saved', id);

/** A session with a snapshot and a fork, which goes on. */
function beginSession(version, cwd, name) {
  me.good(version, cwd, 'session', 'start', '--name', name);
  me.good(version, cwd, 'exec', name, '--', 'sh', '-c', change(`${name}-first`));
  me.good(version, cwd, 'session', 'snapshot', name, 'first');
  me.good(version, cwd, 'exec', name, '--', 'sh', '-c', `echo second >${name}-second`);
  me.good(version, cwd, 'session', 'fork', '--name', `${name}-fork`, '--snapshot', 'first', name);
}

const inSession = (version, name) => me.good(version, me.home, 'exec', name, '--', 'cat', 'edited');
const cached =
  'cat ~/.cache/pip/cached; test -e ~/.cache/pip/cached || echo first >~/.cache/pip/cached';
const ofCache = (version) =>
  me.start(version, projects[0], 'run', '-q', '--discard', '--for', 'pip', '--', 'sh', '-c', cached)
    .stdout;
const imageRun = ['run', '-q', '--discard', '--image', 'localhost/tiny:1', '--', '/bin/busybox'];
const ofImage = (version) => me.good(version, projects[0], ...imageRun, 'cat', '/in-image');

const runOf = (name) =>
  JSON.parse(fs.readFileSync(join(me.state, 'sessions', name, 'session.json'), 'utf8'));
const isSaved = (id) => fs.existsSync(saved(id));
const savedBy = (version) => me.ids(version).filter(isSaved);
/** Returns the prints of each run, wherever it is, and each frozen layer. */
function printsOf(runs) {
  const frozen = join(me.state, 'frozen');
  const places = [
    ...runs.map((id) => (isSaved(id) ? saved(id) : join(me.state, 'runs', id))),
    ...fs.readdirSync(frozen).map((name) => join(frozen, name)),
  ];
  return new Map(places.sort().map((path) => [path, fingerprint(path)]));
}

let old = { ids: [], diffs: new Map() };
/** Runs of the newer version that have ended, their changes, and what their files are. */
let young = { ids: [], killed: '', diffs: new Map(), prints: new Map() };

function makeOlder() {
  for (let n = 0; n < 100; n++) save('older', projects[n % 10], `run${n}`);
  for (const name of ['a', 'b']) beginSession('older', projects[0], name);
  me.good('older', me.home, 'stop', 'b', 'b-fork');
  me.shell(`umoci init --layout layout; umoci new --image layout:1
    mkdir -p tree/bin; echo in-image >tree/in-image; cp "$(command -v busybox)" tree/bin
    umoci insert --rootless --image layout:1 tree /`);
  me.good('older', me.home, 'image', 'import', 'layout', '--name', 'localhost/tiny:1');
  assert.equal(ofImage('older'), 'in-image\n');
  ofCache('older');
  const ids = savedBy('older');
  old = { ids, diffs: me.diffs('older', ids) };
  return `${ids.length} saved runs, 2 sessions that go on`;
}

function useOlderOnes() {
  const [one, other, ...rest] = old.ids;
  me.good('newer', projects[0], 'apply', one);
  assert.equal(fs.readFileSync(join(projects[0], 'edited'), 'utf8'), 'run0\n');
  assert.equal(fs.existsSync(join(projects[0], 'removed')), false);
  me.good('newer', me.home, 'discard', other);
  assert.deepEqual(savedBy('newer'), rest);
  old = { ids: rest, diffs: me.diffs('newer', rest) };
}

function makeNewer() {
  for (let n = 0; n < 20; n++) save('newer', projects[n % 10], `newer${n}`);
  for (const name of ['x', 'y', 'z']) beginSession('newer', projects[1], name);
  me.good('newer', me.home, 'stop', 'y', 'y-fork');
  const ids = savedBy('newer').filter((id) => !old.ids.includes(id));
  const { pid, id: killed } = runOf('z');
  const diffs = me.diffs('newer', ids);
  process.kill(pid, 'SIGKILL');
  young = { ids, killed, diffs, prints: printsOf([...ids, killed]) };
  return `${ids.length} saved runs, ${young.prints.size - ids.length - 1} frozen layers`;
}

function useNewerOnes() {
  const all = [...young.ids, young.killed];
  const runs = me.start('older', me.home, 'runs');
  for (const id of all) assert.ok(runs.stderr.includes(`run ${id} is a newer version's`), id);
  assert.deepEqual(savedBy('older'), old.ids);
  assert.deepEqual(me.diffs('older', old.ids), old.diffs);
  for (const id of all)
    for (const verb of ['diff', 'apply', 'discard']) {
      const { status, stderr } = me.start('older', me.home, verb, id);
      assert.ok(status !== 0 && stderr.includes('newer version'), `${verb}: ${stderr}`);
    }
  assert.match(inSession('older', 'x'), /x-first/);
  const all2 = me.start('older', me.home, 'discard', '--all');
  for (const id of all) assert.ok(all2.stderr.includes(`run ${id} was not discarded`), id);
  assert.equal(all2.status, 1);
  assert.equal(all2.stdout.match(/^discarded /gm).length, old.ids.length);
  // It starts, ends and expires runs of its own beside them.
  save('older', projects[2], 'after');
  me.good('older', me.home, 'discard', ...savedBy('older'));
  assert.equal(ofImage('older'), 'in-image\n');
  assert.equal(ofCache('older'), 'first\n');
}

function goBack() {
  assert.deepEqual(savedBy('newer'), [...young.ids, young.killed].sort());
  assert.deepEqual(me.diffs('newer', young.ids), young.diffs);
  assert.match(me.good('newer', me.home, 'diff', young.killed), /z-second/);
  assert.match(inSession('newer', 'x'), /x-first/);
  me.good('newer', me.home, 'session', 'rollback', 'x', 'first');
  const second = me.start('newer', me.home, 'exec', 'x', '--', 'cat', 'x-second');
  assert.notEqual(second.status, 0);
  for (const id of young.ids.slice(10, 20)) me.good('newer', me.home, 'apply', '--theirs', id);
  for (const n of [3, 9]) {
    const text = fs.readFileSync(join(projects[n], `made/newer1${n}`), 'utf8');
    assert.equal(text, `newer1${n}\n`);
  }
}

function discardAll() {
  me.good('newer', me.home, 'stop', '--all');
  me.good('newer', me.home, 'discard', '--all');
  const left = ['runs', 'saved', 'frozen'].flatMap((name) => fs.readdirSync(join(me.state, name)));
  assert.deepEqual(left, []);
}

try {
  check('the versions', () => {
    const [one, other] = ['older', 'newer'].map((name) =>
      me.good(name, me.home, '--version').trim(),
    );
    assert.notEqual(one, other);
    return `${one}, ${other}`;
  });
  check('the older one saves runs, sessions, an image and a cache', makeOlder);
  check('upgrade: the newer one has all of it, and shows the same changes', () => {
    assert.deepEqual(savedBy('newer'), old.ids);
    assert.deepEqual(me.diffs('newer', old.ids), old.diffs);
    assert.equal(ofImage('newer'), 'in-image\n');
    assert.equal(ofCache('newer'), 'first\n');
    assert.match(inSession('newer', 'a'), /a-first/);
  });
  check('upgrade: the newer one applies and discards what the older one saved', useOlderOnes);
  check('the newer one saves runs and sessions, one of which is killed', makeNewer);
  check('downgrade: the older one names what is newer, and discards only its own', useNewerOnes);
  check('downgrade: no byte of what is newer is another', () => {
    assert.deepEqual(printsOf([...young.ids, young.killed]), young.prints);
    return `${young.prints.size} directories`;
  });
  check('upgrade again: the newer one has all of it, and applies it', goBack);
  check('the newer one discards all, and nothing is left', discardAll);
} finally {
  for (const version of ['older', 'newer']) me.start(version, me.home, 'stop', '--all');
  if (values.keep === undefined) {
    me.shell('chmod -R u+rwX .');
    fs.rmSync(work, { recursive: true, force: true });
  }
}
console.log(failed === 0 ? 'all kept' : `${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

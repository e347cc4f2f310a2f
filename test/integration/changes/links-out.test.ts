/**
 * Where links lead that `apply` makes without being asked for them: followed by the host afterwards,
 * from a path in the tree, none ends where this user could change anything outside of it.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type Identity, identities, ordinaryUser, underRoot } from '../../support/identity.js';
import { needs } from '../../support/needs.js';
import { makeProject } from '../../support/project.js';
import { runProgram, runWasbox } from '../../support/wasbox.js';

/** Lets a script work inside, applies what it left, and gives the names that were refused. */
async function applied(as: Identity, cwd: string, script: string): Promise<string[]> {
  const env = { XDG_STATE_HOME: makeProject(as, {}, 'state') };
  const run = await runWasbox(['run', '-q', '--', 'sh', '-ec', script], { as, cwd, env });
  expect([run.err, run.status]).toEqual(['', 0]);
  const { err } = await runWasbox(['apply'], { as, cwd, env });
  return [...err.matchAll(/(\S+): not applied automatically: /g)]
    .map(([, name]) => name ?? '')
    .sort();
}

describe.each(identities())('links of a run, as $label', (as) => {
  const isRoot = as.uid === 0;

  test('a link is followed through a system directory to its end (43)', async () => {
    const victim = makeProject(as, { '.profile': 'victim\n' }, 'victim');
    const cwd = makeProject(as, { 'd/f': '', 'deep/er/g': '' });
    const up = `${'../'.repeat(2)}${victim.slice(1)}`;
    const script = `ln -s /usr/lib sys; ln -s sys/${up}/.profile log.txt
      ln -s /usr/lib/${up}/.profile direct; ln -s ../../deep/../sys/${up} deep/er/chain
      ln -s /proc/self/root${victim}/.profile proc; ln -s /dev/fd/0 fd; ln -s /dev/shm shm
      ln -s /tmp tmp; ln -s /var/tmp/x vartmp; ln -s /etc/hostname etc; ln -s /usr/nowhere dangling
      ln -s ${cwd}/d/f here; ln -s ${cwd}/../x beside; ln -s d/f inside; ln -s gone/there later
      ln -s ring2 ring1; ln -s ring1 ring2; ln -s /bin/sh sh; ln -s sys/../bin/env env`;
    const refused = await applied(as, cwd, script);
    const system = isRoot ? ['env', 'sh', 'sys'] : [];
    expect(refused).toEqual(
      [
        'beside',
        'dangling',
        'deep/er/chain',
        'direct',
        'etc',
        'fd',
        'log.txt',
        'proc',
        'shm',
        'tmp',
        'vartmp',
        ...system,
      ].sort(),
    );
    // Control: what was refused does lead to the victim.
    await runProgram(['sh', '-c', `${script.split('\n')[0]}; echo mine > log.txt`], {
      as,
      cwd: makeProject(as),
    });
    expect(fs.readFileSync(join(victim, '.profile'), 'utf8')).toBe('mine\n');
  });

  test('a link to what is not applied automatically is not either: writing to it writes there (43)', async () => {
    const cwd = makeProject(as, { '.git/logs/': '', 'd/f': '', 'tool/': '' });
    fs.writeFileSync(join(cwd, '.git/config'), '[core]\n\tsshCommand = ./tool/ssh\n');
    const script = `ln -s .envrc log.txt; ln -s ../.git/hooks/post-commit d/out; ln -s .cargo dir
      ln -s second first; ln -s ./tool/../.npmrc second; ln -s tool/ssh byconfig; ln -s ${cwd}/.bashrc whole
      ln -s d/f fine; ln -s . top; ln -s d/none later`;
    expect(await applied(as, cwd, script)).toEqual(
      ['byconfig', 'd/out', 'dir', 'first', 'log.txt', 'second', 'whole'].sort(),
    );
    expect(fs.readlinkSync(join(cwd, 'later'))).toBe('d/none');
    // Control: what is printed into such a link becomes what runs.
    await runProgram(['sh', '-c', 'ln -s .envrc log.txt; echo mine > log.txt'], { as, cwd });
    expect(fs.readFileSync(join(cwd, '.envrc'), 'utf8')).toBe('mine\n');
  });

  test('a later run does not redirect a link to such a file (45)', async () => {
    const cwd = makeProject(as, { '.git/logs/': '', '.git/hooks/': '', f: '' });
    expect(await applied(as, cwd, 'ln -s d/../hooks/any log.txt; ln -s d/../f fine')).toEqual([]);
    expect(await applied(as, cwd, 'ln -s .git/logs d; ln -s .git/logs e')).toEqual(['d']);
    // Control: with that link, the first leads to a hook.
    await runProgram(['sh', '-c', 'ln -s .git/logs d; echo mine > log.txt'], { as, cwd });
    expect(fs.readFileSync(join(cwd, '.git/hooks/any'), 'utf8')).toBe('mine\n');
  });

  test('a virtual environment keeps its interpreter', async () => {
    const cwd = makeProject(as);
    const real = fs.realpathSync('/usr/bin/python3');
    const script = `mkdir -p v/bin; ln -s /usr/bin/python3 v/bin/python; ln -s python v/bin/python3
      ln -s ${real} v/bin/exact; ln -s lib v/lib64; mkdir v/lib`;
    const refused = await applied(as, cwd, script);
    const links = isRoot ? ['v/bin/exact', 'v/bin/python', 'v/bin/python3'] : [];
    expect(refused).toEqual(links);
    expect(fs.existsSync(join(cwd, 'v/bin/python'))).toBe(!isRoot);
    expect(fs.readlinkSync(join(cwd, 'v/lib64'))).toBe('lib');
  });

  test('a link into a directory that this user cannot read counts as an escape', async () => {
    const cwd = makeProject(as, { 'shut/f': '' });
    fs.chmodSync(join(cwd, 'shut'), 0);
    const refused = await applied(as, cwd, 'ln -s shut/f closed; ln -s ./shut/.. fine');
    expect(refused).toEqual(isRoot ? [] : ['closed']);
  });

  test('random links: all that are applied end in the tree or the system (43)', async () => {
    const seeds = Number(process.env.WASBOX_LINK_SEEDS ?? 3);
    const first = Number(process.env.WASBOX_SEED ?? 1);
    for (let seed = first; seed < first + seeds; seed++) {
      const victim = makeProject(as, { f: '', 'd/': '' }, 'victim');
      const cwd = makeProject(as);
      await applied(as, cwd, `python3 -c '${graph}' ${seed} ${victim} ${cwd}`);
      // Later runs change what the links of the first lead through.
      for (const later of [1000, 2000])
        await applied(as, cwd, `python3 -c '${graph}' ${seed + later} ${victim} ${cwd}`);
      const look = await runProgram(['python3', '-c', oracle, cwd], { as, cwd });
      const { outside, links } = JSON.parse(look.out);
      expect(outside, `seed ${seed}`).toEqual([]);
      expect(links, `seed ${seed}`).toBeGreaterThan(3);
      // Control: the same links, made outside, do point outside.
      const naive = makeProject(as);
      await runProgram(['python3', '-c', graph, String(seed), victim, cwd], { as, cwd: naive });
      const control = await runProgram(['python3', '-c', oracle, naive], { as, cwd });
      expect(JSON.parse(control.out).outside.length).toBeGreaterThan(2);
    }
  });
});

/** Makes random directories and links: graph SEED VICTIM WORKDIR, in the current directory. */
const graph = `
import os, random, shutil, sys
seed, victim, workdir = sys.argv[1:4]
rng = random.Random(int(seed))
names = ["a", "b", "c", "d", "e"]
places = [""]
for top, directories, files in os.walk(".", topdown=False):
    for name in sorted(directories + files):
        path = os.path.join(top, name)
        if rng.random() > .35: continue
        if os.path.islink(path) or os.path.isfile(path): os.unlink(path)
        else: shutil.rmtree(path)
for _ in range(12):
    place = os.path.join(rng.choice(places), rng.choice(names))
    if len(place) < 12 and not os.path.lexists(place):
        os.mkdir(place); places.append(place)
heads = [""] * 12 + ["../", "../../", "/usr/lib/", "/usr/bin/", "/", "/etc/alternatives/", workdir + "/",
         victim + "/", "/usr/lib/../../" + victim + "/", "/proc/self/cwd/", "/opt/", "/usr/local/"]
for _ in range(150):
    tail = [rng.choice(names + ["..", "..", ".", "f", "python3", "lib"]) for _ in range(rng.randint(0, 4))]
    target = rng.choice(heads) + "/".join(tail)
    path = os.path.join(rng.choice(places), "l%d" % rng.randint(0, 60) if rng.random() < .8 else rng.choice(names))
    if rng.random() < .4: target = rng.choice(heads) + "l%d/" % rng.randint(0, 60) + "/".join(tail)
    try: os.symlink(target or ".", path)
    except OSError: pass
`;

/** Follows all links below a directory and lists those that end outside, where this user may write or may not look. */
const oracle = `
import json, os, sys
top = sys.argv[1]; outside = []; links = 0
def system(path):
    if os.geteuid() == 0 or not (path + "/").startswith(("/usr/", "/opt/", "/bin/", "/lib")): return False
    return os.path.exists(path) and not os.access(path, os.W_OK) and not os.access(os.path.dirname(path), os.W_OK)
for here, directories, files in os.walk(top):
    for name in directories + files:
        path = os.path.join(here, name)
        if not os.path.islink(path): continue
        links += 1
        end = os.path.realpath(path)
        try: os.stat(path)
        except OSError:
            # What leads nowhere is harmless unless a file can be made by it.
            try: os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
            except OSError: continue
            os.unlink(end)
        if end != top and not end.startswith(top + "/") and not system(end): outside.append([path, end])
print(json.dumps({"outside": outside, "links": links}))
`;

// A place below a system prefix that the user owns needs root to be made.
needs('root').describe('a system directory that the user can write to', () => {
  const as = underRoot ? ordinaryUser() : (undefined as never);
  const place = `/usr/local/wasbox-test-${process.pid}`;
  afterAll(() => fs.rmSync(place, { recursive: true, force: true }));

  test('is not a safe target of a link (43)', async () => {
    fs.mkdirSync(`${place}/own`, { recursive: true });
    fs.mkdirSync(`${place}/sticky`);
    fs.mkdirSync(`${place}/closed`);
    fs.chownSync(`${place}/own`, as.uid, as.gid);
    fs.chmodSync(`${place}/sticky`, 0o1777);
    fs.writeFileSync(`${place}/own/f`, '');
    fs.writeFileSync(`${place}/closed/open`, '');
    fs.chmodSync(`${place}/closed/open`, 0o666);
    fs.writeFileSync(`${place}/closed/f`, '');
    fs.mkdirSync(`${place}/own/d`);
    fs.symlinkSync(as.home, `${place}/closed/home`);
    const cwd = makeProject(as);
    const script = `ln -s ${place}/own own; ln -s ${place}/own/d d; ln -s ${place}/own/f f
      ln -s ${place}/sticky sticky; ln -s ${place}/closed/open open; ln -s ${place}/closed/f fine
      ln -s ${place}/closed/home home; ln -s ${place}/closed/home/x below`;
    expect(await applied(as, cwd, script)).toEqual([
      'below',
      'd',
      'f',
      'home',
      'open',
      'own',
      'sticky',
    ]);
    expect(fs.readlinkSync(join(cwd, 'fine'))).toBe(`${place}/closed/f`);
  });
});

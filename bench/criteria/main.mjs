// Runs the same work and the same probes on wasbox and on the other systems that are installed.
//   npm run bench -- criteria [--only NAME,…] [--new] [--rootfs DIR] [--save FILE]
// As root: it makes an ordinary user, runs each system as that user, and as root what works only so.
// `bench/install-peers` installs the others; --rootfs is made with mmdebstrap where it is missing.
// With --only, the results of the others stay. With --new, only the probes that the results lack are made.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { machine } from '../machine.mjs';
import { facts, learns, probe, programsIn, shown, undo, works } from './measures.mjs';
import { endProcessesOf, mountsBelow } from './place.mjs';
import { probes } from './probes.mjs';
import { programOf, runIn, searchPath, withPlace } from './run.mjs';
import { control, systems } from './systems.mjs';
import { programs } from './work.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    new: { type: 'boolean', default: false },
    rootfs: { type: 'string', default: '/var/tmp/wasbox-criteria/rootfs' },
    save: { type: 'string', default: join(root, 'bench/results/criteria.json') },
  },
});
const name = 'wasbox-criteria';
const imagePackages = 'python3,nodejs,git,gcc,libc6-dev,make,perl,sqlite3,openssh-client,procps';

const say = (text) => process.stderr.write(`${text}\n`);
if (process.getuid() !== 0) {
  say('bench criteria: run this as root: it makes a user, and some of the systems need root');
  process.exit(2);
}

function makeUser() {
  const entryOf = () => spawnSync('getent', ['passwd', name], { encoding: 'utf8' }).stdout.trim();
  if (entryOf() !== '') {
    say(`bench criteria: the user ${name} exists, perhaps of a run that was killed. Remove it:`);
    say(`  userdel --remove ${name}`);
    process.exit(2);
  }
  execFileSync('useradd', ['--create-home', '--shell', '/bin/sh', name]);
  const [, , uid, gid, , home] = entryOf().split(':');
  return { name, uid: Number(uid), gid: Number(gid), home };
}

/** Removes what this run made, unless something is still mounted in it: that may be anything. */
function tidy(user, scratch) {
  endProcessesOf(user.uid);
  const mounted = [user.home, scratch].flatMap(mountsBelow);
  if (mounted.length > 0) {
    say(`bench criteria: not removed, because something is mounted there: ${mounted.join(', ')}`);
    return;
  }
  rmSync(scratch, { recursive: true, force: true });
  spawnSync('userdel', ['--remove', name]);
}

/** The release of this Debian: the image's programs are then those of the host. */
const codename = () =>
  /^VERSION_CODENAME=(\w+)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'stable';

function makeImage(folder) {
  if (existsSync(join(folder, 'usr/bin/python3'))) return;
  say(`making the image ${folder}`);
  mkdirSync(dirname(folder), { recursive: true });
  const words = ['--quiet', '--variant=minbase', `--include=${imagePackages}`, codename(), folder];
  // The command has a mount namespace of its own: what it cannot unmount ends with it.
  execFileSync('unshare', ['--mount', 'mmdebstrap', ...words], { stdio: ['ignore', 2, 2] });
  // Where the project is mounted; a read-only image cannot get it later.
  mkdirSync(join(folder, 'work'), { recursive: true });
}

/** The last line of an error, without paths of this machine. */
const lastLine = (text) =>
  (text.trim().split('\n').at(-1) ?? '')
    .replaceAll(values.rootfs, 'IMAGE')
    .replace(/\/(?:home|tmp|var|root)\/[^\s"']*/g, '…')
    .slice(0, 160);

/** Tries the system as the ordinary user, else as root. @returns undefined and the reason where neither works */
async function findOut(context, system) {
  const file = system.absent === undefined ? programOf(system) : undefined;
  if (file === undefined) return { why: system.absent ?? 'not installed' };
  let why = '';
  for (const asRoot of [false, true]) {
    const run = await withPlace(context, system, (place) =>
      runIn({ ...system, asRoot }, place, ['echo', 'works'], { asRoot }),
    );
    if (run.status === 0 && run.stdout.includes('works')) {
      const version =
        spawnSync(file, system.version ?? ['--version'], {
          encoding: 'utf8',
          env: { PATH: searchPath() },
        }).stdout?.split('\n')[0] ?? '';
      return {
        system: { ...system, asRoot },
        why,
        version,
        setuid: (statSync(file).mode & 0o4000) !== 0,
      };
    }
    const said = lastLine(run.stderr || run.stdout);
    why = asRoot ? `as an ordinary user: ${why}; as root: ${said}` : said;
  }
  return { why: `does not work here: ${why}` };
}

async function measure(context, found, expected) {
  const { system, why, version, setuid } = found;
  say(`${system.name}${system.asRoot ? ' (as root)' : ''}`);
  const results = {};
  for (const one of probes) results[one.id] = await probe(context, system, one);
  const line = await withPlace(context, system, (place) => shown(system, place));
  return {
    name: system.name,
    version: /\d[\w.~+-]*/.exec(version)?.[0] ?? version,
    ...line,
    steps: system.steps,
    better: system.better,
    needs: {
      root: system.asRoot,
      ...(system.asRoot && why !== '' ? { because: why } : {}),
      setuid,
      daemon: system.daemon ?? null,
      image: system.image === true,
    },
    work: await works(context, system),
    programs: await programsIn(context, system, expected),
    probes: results,
    facts: await facts(context, system),
    learns: await learns(context, system),
    changes: await undo(context, system),
  };
}

/** The results of a system, with the probes that they lack. */
async function addProbes(context, { system }, old) {
  say(`${system.name}: new probes`);
  const results = {};
  for (const one of probes)
    results[one.id] = old.probes[one.id] ?? (await probe(context, system, one));
  return { ...old, probes: results };
}

/** The results that are there, by system: for what `--only` leaves out. */
function earlier() {
  if (!existsSync(values.save)) return new Map();
  const { systems: all, missing } = JSON.parse(readFileSync(values.save, 'utf8'));
  return new Map([...all, ...missing].map((result) => [result.name, result]));
}

/** The links that `npm install --global` makes. @returns where the command is */
function installed(prefix) {
  const [bin, modules] = [join(prefix, 'bin'), join(prefix, 'lib/node_modules')];
  for (const directory of [bin, modules]) mkdirSync(directory, { recursive: true });
  symlinkSync(root, join(modules, 'wasbox'));
  symlinkSync('../lib/node_modules/wasbox/dist/bin/wasbox.bin', join(bin, 'wasbox'));
  return bin;
}

const chosen = values.only?.split(',');
const scratch = mkdtempSync(join(tmpdir(), 'wasbox-criteria-'));
const user = makeUser();
try {
  makeImage(values.rootfs);
  execFileSync('chown', [`${user.uid}:${user.gid}`, scratch]);
  const bin = installed(scratch);
  process.env.PATH = `${bin}:${process.env.PATH}`;
  const context = { user, scratch, wasbox: join(bin, 'wasbox'), image: values.rootfs };

  say('no sandbox: the control');
  const expected = await programsIn(context, { ...control, asRoot: false });
  const controls = {};
  for (const one of probes)
    controls[one.id] = await probe(context, { ...control, asRoot: false }, one);
  const untestable = probes
    .filter(({ id }) => !controls[id].open)
    .map(({ id }) => ({ id, said: controls[id].said }));

  const before = earlier();
  const measured = [];
  const missing = [];
  for (const system of systems) {
    const old = before.get(system.name);
    if (chosen?.includes(system.name) === false) {
      if (old?.probes === undefined)
        missing.push(old ?? { name: system.name, why: 'not measured' });
      else measured.push(old);
      continue;
    }
    const found = await findOut(context, system);
    if (found.system === undefined) {
      say(`${system.name}: ${found.why}`);
      missing.push({ name: system.name, why: found.why });
      continue;
    }
    if (values.new && old?.probes !== undefined) {
      measured.push(await addProbes(context, found, old));
      continue;
    }
    measured.push(await measure(context, found, expected));
  }
  const { loadBefore: load, ...on } = machine();
  const results = {
    schemaVersion: 1,
    machine: { ...on, load },
    probes,
    programs,
    untestable,
    systems: measured,
    missing,
  };
  mkdirSync(dirname(values.save), { recursive: true });
  writeFileSync(values.save, `${JSON.stringify(results, null, 1)}\n`);
  say(`${measured.length} systems, ${probes.length - untestable.length} probes: ${values.save}`);
} finally {
  tidy(user, scratch);
}

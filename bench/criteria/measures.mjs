// Lists what is measured of a system: probes, work, programs, what the user learns, what can be undone.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { factsOf, nonce, processesOf, startServers, startVictim } from './place.mjs';
import { environmentOf, runIn, saidIn, withPlace } from './run.mjs';
import { programs, work } from './work.mjs';

/** Returns whether an attempt succeeded, as its oracle has it, and what it had to say. */
export function probe(context, system, { id, oracle }) {
  return withPlace(context, system, async (place) => {
    const victim = startVictim(context.user);
    const servers = await startServers(place);
    const [token, mark] = [nonce(), nonce()];
    const before = place.state_of(id);
    try {
      const given = {
        id,
        token,
        mark,
        home: place.home,
        tmp: place.tmp,
        victim: victim.pid,
        ...servers.given,
      };
      const run = await runIn(system, place, ['python3', 'probe.py', JSON.stringify(given)]);
      // A process that outlives the run is looked for once it had the time to be killed.
      if (oracle === 'alive') await sleep(600);
      const said = saidIn(run, id);
      if (said === undefined && run.status === 0)
        throw new Error(`${system.name}: ${id}: no answer`);
      const secret = id === 'see-process' ? victim.secret : place.secrets[id];
      const open = {
        nonce: () => said?.includes(secret) === true,
        file: () => place.state_of(id) !== before,
        heard: () => servers.heard(id, token),
        killed: () => !victim.isAlive(),
        alive: () => processesOf(mark).length > 0,
        reached: () => said === 'reached',
      }[oracle]();
      const why = said === undefined ? `ended with ${run.status ?? 'no status'}` : said;
      return { open, said: open ? '' : why.startsWith('refused') || said === undefined ? why : '' };
    } finally {
      for (const pid of processesOf(mark)) process.kill(pid, 'SIGKILL');
      servers.close();
      victim.end();
    }
  });
}

/** The kernel's own words about a process of the code, from outside. */
export function facts(context, system) {
  return withPlace(context, system, async (place) => {
    const mark = nonce();
    const code = 'import os, time; print("kernel", os.uname().release, flush=True); time.sleep(4)';
    const running = runIn(system, place, ['python3', '-c', code, mark]);
    const end = Date.now() + 3500;
    let found;
    while (found === undefined && Date.now() < end) {
      await sleep(100);
      // The innermost: a wrapper may have the same words.
      const pid = processesOf(mark).at(-1);
      if (pid !== undefined) found = factsOf(pid);
    }
    const { stdout } = await running;
    const kernel = /^kernel (\S+)/m.exec(stdout)?.[1];
    return { ownKernel: kernel !== undefined && kernel !== release(), process: found ?? null };
  });
}

/** A program that hides its failures: what the user learns from the system all the same. */
const quiet = `
import socket
try: socket.create_connection(("192.0.2.77", 443), 1)
except OSError: pass
try: open("/etc/shadow").read()
except OSError: pass
open("data.csv", "a").write("30\\n")
`;

export function learns(context, system) {
  return withPlace(context, system, async (place) => {
    const { stdout, stderr } = await runIn(system, place, ['python3', '-c', quiet]);
    const told = stdout + stderr;
    return {
      destination: told.includes('192.0.2.77'),
      option: /--[a-z][\w-]+[ =]\S*192\.0\.2\.77/.test(told),
      changes: /\b(modified|changed)\b/.test(told),
    };
  });
}

const changing = 'echo 30 >> data.csv; rm keep.txt; echo new > new.txt';
const projectOf = ({ project }) =>
  ['data.csv', 'keep.txt', 'new.txt'].map((file) => {
    const at = join(project, file);
    return existsSync(at) ? readFileSync(at, 'utf8') : '';
  });

/** Finds what becomes of changes to the project: written through, lost, or for the user to decide. */
export function undo(context, system) {
  return withPlace(context, system, async (place) => {
    const before = projectOf(place).join('|');
    const { status } = await runIn(system, place, ['sh', '-c', changing]);
    const after = projectOf(place).join('|');
    if (after !== before) return status === 0 ? 'written through' : 'partly written';
    if (system.apply === undefined) return status === 0 ? 'always lost' : 'refused';
    const [file, ...words] = system.apply(place);
    spawnSync(file, words, {
      cwd: place.project,
      uid: place.uid,
      gid: place.gid,
      env: environmentOf(place, false),
    });
    return projectOf(place)[2] === 'new\n' ? 'reviewed, then applied or discarded' : 'always lost';
  });
}

export async function works(context, system) {
  const results = {};
  for (const { name: what, command, says } of work) {
    results[what] = await withPlace(context, system, async (place) => {
      const { status, stdout } = await runIn(system, place, command);
      return status === 0 && says.test(stdout);
    });
  }
  return results;
}

export async function programsIn(context, system, expected) {
  const results = [];
  for (const [at, line] of programs.entries()) {
    const { status, stdout } = await withPlace(context, system, (place) =>
      runIn(system, place, ['sh', '-c', line]),
    );
    results.push(
      expected === undefined
        ? { status, stdout }
        : status === expected[at].status && stdout.endsWith(expected[at].stdout),
    );
  }
  return results;
}

/** The command line as a user types it, without paths of this machine. */
export function shown(system, place) {
  const replace = [
    [place.project, '~/project'],
    [place.image, 'IMAGE'],
    [place.state, 'CONFIG'],
    [place.wasbox, 'wasbox'],
    [place.home, '~'],
  ];
  const plain = (text) => replace.reduce((said, [from, to]) => said.replaceAll(from, to), text);
  const words = system.argv(place, ['CODE']).map(plain);
  const end = words.findLastIndex((word) => word.includes('CODE'));
  const file = join(place.state, system.configFile ?? `${system.program}-settings.json`);
  const config = existsSync(file) ? plain(readFileSync(file, 'utf8')).trim() : '';
  const configLines = config === '' ? 0 : config.split('\n').length;
  return {
    command: words.join(' '),
    options: words.slice(1, end).filter((word) => word !== '--').length,
    configLines,
    ...(configLines > 0 && configLines <= 40 ? { config } : {}),
  };
}

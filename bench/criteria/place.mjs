// A user's home with secrets, a project, servers and a process beside it: what the code could reach.
import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
export const nonce = () => randomBytes(9).toString('hex');

/** An address of this machine that is not loopback. */
export const ownAddress = () =>
  Object.values(networkInterfaces())
    .flat()
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;

const contentOf = (path) => (existsSync(path) ? readFileSync(path, 'utf8') : undefined);

/** Every path below a folder belongs to the user. */
function give(folder, { uid, gid }) {
  execFileSync('chown', ['-R', `${uid}:${gid}`, folder]);
}

/** Writes what a run starts from; removes what the run before left. @returns secrets and what the host sees */
export function makePlace(user, state) {
  const { home } = user;
  const project = join(home, 'project');
  for (const name of ['project', '.ssh', 'notes.txt', '.criteriarc', '.local'])
    rmSync(join(home, name), { recursive: true, force: true });
  const secrets = {
    'read-home': nonce(),
    'read-ssh': nonce(),
    'list-home': nonce(),
    'read-env': nonce(),
    'read-tmp': nonce(),
  };
  const tmp = `/tmp/criteria-${nonce()}`;
  mkdirSync(join(home, '.ssh'), { recursive: true });
  writeFileSync(join(home, 'notes.txt'), `${secrets['read-home']}\n`);
  writeFileSync(join(home, '.ssh/id_criteria'), `${secrets['read-ssh']}\n`, { mode: 0o600 });
  for (const name of readdirSync(home)) if (name.startsWith('seen-')) rmSync(join(home, name));
  writeFileSync(join(home, `seen-${secrets['list-home']}`), '');
  writeFileSync(join(home, '.criteriarc'), 'as it was\n');
  writeFileSync(tmp, `${secrets['read-tmp']}\n`, { mode: 0o644 });
  cpSync(join(here, 'work'), project, { recursive: true });
  cpSync(join(here, 'probe.py'), join(project, 'probe.py'));
  writeFileSync(join(project, 'data.csv'), 'amount\n10\n20\n');
  writeFileSync(join(project, 'keep.txt'), 'keep\n');
  give(home, user);
  chownSync(tmp, user.uid, user.gid);
  execFileSync('git', ['init', '--quiet'], {
    cwd: project,
    uid: user.uid,
    gid: user.gid,
    env: { PATH: '/usr/bin:/bin', HOME: home },
  });
  const files = {
    'write-home': join(home, '.criteriarc'),
    'write-project': join(project, 'data.csv'),
    'git-hook': join(project, '.git/hooks/post-checkout'),
    'write-tmp': `${tmp}.left`,
  };
  return {
    ...user,
    project,
    state,
    secrets,
    tmp,
    /** Returns what the files are that a probe would change. */
    state_of: (id) => contentOf(files[id]),
    remove() {
      for (const path of [tmp, `${tmp}.left`]) rmSync(path, { force: true });
    },
  };
}

/** A server that remembers what it was told. @param target as listen(2) of Node takes it */
function listen(target) {
  const heard = [];
  const server = createServer((connection) => {
    connection.once('data', (data) => {
      heard.push(data.toString());
      connection.end('.');
    });
    connection.on('error', () => {});
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(target, () => resolve({ server, heard, port: server.address()?.port }));
  });
}

/** The servers of the host that the code may try to reach, by probe. */
export async function startServers({ home }) {
  const abstract = `criteria-${nonce()}`;
  const socket = join(home, 'criteria.sock');
  rmSync(socket, { force: true });
  const address = ownAddress();
  const servers = {
    'tcp-loopback': await listen({ host: '127.0.0.1', port: 0 }),
    'tcp-lan': await listen({ host: address, port: 0 }),
    'unix-home': await listen({ path: socket }),
    'unix-abstract': await listen({ path: `\0${abstract}` }),
  };
  chmodSync(socket, 0o666);
  return {
    given: {
      abstract,
      address,
      loopback: servers['tcp-loopback'].port,
      lan: servers['tcp-lan'].port,
    },
    heard: (id, token) => servers[id].heard.some((text) => text.includes(token)),
    close() {
      for (const { server } of Object.values(servers)) server.close();
    },
  };
}

/** A process of the user beside the run, with a secret in its command line. */
export function startVictim({ uid, gid }) {
  const secret = nonce();
  const child = spawn('/usr/bin/python3', ['-c', 'import time; time.sleep(600)', secret], {
    uid,
    gid,
    stdio: 'ignore',
    cwd: '/',
  });
  let ended = false;
  child.once('exit', () => {
    ended = true;
  });
  return { secret, pid: child.pid, isAlive: () => !ended, end: () => child.kill('SIGKILL') };
}

/** Processes of the host whose own command line ends with a mark. */
export function processesOf(mark) {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      const [program = '', ...words] = (readable(`/proc/${pid}/cmdline`) ?? '').split('\0');
      return program.endsWith('python3') && words.includes(mark);
    })
    .map(Number);
}

function readable(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** Returns what the host's kernel says about a process of the code. */
export function factsOf(pid) {
  const status = readable(`/proc/${pid}/status`);
  if (status === undefined) return undefined;
  const field = (name) => new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(status)?.[1];
  const seccomp = ['none', 'strict', 'filter'][Number(field('Seccomp'))];
  return {
    uid: Number(field('Uid')),
    capabilities: field('CapEff') !== '0000000000000000',
    noNewPrivileges: field('NoNewPrivs') === '1',
    seccomp,
  };
}

/** Ends what a user that this run made has left: some systems keep a process to come back to. */
export function endProcessesOf(uid) {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const real = /^Uid:\s*(\d+)/m.exec(readable(`/proc/${pid}/status`) ?? '')?.[1];
    if (Number(real) === uid) process.kill(Number(pid), 'SIGKILL');
  }
}

/** Mount points at or below a folder, in this mount namespace. */
export const mountsBelow = (folder) =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((point) => point === folder || point.startsWith(`${folder}/`));

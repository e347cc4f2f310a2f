// Runs a command in a system, in a place of its own.
import { spawn, spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { makePlace } from './place.mjs';

export const searchPath = () => `${process.env.PATH}:/usr/sbin:/sbin`;
export const programOf = (system) => {
  const found = spawnSync('sh', ['-c', 'command -v "$1"', 'sh', system.program], {
    env: { PATH: searchPath() },
    encoding: 'utf8',
  });
  return found.status === 0 ? found.stdout.trim() : undefined;
};

export const environmentOf = (place, asRoot) => ({
  PATH: asRoot ? searchPath() : `${dirname(place.wasbox)}:${process.env.PATH}`,
  HOME: asRoot ? '/root' : place.home,
  USER: asRoot ? 'root' : place.name,
  LANG: 'C.UTF-8',
  CRITERIA_TOKEN: place.secrets['read-env'],
  PODMAN_IGNORE_CGROUPSV1_WARNING: '1',
});

/** Runs a command in a system. @returns status (undefined: it did not end), output of both streams together and apart */
export function runIn(system, place, command, { limitMs = 120_000, asRoot = system.asRoot } = {}) {
  return new Promise((resolve) => {
    const [file, ...words] = system.argv(place, command);
    const child = spawn(file, words, {
      cwd: place.project,
      env: environmentOf(place, asRoot),
      ...(asRoot ? {} : { uid: place.uid, gid: place.gid }),
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const out = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr']) {
      child[stream].setEncoding('utf8');
      child[stream].on('data', (text) => {
        out[stream] += text;
      });
    }
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It has just ended.
      }
    }, limitMs);
    child.once('error', (error) => {
      clearTimeout(timer);
      resolve({ status: 127, stdout: '', stderr: String(error) });
    });
    // `exit` and not `close`: a process that stays may hold the streams.
    child.once('exit', (status) => {
      clearTimeout(timer);
      setTimeout(() => {
        child.stdout.destroy();
        child.stderr.destroy();
        resolve({ status: late ? undefined : status, ...out });
      }, 150);
    });
  });
}

/** Fresh files for each attempt: what one changed must not show in the next. */
export async function withPlace(context, system, use) {
  const state = join(context.scratch, system.name.replace(/\W+/g, '-'));
  const place = { ...makePlace(context.user, state), wasbox: context.wasbox, image: context.image };
  try {
    return await use(place);
  } finally {
    place.remove();
  }
}

export const saidIn = ({ stdout }, id) => {
  for (const line of stdout.split('\n')) {
    try {
      const parsed = JSON.parse(line);
      if (parsed.id === id) return parsed.said;
    } catch {
      // Output of the system itself.
    }
  }
  return undefined;
};

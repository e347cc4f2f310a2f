/**
 * A host that remembers what it was asked and what it said. Resolving depends on
 * nothing else, so where all answers are the same again, so is what was resolved.
 */
import type { Host, HostFiles, HostUser, RecordedRead } from './interface.js';

export interface Recording {
  readonly host: Host;
  /** Each question once, in the order of the first time. */
  readonly reads: () => readonly RecordedRead[];
  /** Why the run cannot be started again from its recording; undefined where it can. */
  readonly obstacle: () => string | undefined;
}

/** Where accounts come from, as far as files tell. A name service may know more: entries expire. */
const accountFiles = ['/etc/passwd', '/etc/nsswitch.conf'];
const accountFileLimit = 65_536;

/**
 * Asks, or gives the answer to the same question before: what is resolved fits what is recorded, also where
 * the host changes meanwhile. Whoever starts the run asks again.
 */
type Once = <R extends RecordedRead>(key: string, ask: () => R) => R['answer'];

/** Records all that is asked of `host`. */
export function recordedHost(host: Host): Recording {
  const seen = new Map<string, RecordedRead>();
  const users = new Map<number, HostUser | undefined>();
  let obstacle: string | undefined;
  const refuse = (why: string): void => {
    obstacle ??= why;
  };
  const once: Once = (key, ask) => {
    const before = seen.get(key);
    if (before !== undefined) return before.answer;
    const read = ask();
    seen.set(key, read);
    return read.answer;
  };
  const files = recordFiles(host.files, once, refuse);
  const env = new Proxy(host.env, {
    get(target, name) {
      if (typeof name === 'symbol') return undefined;
      const answer = Object.hasOwn(target, name) ? target[name] : undefined;
      return once(`env ${name}`, () => ({ kind: 'env', name, answer }));
    },
    ownKeys(target) {
      refuse('all variables were looked at');
      return Reflect.ownKeys(target);
    },
    has(target, name) {
      refuse('all variables were looked at');
      return Reflect.has(target, name);
    },
  });
  return {
    reads: () => [...seen.values()],
    obstacle: () => obstacle,
    host: {
      env,
      uid: host.uid,
      gid: host.gid,
      nested: host.nested,
      files,
      cwd() {
        return once('cwd', () => ({ kind: 'cwd', answer: host.cwd() }));
      },
      userById(uid) {
        if (!users.has(uid)) {
          for (const path of accountFiles) files.read(path, accountFileLimit);
          users.set(uid, host.userById(uid));
        }
        return users.get(uid);
      },
      stream(index) {
        return once(`stream ${index}`, () => ({
          kind: 'stream',
          index,
          answer: host.stream(index),
        }));
      },
      terminals() {
        refuse('questions are asked at a terminal');
        return host.terminals();
      },
      mountPaths(path) {
        return once(`mounts ${path}`, () => ({
          kind: 'mounts',
          path,
          answer: host.mountPaths(path),
        }));
      },
      procMounts() {
        return once('proc mounts', () => ({ kind: 'proc-mounts', answer: host.procMounts() }));
      },
      // An entry is for one kernel: its cache key has the release.
      kernelRelease: () => host.kernelRelease(),
      landlockAbi() {
        return once('landlock', () => ({ kind: 'landlock', answer: host.landlockAbi() }));
      },
      // Where there are some, a start says when they are gone.
      namespacesErrno() {
        const error = host.namespacesErrno();
        if (error === 0) return error;
        return once('namespaces', () => ({ kind: 'namespaces', answer: error }));
      },
      // This is not recorded: a recorded start says if there is one by now, and where there is one, no start is
      // recorded.
      layerObstacle: (directory) => host.layerObstacle(directory),
      readStdin(limit) {
        refuse('the script came from stdin');
        return host.readStdin(limit);
      },
      random(below) {
        refuse('ids were drawn at random');
        return host.random(below);
      },
      get node() {
        refuse('it matters which Node runs wasbox');
        return host.node;
      },
    },
  };
}

type Search = NonNullable<HostFiles['search']>;

const searched =
  (search: Search, refuse: (why: string) => void): Search =>
  (...request) => {
    refuse('a directory was searched for what a pattern hides');
    return search(...request);
  };

function recordFiles(files: HostFiles, once: Once, refuse: (why: string) => void): HostFiles {
  return {
    lstat(path) {
      return once(`lstat ${path}`, () => ({ kind: 'lstat', path, answer: files.lstat(path) }));
    },
    stat(path) {
      return once(`stat ${path}`, () => ({ kind: 'stat', path, answer: files.stat(path) }));
    },
    readlink(path) {
      return once(`readlink ${path}`, () => ({
        kind: 'readlink',
        path,
        answer: files.readlink(path),
      }));
    },
    realpath(path) {
      return once(`realpath ${path}`, () => ({
        kind: 'realpath',
        path,
        answer: files.realpath(path),
      }));
    },
    read(path, limit) {
      return once(`read ${limit} ${path}`, () => ({
        kind: 'read',
        path,
        limit,
        answer: files.read(path, limit),
      }));
    },
    list(path) {
      return once(`list ${path}`, () => ({ kind: 'list', path, answer: files.list(path) }));
    },
    entries(path) {
      refuse('a directory was searched for what a pattern hides');
      return files.entries(path);
    },
    search: files.search && searched(files.search, refuse),
    specials(directory, limit) {
      refuse('a directory was searched for sockets and pipes');
      return files.specials(directory, limit);
    },
    // This is not recorded: a layer of the store stays as it is, and which directory it is was asked already.
    isOpaque: (directory) => files.isOpaque(directory),
    access(path, mode) {
      return once(`access ${mode} ${path}`, () => ({
        kind: 'access',
        path,
        mode,
        answer: files.access(path, mode),
      }));
    },
  };
}

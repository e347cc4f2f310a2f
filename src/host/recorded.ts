/**
 * A host that remembers what it was asked and what it said. Resolving depends on
 * nothing else, so where all answers are the same again, so is what was resolved.
 */
import type { Host, HostFiles, HostUser } from './interface.js';
import {
  type Answered,
  type Asked,
  type QuestionKind,
  questions,
  type RecordedRead,
} from './questions.js';

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
 * the host changes meanwhile. The command that starts the run asks again.
 */
type Once = <K extends QuestionKind>(kind: K, asked: Asked<K>, key?: string) => Answered<K>;

/** Records all that is asked of `host`. */
export function recordedHost(host: Host): Recording {
  const seen = new Map<string, RecordedRead>();
  const users = new Map<number, HostUser | undefined>();
  let obstacle: string | undefined;
  const refuse = (why: string): void => {
    obstacle ??= why;
  };
  const once: Once = (kind, asked, key = '') => {
    const whole = `${kind} ${key}`;
    const before = seen.get(whole);
    if (before !== undefined) return before.answer as Answered<typeof kind>;
    const ask = questions[kind].ask as (of: Host, asked: object) => Answered<typeof kind>;
    const answer = ask(host, asked);
    seen.set(whole, { kind, ...asked, answer } as unknown as RecordedRead);
    return answer;
  };
  const files = recordFiles(host.files, once, refuse);
  const env = new Proxy(host.env, {
    get(_target, name) {
      if (typeof name === 'symbol') return undefined;
      return once('env', { name }, name);
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
    // Where there are namespaces, a start says when they are gone.
    reads: () => [...seen.values()].filter(({ kind, answer }) => kind !== 'namespaces' || answer),
    obstacle: () => obstacle,
    host: {
      env,
      uid: host.uid,
      gid: host.gid,
      nested: host.nested,
      files,
      cwd: () => once('cwd', {}),
      userById(uid) {
        if (!users.has(uid)) {
          for (const path of accountFiles) files.read(path, accountFileLimit);
          users.set(uid, host.userById(uid));
        }
        return users.get(uid);
      },
      stream: (index) => once('stream', { index }, `${index}`),
      terminals() {
        refuse('questions are asked at a terminal');
        return host.terminals();
      },
      mountPaths: (path) => once('mounts', { path }, path),
      procMounts: () => once('proc-mounts', {}),
      // An entry is for one kernel: its cache key has the release.
      kernelRelease: () => host.kernelRelease(),
      landlockAbi: () => once('landlock', {}),
      namespacesErrno: () => once('namespaces', {}),
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
    lstat: (path) => once('lstat', { path }, path),
    stat: (path) => once('stat', { path }, path),
    readlink: (path) => once('readlink', { path }, path),
    realpath: (path) => once('realpath', { path }, path),
    read: (path, limit) => once('read', { path, limit }, `${limit} ${path}`),
    list: (path) => once('list', { path }, path),
    entries(path) {
      refuse('a directory was searched for what a pattern hides');
      return files.entries(path);
    },
    search: files.search && searched(files.search, refuse),
    specials(directory, limit) {
      refuse('a directory was searched for sockets and pipes');
      return files.specials(directory, limit);
    },
    treeDigest: (path) => once('tree', { path }, path),
    // This is not recorded: a layer of the store stays as it is, and which directory it is was asked already.
    isOpaque: (directory) => files.isOpaque(directory),
    access: (path, mode) => once('access', { path, mode }, `${mode} ${path}`),
  };
}

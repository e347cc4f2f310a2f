/**
 * A host that remembers what it was asked and what it said. Resolving depends on
 * nothing else, so where all answers are the same again, so is what was resolved.
 */
import type {
  FileInfo,
  Host,
  HostFiles,
  HostUser,
  MountPaths,
  ProcMounts,
  StreamIndex,
  StreamKind,
} from './interface.js';

/** One question that resolving asked, and the host's answer; `undefined`: absent. */
export type RecordedRead =
  | { readonly kind: 'env'; readonly name: string; readonly answer: string | undefined }
  | { readonly kind: 'cwd'; readonly answer: string | undefined }
  | {
      readonly kind: 'lstat' | 'stat';
      readonly path: string;
      readonly answer: FileInfo | undefined;
    }
  | { readonly kind: 'readlink'; readonly path: string; readonly answer: string }
  | { readonly kind: 'realpath'; readonly path: string; readonly answer: string | undefined }
  | {
      readonly kind: 'read';
      readonly path: string;
      readonly limit: number;
      readonly answer: Uint8Array | undefined;
    }
  | { readonly kind: 'list'; readonly path: string; readonly answer: readonly string[] }
  | {
      readonly kind: 'access';
      readonly path: string;
      readonly mode: 'read' | 'write' | 'execute' | 'enter';
      readonly answer: boolean;
    }
  | { readonly kind: 'stream'; readonly index: StreamIndex; readonly answer: StreamKind }
  | { readonly kind: 'mounts'; readonly path: string; readonly answer: MountPaths }
  | { readonly kind: 'proc-mounts'; readonly answer: ProcMounts }
  | { readonly kind: 'landlock'; readonly answer: number };

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

/** Records all that is asked of `host`. */
export function recordedHost(host: Host): Recording {
  const seen = new Map<string, RecordedRead>();
  const users = new Map<number, HostUser | undefined>();
  let obstacle: string | undefined;
  const refuse = (why: string): void => {
    obstacle ??= why;
  };
  const note = (key: string, read: RecordedRead): void => {
    const before = seen.get(key);
    if (before === undefined) seen.set(key, read);
    // What changed while it was looked at is nothing to build on.
    else if (!sameAnswer(before, read)) refuse('the host changed meanwhile');
  };
  const files = recordFiles(host.files, note, refuse);
  const env = new Proxy(host.env, {
    get(target, name) {
      if (typeof name === 'symbol') return undefined;
      const answer = Object.hasOwn(target, name) ? target[name] : undefined;
      note(`env ${name}`, { kind: 'env', name, answer });
      return answer;
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
        const answer = host.cwd();
        note('cwd', { kind: 'cwd', answer });
        return answer;
      },
      userById(uid) {
        // Reading the files again and comparing them takes longer than the rest of a question.
        if (!users.has(uid)) {
          for (const path of accountFiles) files.read(path, accountFileLimit);
          users.set(uid, host.userById(uid));
        }
        return users.get(uid);
      },
      stream(index) {
        const answer = host.stream(index);
        note(`stream ${index}`, { kind: 'stream', index, answer });
        return answer;
      },
      terminals() {
        refuse('questions are asked at a terminal');
        return host.terminals();
      },
      mountPaths(path) {
        const answer = host.mountPaths(path);
        note(`mounts ${path}`, { kind: 'mounts', path, answer });
        return answer;
      },
      procMounts() {
        const answer = host.procMounts();
        note('proc mounts', { kind: 'proc-mounts', answer });
        return answer;
      },
      kernelRelease() {
        refuse('a message names the kernel');
        return host.kernelRelease();
      },
      landlockAbi() {
        const answer = host.landlockAbi();
        note('landlock', { kind: 'landlock', answer });
        return answer;
      },
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

function recordFiles(
  files: HostFiles,
  note: (key: string, read: RecordedRead) => void,
  refuse: (why: string) => void,
): HostFiles {
  return {
    lstat(path) {
      const answer = files.lstat(path);
      note(`lstat ${path}`, { kind: 'lstat', path, answer });
      return answer;
    },
    stat(path) {
      const answer = files.stat(path);
      note(`stat ${path}`, { kind: 'stat', path, answer });
      return answer;
    },
    readlink(path) {
      const answer = files.readlink(path);
      note(`readlink ${path}`, { kind: 'readlink', path, answer });
      return answer;
    },
    realpath(path) {
      const answer = files.realpath(path);
      note(`realpath ${path}`, { kind: 'realpath', path, answer });
      return answer;
    },
    read(path, limit) {
      const answer = files.read(path, limit);
      note(`read ${limit} ${path}`, { kind: 'read', path, limit, answer });
      return answer;
    },
    list(path) {
      const answer = files.list(path);
      note(`list ${path}`, { kind: 'list', path, answer });
      return answer;
    },
    entries(path) {
      refuse('a directory was searched for what a pattern hides');
      return files.entries(path);
    },
    specials(directory, limit) {
      refuse('a directory was searched for sockets and pipes');
      return files.specials(directory, limit);
    },
    access(path, mode) {
      const answer = files.access(path, mode);
      note(`access ${mode} ${path}`, { kind: 'access', path, mode, answer });
      return answer;
    },
  };
}

function sameAnswer(a: RecordedRead, b: RecordedRead): boolean {
  const plain = (_key: string, value: unknown): unknown =>
    typeof value === 'bigint' ? value.toString() : value;
  return JSON.stringify(a.answer, plain) === JSON.stringify(b.answer, plain);
}

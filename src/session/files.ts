/**
 * Files of a session, as its programs see them: init reads and writes with their rights, in their file tree, so that
 * no path ever leads the host anywhere.
 */
import { posix } from 'node:path';
import { byInterface, misuse, RunError, UsageError } from '../errors/index.js';
import { type Input, inputKinds, isInput } from '../launch/index.js';
import {
  buildExec,
  WB_EXEC_APPEND,
  WB_EXEC_LIST,
  WB_EXEC_LSTAT,
  WB_EXEC_READ,
  WB_EXEC_REMOVE,
  WB_EXEC_REMOVE_TREE,
  WB_EXEC_STAT,
  WB_EXEC_WRITE,
} from '../plan/index.js';

export type SessionFileType = 'file' | 'directory' | 'symlink' | 'other';

export interface SessionFileInfo {
  readonly type: SessionFileType;
  /** The size in bytes. */
  readonly size: number;
  /** Permission bits. */
  readonly mode: number;
  /** The time of the last change of its content; milliseconds since 1970. */
  readonly modifiedMs: number;
}

export interface SessionEntry {
  /** Untrusted when shown; bytes that are no UTF-8 come as U+FFFD. */
  readonly name: string;
  readonly type: SessionFileType;
}

/** Says what becomes of an operation's bytes. */
export interface FileWork {
  readonly input?: Input | undefined;
  /** @default 64 MiB; more is an error */
  readonly maxBytes?: number | undefined;
}

/** Carries out `exec`; gives its exit status and what it wrote. */
export type Carry = (
  exec: Uint8Array,
  what: string,
  work: FileWork,
) => Promise<{ readonly status: number; readonly bytes: Uint8Array; readonly truncated: boolean }>;

/** Files in the sandbox. Relative paths start from the directory of the session. */
export interface SessionFiles {
  /**
   * The content of a regular file.
   * @param options.maxBytes more is an error; 64 MiB if not given
   * @throws RunError `ERR_SESSION_FILE`, with `errno`
   */
  read(path: string, options?: { readonly maxBytes?: number | undefined }): Promise<Uint8Array>;
  /** Reads a file as text, decoded as UTF-8. */
  readText(path: string, options?: { readonly maxBytes?: number | undefined }): Promise<string>;
  /**
   * Writes a file, and makes the directories that it lies in.
   * @param options.append adds to what is there. @default false
   * @throws RunError `ERR_SESSION_FILE`, with `errno`
   */
  write(
    path: string,
    content: Input,
    options?: { readonly append?: boolean | undefined },
  ): Promise<void>;
  /** The entries of a directory, by name, without `.` and `..`. */
  list(path?: string): Promise<SessionEntry[]>;
  /**
   * Returns what a path leads to; undefined if there is nothing.
   * @param options.followLinks of a symbolic link, what it leads to. @default true
   */
  stat(
    path: string,
    options?: { readonly followLinks?: boolean | undefined },
  ): Promise<SessionFileInfo | undefined>;
  /**
   * Removes a file or an empty directory.
   * @param options.recursive a directory with all that is in it. @default false
   * @returns whether there was one
   */
  remove(path: string, options?: { readonly recursive?: boolean | undefined }): Promise<boolean>;
}

const defaultMaxBytes = 64 * 1024 * 1024;

/** S_IFMT of a mode, and d_type of a directory's entry, which is the same shifted: inode(7). */
const types: Readonly<Record<number, SessionFileType>> = {
  8: 'file',
  4: 'directory',
  10: 'symlink',
};

/** Offsets of struct statx: statx(2). */
const at = { mode: 28, size: 40, modified: 112 } as const;

export function readStatx(bytes: Uint8Array): SessionFileInfo {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const mode = view.getUint16(at.mode, true);
  const seconds = Number(view.getBigInt64(at.modified, true));
  return {
    type: types[mode >> 12] ?? 'other',
    size: Number(view.getBigUint64(at.size, true)),
    mode: mode & 0o7777,
    modifiedMs: seconds * 1000 + Math.floor(view.getUint32(at.modified + 8, true) / 1e6),
  };
}

/** Entries as getdents64(2) writes them: inode, offset, length, type, name. */
export function readEntries(bytes: Uint8Array): SessionEntry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries: SessionEntry[] = [];
  const decoder = new TextDecoder();
  for (let start = 0; start + 19 < bytes.length; ) {
    const size = view.getUint16(start + 16, true);
    if (size < 20) break;
    const type = types[view.getUint8(start + 18)] ?? 'other';
    const end = bytes.indexOf(0, start + 19);
    const name = decoder.decode(bytes.subarray(start + 19, end));
    if (name !== '.' && name !== '..') entries.push({ name, type });
    start += size;
  }
  return entries.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/** @param directory that relative paths start from */
export function sessionFiles(
  carry: Carry,
  directory: string,
  describe: (errno: number) => { readonly code: string; readonly message: string },
): SessionFiles {
  const operate = async (
    call: string,
    kind: number,
    path: string,
    work: FileWork & { readonly missing?: boolean } = {},
  ): Promise<Uint8Array | undefined> => {
    if (typeof path !== 'string' || path === '') {
      throw misuse(`session.files.${call}(path): path must be a string that is not empty`);
    }
    if (path.includes('\0')) {
      throw new UsageError('ERR_OPTION_VALUE', `session.files.${call}: a path has no NUL`);
    }
    // The path is not normalised: what `..` leads to, a symbolic link before it says.
    const whole = path.startsWith('/') ? path : posix.join(directory, '/') + path;
    const exec = buildExec({ kind, paths: [whole], argv: [whole], env: {} });
    if (exec === undefined) {
      throw new UsageError('ERR_OPTION_VALUE', `session.files.${call}: the path is too long`);
    }
    const { status, bytes, truncated } = await carry(exec, `files.${call}`, work);
    if (truncated) {
      throw new RunError('ERR_SESSION_FILE', `session.files.${call}: the file is too long`, {
        hint: `It has more than ${work.maxBytes ?? defaultMaxBytes} bytes: raise ${byInterface({ command: 'maxBytes', library: 'maxBytes', mcp: 'max_bytes' })}.`,
        errno: 'EFBIG',
      });
    }
    if (status === 0) return bytes;
    const { code, message } = describe(status);
    if (work.missing === true && (code === 'ENOENT' || code === 'ENOTDIR')) return undefined;
    throw new RunError(
      'ERR_SESSION_FILE',
      `session.files.${call}: ${JSON.stringify(path)}: ${message}`,
      {
        errno: code,
      },
    );
  };
  const files: SessionFiles = {
    read: async (path, { maxBytes = defaultMaxBytes } = {}) => {
      if (!Number.isSafeInteger(maxBytes) || maxBytes < 0) {
        throw new UsageError('ERR_OPTION_VALUE', 'maxBytes: expected a whole number from 0 on');
      }
      return (await operate('read', WB_EXEC_READ, path, { maxBytes })) ?? new Uint8Array();
    },
    readText: async (path, options) => new TextDecoder().decode(await files.read(path, options)),
    write: async (path, content, { append = false } = {}) => {
      if (!isInput(content)) {
        throw misuse(`session.files.write(path, content): content must be ${inputKinds}`);
      }
      await operate('write', append ? WB_EXEC_APPEND : WB_EXEC_WRITE, path, { input: content });
    },
    list: async (path = '.') => {
      const bytes = await operate('list', WB_EXEC_LIST, path);
      return readEntries(bytes ?? new Uint8Array());
    },
    stat: async (path, { followLinks = true } = {}) => {
      const kind = followLinks ? WB_EXEC_STAT : WB_EXEC_LSTAT;
      const bytes = await operate('stat', kind, path, { missing: true });
      return bytes && readStatx(bytes);
    },
    remove: async (path, { recursive = false } = {}) => {
      const kind = recursive ? WB_EXEC_REMOVE_TREE : WB_EXEC_REMOVE;
      return (await operate('remove', kind, path, { missing: true })) !== undefined;
    },
  };
  return files;
}

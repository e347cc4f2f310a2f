/**
 * Why files could not be used that an audit saw fail: hidden, read-only, or their
 * interpreter or library missing. The host is looked at afterwards; what does not exist there either is
 * not told.
 */
import {
  accessSync,
  closeSync,
  constants,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { isWithin } from '../host/index.js';
import { type AuditActionRecord, type AuditRecords, changingActions } from '../native/index.js';
import type { FileCause, FileCauseKind } from '../report/index.js';
import {
  isCopied,
  isReadOnly,
  type ListNames,
  type SandboxSpec,
  secretAt,
  type View,
} from '../resolve/index.js';
import { hasHomes, homesOfUsers } from './homes.js';

/** Causes that a report tells, at most. */
const causeLimit = 200;
/** Programs whose interpreter is looked for, at most. */
const programLimit = 50;

/** Actions that need a new name: it is missing inside because its directory is. */
const making = new Set(['create', 'directory', 'symlink']);

/** Places that the sandbox makes itself: nothing of the host's is hidden behind them. */
const own = ['/proc', '/dev', '/sys', '/run/wasbox'];

const decoder = new TextDecoder('utf-8', { fatal: true });

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

function exists(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false; // a directory on the way that the user may not enter either
  }
}

function ownerOf(path: string): number | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.uid;
  } catch {
    return undefined;
  }
}

function mayWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** The mount that a path inside belongs to: the deepest, and of those the last. */
function mountOf(mounts: readonly View[], path: string): View | undefined {
  let found: View | undefined;
  for (const mount of mounts) {
    if (!isWithin(path, mount.target)) continue;
    if (found === undefined || mount.target.length >= found.target.length) found = mount;
  }
  return found;
}

/** Where a path inside is on the host; undefined where it is the sandbox's own. */
function onHost(mounts: readonly View[], path: string): string | undefined {
  const mount = mountOf(mounts, path);
  if (mount?.type === 'symlink') {
    const to = mount.to.startsWith('/') ? mount.to : join(dirname(mount.target), mount.to);
    return onHost(mounts, join(to, path.slice(mount.target.length)));
  }
  if (mount?.type !== 'host') return undefined;
  const below = path.slice(mount.target.length);
  const places = [mount, ...(mount.lowers ?? [])].map(({ source }) => join(source, below));
  return places.find(exists) ?? places[0];
}

/** Returns whether the sandbox lacks a file of this machine that no option hides. */
export const isHidden = (spec: SandboxSpec, path: string): boolean =>
  spec.image === undefined &&
  !own.some((place) => isWithin(path, place)) &&
  mountOf(spec.views, path)?.type !== 'hidden' &&
  onHost(spec.views, path) === undefined;

/** Returns whether a file could not be copied, or changed by root, because it belongs to another user. */
function isForeign(spec: SandboxSpec, error: string, path: string): boolean {
  if (error === 'EOVERFLOW') return true;
  if (error !== 'EACCES' || !spec.identity.idmap) return false;
  const host = onHost(spec.views, path) ?? path;
  const uid = ownerOf(host) ?? ownerOf(dirname(host));
  return uid !== undefined && uid !== 0;
}

const isImage = (view: View | undefined): boolean =>
  view?.type === 'host' && view.origin === 'image';

const isWritableImage = (view: View | undefined): boolean => isImage(view) && !isReadOnly(view);

function causeOf(
  spec: SandboxSpec,
  { kind, error, device }: AuditActionRecord,
  path: string,
): FileCauseKind | undefined {
  const mount = mountOf(spec.views, path);
  // Root's supervisor may open what the payload may not.
  if (mount?.type === 'hidden' && kind !== 'look') return 'closed';
  if (error === undefined) return undefined;
  if (device === true) return 'device';
  const copied = isCopied(mount) || isWritableImage(mount);
  if (changingActions.has(kind) && copied && isForeign(spec, error, path)) {
    return 'owner';
  }
  const readOnly = isReadOnly(mount);
  // The kernel asks for the rights first, then whether the mount is read-only.
  if (changingActions.has(kind) && (error === 'EROFS' || (error === 'EACCES' && readOnly))) {
    return isImage(mount) ? 'image' : 'read-only';
  }
  if (error !== 'ENOENT' || own.some((place) => isWithin(path, place))) return undefined;
  if (onHost(spec.views, path) !== undefined) return undefined;
  if (exists(path)) return changingActions.has(kind) ? 'hidden-change' : 'hidden';
  const directory = dirname(path);
  const hidden = making.has(kind) && onHost(spec.views, directory) === undefined;
  return hidden && exists(directory) ? 'hidden-directory' : undefined;
}

/**
 * Returns the host's directory to which a path that cannot be changed inside would be written; undefined: it is not
 * theirs.
 */
function writablePlace(spec: SandboxSpec, path: string): string | undefined {
  const host = onHost(spec.views, path) ?? path;
  const directory = dirname(host);
  return mayWrite(exists(host) ? host : directory) && mayWrite(directory) ? directory : undefined;
}

/** Returns it for a place that is hidden: a directory by itself. */
function hiddenPlace(spec: SandboxSpec, path: string, kind: AuditActionRecord['kind']) {
  if (kind === 'directory' && exists(path)) return mayWrite(path) ? path : undefined;
  return writablePlace(spec, path);
}

function placeOf(
  spec: SandboxSpec,
  path: string,
  cause: FileCauseKind,
  kind: AuditActionRecord['kind'],
): string | undefined {
  switch (cause) {
    case 'hidden':
      return path;
    case 'hidden-change':
    case 'hidden-directory':
      return hiddenPlace(spec, path, kind);
    case 'read-only':
      return writablePlace(spec, path);
    default:
      return undefined;
  }
}

/** Leaves out a place that would show much more than was asked for. */
const narrow = (
  homes: readonly string[],
  place: string | undefined,
): Pick<FileCause, 'place' | 'wide'> =>
  place !== undefined && hasHomes(place, homes) ? { wide: true } : { place };

const namesIn: ListNames = (path) => {
  try {
    const entries = readdirSync(path, { withFileTypes: true });
    return entries.map((entry) => ({ name: entry.name, isDirectory: entry.isDirectory() }));
  } catch {
    return undefined;
  }
};

/** Adds to a cause which keys or tokens its option would show. A place is looked at once for all causes. */
function withSecret(cause: FileCause, known: Map<string, string | undefined>): FileCause {
  const { place } = cause;
  if (place === undefined) return cause;
  if (!known.has(place)) known.set(place, secretAt(place, namesIn));
  const secret = known.get(place);
  return secret === undefined ? cause : { ...cause, secret };
}

/** The interpreter that a program names: of a script behind #!, of an ELF in PT_INTERP. */
function interpreterOf(path: string): string | undefined {
  const head = Buffer.alloc(4096);
  let size: number;
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    try {
      size = readSync(fd, head, 0, head.length, 0);
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
  const bytes = head.subarray(0, size);
  if (bytes.subarray(0, 2).toString('latin1') === '#!') {
    return /^#![ \t]*([^ \t\n]+)/.exec(bytes.toString('latin1'))?.[1];
  }
  const is64 = bytes.subarray(0, 5).toString('latin1') === '\x7fELF\x02';
  if (!is64 || bytes.length < 64) return undefined;
  const [table, count] = [Number(bytes.readBigUInt64LE(32)), bytes.readUInt16LE(56)];
  for (let i = 0; i < count; i++) {
    const at = table + i * 56;
    if (at + 56 > bytes.length) return undefined;
    if (bytes.readUInt32LE(at) !== 3) continue; // PT_INTERP
    const from = Number(bytes.readBigUInt64LE(at + 8));
    const text = bytes.subarray(from, from + Number(bytes.readBigUInt64LE(at + 32)));
    return text.toString('latin1').replace(/\0.*$/s, '');
  }
  return undefined;
}

function* missingInterpreters(spec: SandboxSpec, audit: AuditRecords): Generator<FileCause> {
  const programs = new Map(
    audit.actions
      .filter(({ kind, error }) => kind === 'execute' && error === undefined)
      .flatMap(({ target, lastNs }) => {
        const path = textOf(target);
        return path === undefined ? [] : [[path, lastNs] as const];
      }),
  );
  for (const [path, lastNs] of [...programs].slice(0, programLimit)) {
    // A path that an image's links lead to cannot be found from outside.
    if (isImage(mountOf(spec.views, path))) continue;
    const host = onHost(spec.views, path);
    const interpreter = host === undefined ? undefined : interpreterOf(host);
    if (interpreter?.startsWith('/') !== true) continue;
    const inside = onHost(spec.views, interpreter);
    if (inside !== undefined && exists(inside)) continue;
    const hidden = inside === undefined && exists(interpreter);
    const option = hidden ? interpreter : undefined;
    yield {
      kind: 'interpreter',
      call: 'execve',
      path,
      about: interpreter,
      place: option,
      count: 1,
      lastNs,
    };
  }
}

/** Libraries that a process did not find anywhere before it exited 127. */
function* missingLibraries({ actions, processes }: AuditRecords): Generator<FileCause> {
  const found = new Set<string>();
  const lost = new Map<string, FileCause>();
  for (const { kind, target, error, process, count, lastNs } of actions) {
    const name = kind === 'read' ? basename(textOf(target) ?? '') : '';
    if (!/\.so(\.|$)/.test(name) || process === undefined) continue;
    const key = `${process} ${name}`;
    if (error === undefined) found.add(key);
    else if (processes[process]?.exitCode === 127) {
      const sum = count + (lost.get(key)?.count ?? 0);
      lost.set(key, { kind: 'library', call: 'openat', path: name, count: sum, lastNs });
    }
  }
  for (const [key, cause] of lost) if (!found.has(key)) yield cause;
}

/** Returns what an audit can tell beyond the filter; each path once. */
export function fileCauses(spec: SandboxSpec, audit: AuditRecords | undefined): FileCause[] {
  if (audit === undefined) return [];
  const homes = homesOfUsers(spec.identity.home);
  const causes = new Map<string, FileCause>();
  for (const action of audit.actions) {
    const { refused, isAddress, truncated, target, rest, call, count } = action;
    if (refused || isAddress || truncated) continue;
    const path = textOf(action.kind === 'symlink' || action.kind === 'link' ? rest : target);
    const kind = path === undefined ? undefined : causeOf(spec, action, path);
    if (path === undefined || kind === undefined) continue;
    // A file that was looked at first and then changed appears once, with the option that allows the change.
    const key = `${kind.replace(/-change$/, '')} ${path}`;
    const known = causes.get(key);
    if (known === undefined && causes.size >= causeLimit) continue;
    const now =
      known !== undefined && (kind === 'hidden' || kind === known.kind)
        ? known
        : { kind, call, path, ...narrow(homes, placeOf(spec, path, kind, action.kind)) };
    const looked = action.kind === 'look' && known?.looked !== false;
    const lastNs = Math.max(action.lastNs, known?.lastNs ?? 0);
    causes.set(key, { ...now, count: count + (known?.count ?? 0), lastNs, looked });
  }
  const secrets = new Map<string, string | undefined>();
  return [...causes.values(), ...missingInterpreters(spec, audit), ...missingLibraries(audit)].map(
    (cause) => withSecret(cause, secrets),
  );
}

/** The file tree: the system, private places, the working directory, and what the user adds. */
import { posix } from 'node:path';
import { UsageError } from '../errors/index.js';
import type { FileInfo } from '../host/index.js';
import { isWithin } from '../host/index.js';
import type { PathMapping } from '../options/index.js';
import { joinMapping, shellQuote, splitMapping, spoken } from '../options/index.js';
import { canHold, type Draft } from './draft.js';
import { runtimeDirectory, usesCounters } from './env.js';
import { addHome } from './home.js';
import { holdsHome } from './homes.js';
import { addImageFiles } from './image-files.js';
import type { Own } from './isolation.js';
import { addResolver } from './network.js';
import { pathEntries } from './path-entries.js';
import type { HostView, NetworkMode } from './spec.js';
import { refuseSpecialFile, specialKind } from './special-files.js';
import { deviceLinks, devices, hiddenNames, runLinks, sealedNames } from './system.js';
import { leadsOut } from './untrusted-link.js';
import { copiedView, hiddenView, isCopied, passedView, privateView } from './views.js';
import { privatePlaces, systemPlaces } from './visibility.js';

export const pathError = (message: string, hint: string) =>
  new UsageError('ERR_PATH', message, { hint });

/** Everything that each sandbox has. */
export function addSystem(draft: Draft, network: NetworkMode, own: Pick<Own, 'tree'>): void {
  const { tree, image } = draft;
  tree.add({ type: 'proc', target: '/proc', sealed: sealedNames, hidden: hiddenNames });
  addOwnDirectory(draft, '/dev');
  for (const name of devices) tree.add({ type: 'device', name, target: `/dev/${name}` });
  tree.add({ type: 'devpts', target: '/dev/pts' });
  tree.add({ type: 'mqueue', target: '/dev/mqueue' });
  for (const [name, to] of deviceLinks) {
    tree.add({ type: 'symlink', target: `/dev/${name}`, to });
  }
  for (const { path, mode } of privatePlaces) {
    tree.add(privateView({ target: path, mode, origin: 'system' }));
  }
  addOwnDirectory(draft, '/run');
  for (const [target, to] of runLinks) tree.add({ type: 'symlink', target, to });
  const runtime = runtimeDirectory(draft.identity.uid);
  tree.add(privateView({ target: runtime, mode: 0o700, origin: 'system' }));
  const places = image === undefined ? systemPlaces : systemPlaces.filter(isOfKernel);
  for (const { path } of places) {
    if (draft.host.files.lstat(path) !== undefined) draft.show(path, 'system');
  }
  if (usesCounters(draft.options)) addCounters(draft);
  if (image !== undefined) {
    addHome(draft);
    addImageFiles(draft, network);
    return;
  }
  // Services keep their sockets there, too: only for those who have it in their PATH.
  if (pathEntries(draft).some((entry) => isWithin(entry, '/opt'))) draft.show('/opt', 'system');
  addHome(draft);
  // Without mounts, the supervisor answers who opens it (addon/net/resolv_conf.c).
  if (network === 'none' || (network === 'rules' && !own.tree)) return;
  if (network === 'host') draft.show('/etc/resolv.conf', 'system');
  else addResolver(draft);
}

/** Returns whether a mount is of the kernel, not of the host's system. */
const isOfKernel = ({ path }: { readonly path: string }): boolean => isWithin(path, '/sys');

/** A directory in which wasbox makes entries: on an image, which has its own, one in memory. */
function addOwnDirectory({ tree, image }: Draft, target: string): void {
  if (image === undefined) tree.add({ type: 'directory', target, mode: 0o755 });
  else tree.add(privateView({ target, mode: 0o755, origin: 'system' }));
}

/** Adds the kinds of events there are, which perf(1) looks up before it opens one. */
function addCounters(draft: Draft): void {
  const kinds = '/sys/bus/event_source/devices';
  draft.show('/sys/bus/event_source', 'system');
  for (const name of draft.host.files.list(kinds)) draft.show(`/sys/devices/${name}`, 'system');
}

export function addWorkdir(draft: Draft): void {
  const { path, name, dev, ino, start, shared } = draft.workdir;
  const target = draft.pointFor(path);
  if (shared === true) {
    addOwnShared(draft, target);
    return;
  }
  const present = draft.tree.at(target);
  // It is the home itself, and shown already.
  if (isCopied(present) && present.origin === 'home') return;
  const view = { source: path, target, origin: 'workdir', identity: { dev, ino } } as const;
  draft.tree.add(copiedView(view));
  if (draft.image !== undefined) return;
  draft.tree.linkTo(name);
  draft.tree.linkTo(start.name);
}

/** Replaces /tmp and the like: what other programs have there is not the program's, nor is there a review of it. */
function addOwnShared(draft: Draft, target: string): void {
  const { path } = draft.workdir;
  if (draft.tree.at(target)?.type !== 'private') {
    draft.tree.add(privateView({ target, mode: 0o1777, origin: 'system' }));
  }
  draft.note(
    spoken`${path} is shared by all programs, so the program has one of its own, which is discarded at its end. To show a file: --ro FILE. To work in all of it: --workdir ${shellQuote(path)}`,
  );
}

/** `--ro` and `--rw`. */
export function addUserPaths(draft: Draft): void {
  const { ro = [], rw = [], socket = [] } = draft.options;
  for (const [i, one] of ro.entries()) addMapping(draft, draft.named('--ro', 'ro', i), one, true);
  for (const [i, one] of rw.entries()) addMapping(draft, draft.named('--rw', 'rw', i), one, false);
  for (const [i, one] of socket.entries()) {
    addSocket(draft, draft.named('--socket', 'socket', i), one);
  }
}

/** A host path that an option shows, found and checked. */
export interface Shown {
  /** The path as typed. */
  readonly path: string;
  /** Canonical. */
  readonly source: string;
  readonly info: FileInfo;
  /** Where it appears inside. */
  readonly target: string;
}

/** @param readOnly whether nothing is shown where a link leads to what the sandbox shows anyway */
export function findShown(
  draft: Draft,
  option: string,
  mapping: PathMapping,
  readOnly = false,
): Shown {
  const { host } = draft;
  const { path, dest, within } = typeof mapping === 'string' ? splitMapping(mapping) : mapping;
  if (path === '') {
    throw pathError(`${option}: the path is empty`, `Example: ${option} ~/data:/data`);
  }
  const name = hostPath(draft, path);
  const source = isWithin(name, '/proc') ? '/proc' : host.files.realpath(name);
  if (source !== undefined && isWithin(source, '/proc')) {
    throw pathError(
      `${option} ${path}: paths under /proc cannot be mounted`,
      'The sandbox has its own /proc. Use the real path of the file.',
    );
  }
  if (source === '/') {
    throw pathError(
      `${option} ${path}: the whole file system cannot be mounted`,
      `It contains /proc, /dev and wasbox's own files. Mount the directories you need: ${option} /srv`,
    );
  }
  const shownProc = host.procMounts().points.find((point) => source && isWithin(source, point));
  if (shownProc !== undefined) {
    throw pathError(
      `${option} ${path}: ${shownProc} is a mount of proc(5), which shows the host's processes`,
      'The sandbox has a /proc of its own.',
    );
  }
  const info = source === undefined ? undefined : host.files.stat(source);
  if (source === undefined || info === undefined) {
    const hint = path.startsWith('~')
      ? 'The shell expands ~ only at the start of a word. Write "$HOME/…" instead.'
      : `Not found: ${name}. Check the spelling; write a colon in a path as \\:.`;
    throw pathError(`${option} ${path}: no such file or directory`, hint);
  }
  const holder = within === undefined ? '/' : host.files.realpath(hostPath(draft, within));
  if (holder === undefined || !isWithin(source, holder)) {
    throw pathError(
      `${option} ${path}: a symbolic link points outside ${within}, to ${source}`,
      'The link is new or has changed. Check it; if you want to mount its target, use the path of the target.',
    );
  }
  const link = draft.untrustedLink(name);
  if (link && !(readOnly && draft.tree.locate(source).hostPath === source)) {
    const again = shellQuote(joinMapping(source, dest) ?? source);
    const typed = option.startsWith('--') ? `${option} ${again}` : again;
    throw leadsOut('ERR_PATH', `${option} ${path}`, link, typed);
  }
  if (!host.files.access(source, info.kind === 'directory' ? 'enter' : 'read')) {
    throw pathError(
      `${option} ${path}: permission denied`,
      `Check its owner and mode: ls -ld '${source}'`,
    );
  }
  const target = targetOf(draft, option, path, dest ?? name, info.kind === 'directory');
  if (holdsHome(host, source)) {
    draft.note(`${option} ${path} exposes your home directory, with every secret in it`);
  }
  return { path, source, info, target };
}

function addMapping(
  draft: Draft,
  option: string,
  mapping: PathMapping,
  readOnly: boolean,
  isSocket = false,
): void {
  const { tree } = draft;
  const { path, source, info, target } = findShown(draft, option, mapping, readOnly);
  if (readOnly && !isSocket) refuseSpecialFile(draft.host, `${option} ${path}`, source);
  if (isCopied(tree.at(target))) {
    const what = readOnly ? 'is read-only' : 'is writable: writes change the real files';
    draft.note(`the working directory ${what} (${option} ${path}), so no changes are saved`);
  }
  const view = {
    source,
    target,
    directory: info.kind === 'directory',
    origin: 'user',
    identity: { dev: info.dev, ino: info.ino },
  } as const;
  tree.add(passedView(readOnly, view));
  hideProcesses(draft, view);
}

/** The host's processes, where a mount of proc(5) lies in what is shown, as in a chroot. */
function hideProcesses(
  { host, tree }: Draft,
  { source, target }: Pick<HostView, 'source' | 'target'>,
) {
  for (const point of host.procMounts().points) {
    if (point === source || !isWithin(point, source)) continue;
    const kind = host.files.stat(point)?.kind;
    if (kind === undefined) continue; // closed to this user, it is closed to the payload
    const inside = posix.join(target, point.slice(source.length));
    if (tree.at(inside) === undefined)
      tree.add(hiddenView({ target: inside, directory: kind === 'directory' }));
  }
}

/** A read-only mount is enough: connect(2) writes to the socket, not to its file. */
function addSocket(draft: Draft, option: string, mapping: PathMapping): void {
  const { path, source } = findShown(draft, option, mapping);
  if (specialKind(draft.host, source) !== 'socket') {
    throw pathError(
      `${option} ${path}: not a UNIX socket`,
      spoken`Use the path of the socket; ss -xl lists listening sockets. For files and directories, use --ro.`,
    );
  }
  addMapping(draft, option, mapping, true, true);
}

/** A host path as typed; relative ones start where the user is. */
export function hostPath(draft: Draft, path: string): string {
  if (path.startsWith('/')) return posix.resolve(path);
  const { start } = draft.workdir;
  const base = start.isCurrent ? start.name : draft.host.cwd();
  return posix.resolve(base ?? start.name, path);
}

function targetOf(
  draft: Draft,
  option: string,
  path: string,
  dest: string,
  directory: boolean,
): string {
  const shown = `${option} ${path}${dest === path ? '' : `:${dest}`}`;
  if (!dest.startsWith('/')) {
    throw pathError(
      `${option} ${path}:${dest}: DEST is not an absolute path`,
      'DEST is where PATH appears inside, such as /data. Write a colon in a path as \\:.',
    );
  }
  const flag = /:(?:ro|rw|[zZ])$/.exec(dest);
  if (flag !== null) {
    throw pathError(
      `${shown}: ${flag[0]} is not part of it`,
      spoken`The option says it: --ro is read-only, --rw writable. Write a colon in a path as \\:.`,
    );
  }
  const link = draft.untrustedLink(posix.resolve(dest));
  // The check is as for PATH itself, which findShown has looked at where DEST is the same.
  if (link && posix.resolve(dest) !== hostPath(draft, path)) {
    throw leadsOut('ERR_PATH', shown, link, joinMapping(path, link.to) ?? link.to);
  }
  const place = draft.tree.linkTo(posix.resolve(dest));
  const reserved = ['/proc', '/sys', '/run/wasbox'].find((top) => isWithin(place.path, top));
  if (place.path === '/' || place.path === '/dev' || reserved !== undefined) {
    throw pathError(
      `${shown}: cannot mount anything at ${place.path}`,
      `Choose another path inside: ${option} ${path}:/mnt`,
    );
  }
  // A mount of one kind cannot stand on the other: mount(2).
  if (place.kind !== undefined && (place.kind === 'directory') !== directory) {
    const [what, there] = directory ? ['a directory', 'not'] : ['not a directory', 'one'];
    throw pathError(
      `${shown}: ${path} is ${what}, but ${place.path} inside is ${there}`,
      `Choose another path inside: ${option} ${path}:${directory ? '/mnt' : posix.join('/mnt', posix.basename(path))}`,
    );
  }
  if (canHold(place)) return place.path;
  throw pathError(
    `${shown}: ${place.path} does not exist inside and cannot be created there`,
    'Choose a path that exists, or one outside the mounted directories, such as /mnt/data.',
  );
}

/** Returns what Landlock lets the payload write. */
export function writablePlaces(draft: Draft): string[] {
  return draft.tree.list().flatMap((mount) => {
    switch (mount.type) {
      case 'private':
      case 'device':
      case 'devpts':
      case 'proc':
      case 'mqueue':
        return [mount.target];
      case 'host':
        return mount.access === 'read' ? [] : [mount.target];
      default:
        return [];
    }
  });
}

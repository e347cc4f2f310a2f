/**
 * Landlock rules: a second wall behind the mounts. Reading and executing is allowed
 * wherever the file tree leads, writing only in the places that the spec names. landlock(7)
 */

import type { Grant, LoweredSpec, Operation, PrivateRoot } from '../backend/index.js';
import { landlockMinimumAbi } from '../host/index.js';
import type { SandboxSpec } from '../resolve/index.js';

const EXECUTE = 1n << 0n;
const WRITE_FILE = 1n << 1n;
const READ_FILE = 1n << 2n;
const READ_DIR = 1n << 3n;
const REMOVE_DIR = 1n << 4n;
const REMOVE_FILE = 1n << 5n;
const MAKE_CHAR = 1n << 6n;
const MAKE_DIR = 1n << 7n;
const MAKE_REG = 1n << 8n;
const MAKE_SOCK = 1n << 9n;
const MAKE_FIFO = 1n << 10n;
const MAKE_BLOCK = 1n << 11n;
const MAKE_SYM = 1n << 12n;
/** ABI 2, Linux 5.19. Without it every rename to another directory is refused. */
const REFER = 1n << 13n;
/** ABI 3, Linux 6.2. */
const TRUNCATE = 1n << 14n;
/** ABI 5, Linux 6.10. */
const IOCTL_DEV = 1n << 15n;
/** ABI 9, Linux 7.1: connecting to a socket that has a name and was made outside. */
const RESOLVE_UNIX = 1n << 16n;
/** ABI 4, Linux 6.7. With rules for the network no TCP socket is bound or connected but by the supervisor. */
const BIND_TCP = 1n << 0n;
const CONNECT_TCP = 1n << 1n;
/** ABI 10. */
const BIND_UDP = 1n << 2n;
const CONNECT_SEND_UDP = 1n << 3n;
/** ABI 6, Linux 6.12: abstract UNIX sockets and signals stay within the sandbox. */
const SCOPE_ABSTRACT_UNIX_SOCKET = 1n << 0n;
const SCOPE_SIGNAL = 1n << 1n;

const readOnly = EXECUTE | READ_FILE | READ_DIR;
/** The rights for files that the kernel makes up: opening them, and emptying them in doing so. */
const writableContent = READ_FILE | WRITE_FILE | TRUNCATE;
const writableFile = writableContent | EXECUTE | IOCTL_DEV;
const writableDirectory =
  writableFile |
  READ_DIR |
  REMOVE_DIR |
  REMOVE_FILE |
  MAKE_DIR |
  MAKE_REG |
  MAKE_SOCK |
  MAKE_FIFO |
  MAKE_SYM |
  REFER;

export interface LandlockRule {
  readonly path: string;
  readonly access: bigint;
}

export interface LandlockRuleset {
  readonly handledFs: bigint;
  readonly handledNet: bigint;
  readonly scoped: bigint;
  readonly rules: readonly LandlockRule[];
}

function handledAccess(abi: number): bigint {
  let handled = writableDirectory | MAKE_CHAR | MAKE_BLOCK;
  if (abi < 3) handled &= ~TRUNCATE;
  if (abi < 5) handled &= ~IOCTL_DEV;
  return abi < 9 ? handled : handled | RESOLVE_UNIX;
}

function writableAccess(mount: Operation | undefined): bigint {
  switch (mount?.type) {
    case 'proc':
      return writableContent | READ_DIR;
    case 'mqueue':
      return writableContent | READ_DIR | MAKE_REG | REMOVE_FILE;
    case 'device':
      return writableFile;
    default:
      return mount?.type === 'bind' && !mount.directory ? writableFile : writableDirectory;
  }
}

/** Reading, where nothing is executed: /proc. */
const listing = READ_FILE | READ_DIR;
const device = READ_FILE | WRITE_FILE | IOCTL_DEV;
/** A device that is made in a directory would be the payload's: no IOCTL_DEV. */
const ownDirectory = writableDirectory & ~IOCTL_DEV;

function grantedAccess({ access, directory }: Grant): bigint {
  if (access === 'device') return device;
  if (access === 'list') return listing;
  if (access === 'own') return ownDirectory;
  if (access === 'write')
    return RESOLVE_UNIX | (directory ? writableDirectory & ~IOCTL_DEV : writableContent | EXECUTE);
  return directory ? readOnly : RESOLVE_UNIX | (readOnly & ~READ_DIR);
}

function handledNet(abi: number): bigint {
  return BIND_TCP | CONNECT_TCP | (abi < 10 ? 0n : BIND_UDP | CONNECT_SEND_UDP);
}

/** Where it is the only wall: nothing but what is granted, no TCP or UDP unless the network is the host's. */
function soleRuleset({ net, landlockAbi }: SandboxSpec, { grants }: PrivateRoot): LandlockRuleset {
  const handledFs = handledAccess(landlockAbi);
  return {
    handledFs,
    handledNet: net === 'host' ? 0n : handledNet(landlockAbi),
    scoped: SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL,
    rules: grants.map((grant) => ({ path: grant.path, access: grantedAccess(grant) & handledFs })),
  };
}

/**
 * Returns the rules for what the user shows for writing, and `--socket`: sockets of the host that may be
 * connected to. Those that the payload makes itself are in its own domain, which needs no rule.
 */
function socketRules({ views }: SandboxSpec): LandlockRule[] {
  return views
    .filter(
      (view) =>
        view.type === 'host' &&
        view.origin === 'user' &&
        (view.access === 'write' || !view.directory),
    )
    .map(({ target }) => ({ path: target, access: RESOLVE_UNIX }));
}

/** Rules for a spec, or undefined where the kernel's Landlock is too old or missing. */
export function landlockRuleset({
  spec,
  operations,
  privateRoot,
}: LoweredSpec): LandlockRuleset | undefined {
  if (privateRoot !== undefined) return soleRuleset(spec, privateRoot);
  const abi = spec.landlockAbi;
  if (abi < landlockMinimumAbi) return undefined;
  const handledFs = handledAccess(abi);
  const last = new Map(operations.map((mount) => [mount.target, mount]));
  const rules = spec.writable.map((path) => ({
    path,
    access: writableAccess(last.get(path)) & handledFs,
  }));
  return {
    handledFs,
    handledNet: spec.net === 'rules' ? BIND_TCP | CONNECT_TCP : 0n,
    scoped: abi >= 6 ? SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL : 0n,
    rules: [
      { path: '/', access: readOnly },
      ...rules,
      ...(handledFs & RESOLVE_UNIX ? socketRules(spec) : []),
    ],
  };
}

/**
 * Decides who the payload is. Host uid 0 is never it: under root it becomes the user behind sudo, or an id that nothing
 * else on the machine uses.
 */
import { posix } from 'node:path';
import type { Host, HostUser } from '../host/index.js';
import type { RunOptions } from '../options/index.js';
import type { Workdir } from './draft.js';
import type { ImageUser } from './image-user.js';
import type { Own } from './isolation.js';
import type { IdentitySpec } from './spec.js';

/**
 * A range that systemd's table of uids leaves free ("unused", between the container and the
 * foreign ranges); in it 4000 blocks of 65536 ids, one of which a run takes at random.
 */
const blockBase = 1_879_048_192;
const blockSize = 65_536;
const blockCount = 4000;

const maxId = 4_294_967_294;

export function resolveIdentity(
  options: RunOptions,
  host: Host,
  workdir: Workdir,
  own: Pick<Own, 'ids'>,
  image?: ImageUser,
): IdentitySpec {
  if (!own.ids) return hostIdentity(host, workdir);
  // Uid 0 of a user namespace has no more rights than its owner outside.
  return {
    ...ofImage(findIdentity(options, host, workdir), image),
    privileged: host.uid === 0 && !host.nested,
  };
}

/** Ids below those of accounts that systemd makes, and below 65536: a user namespace may have no more. */
const looseBase = 30_000;
const looseCount = 30_000;

/** Without a user namespace, the ids inside are the host's. Root's payload gets one that no account has. */
function hostIdentity(host: Host, workdir: Workdir): IdentitySpec {
  const user = host.userById(host.uid);
  const home = homeOf(host.env.HOME, user);
  if (host.uid !== 0)
    return { ...oneUser(host.uid, host.gid, user, false, home), privileged: false };
  const sudo = host.nested ? undefined : sudoUser(host, workdir);
  if (sudo !== undefined)
    return { ...oneUser(sudo.uid, sudo.gid, sudo.user, false, sudo.user?.home), privileged: true };
  let id = looseBase + host.random(looseCount);
  while (host.userById(id) !== undefined) id = looseBase + host.random(looseCount);
  const own = oneUser(id, id, undefined, false, home);
  return { ...own, name: user?.name ?? 'root', unowned: true, privileged: true };
}

type Found = Omit<IdentitySpec, 'privileged'>;

/**
 * The image's user is who the one mapped id is inside. Root maps many, and its own files belong to id 0 inside:
 * there the payload stays that one.
 */
function ofImage(found: Found, image: ImageUser | undefined): Found {
  if (image === undefined || found.count > 1) return found;
  const { uid, gid, name = uid === 0 ? 'root' : `user${uid}` } = image;
  return { ...found, uid, gid, name };
}

function findIdentity(options: RunOptions, host: Host, workdir: Workdir): Found {
  const asRoot = options.root === true;
  if (host.uid !== 0 || host.nested) {
    const user = host.userById(host.uid);
    return oneUser(host.uid, host.gid, user, asRoot, homeOf(host.env.HOME, user));
  }
  const sudo = sudoUser(host, workdir);
  if (sudo !== undefined) return oneUser(sudo.uid, sudo.gid, sudo.user, asRoot, sudo.user?.home);
  return {
    uid: 0,
    gid: 0,
    ...drawBlock(host),
    count: blockSize,
    name: host.userById(0)?.name ?? 'root',
    home: usableHome(homeOf(host.env.HOME, host.userById(0)), 'root'),
    idmap: true,
  };
}

function drawBlock(host: Pick<Host, 'random'>): Pick<IdentitySpec, 'hostUid' | 'hostGid'> {
  const hostId = blockBase + blockSize * host.random(blockCount);
  return { hostUid: hostId, hostGid: hostId };
}

/** Returns whether a spec's only random part is its block of ids, so that {@link drawAgain} makes it another run's. */
export const hasDrawnBlock = ({ idmap, maps }: IdentitySpec): boolean =>
  idmap && maps === undefined;

/**
 * Draws the identity of another run: no two have ids of the host in common.
 * @returns undefined where an account has the ids that were drawn, which matters for more than them
 */
export function drawAgain(identity: IdentitySpec, host: Host): IdentitySpec | undefined {
  const drawn = drawBlock(host);
  return host.userById(drawn.hostUid) === undefined ? { ...identity, ...drawn } : undefined;
}

function oneUser(
  hostUid: number,
  hostGid: number,
  user: HostUser | undefined,
  asRoot: boolean,
  home: string | undefined,
): Found {
  const name = asRoot ? 'root' : (user?.name ?? `user${hostUid}`);
  return {
    uid: asRoot ? 0 : hostUid,
    gid: asRoot ? 0 : hostGid,
    hostUid,
    hostGid,
    count: 1,
    name,
    home: usableHome(home, user?.name ?? 'user'),
    idmap: false,
  };
}

/** The user who called sudo, if the working directory is theirs. */
function sudoUser(host: Host, workdir: Workdir) {
  const text = host.env.SUDO_UID ?? '';
  const uid = /^\d{1,10}$/.test(text) ? Number(text) : 0;
  if (uid === 0 || uid > maxId || workdir.uid !== uid) return undefined;
  const user = host.userById(uid);
  const gidText = host.env.SUDO_GID ?? '';
  const gidNumber = /^\d{1,10}$/.test(gidText) ? Number(gidText) : 0;
  const gid = gidNumber > 0 && gidNumber <= maxId ? gidNumber : user?.gid;
  return gid === undefined || gid === 0 ? undefined : { uid, gid, user };
}

function homeOf(variable: string | undefined, user: HostUser | undefined): string | undefined {
  return variable?.startsWith('/') ? variable : user?.home;
}

/** Where a home would cover up what every program needs, as those of system accounts may. */
const covered = /^\/(usr|bin|sbin|lib\w*|etc|opt|dev|proc|sys|nix|gnu|run)(\/|$)/;

function usableHome(home: string | undefined, name: string): string {
  const path = home?.startsWith('/') ? posix.resolve(home) : '/';
  if (path !== '/' && path !== '/tmp' && !covered.test(path)) return path;
  return `/home/${/^[A-Za-z0-9._-]+$/.test(name) ? name : 'user'}`;
}

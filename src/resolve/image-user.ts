/**
 * The user of an image: `USER[:GROUP]` of its configuration, by names of its own /etc/passwd and /etc/group.
 *
 * It is who the payload is inside. Outside it is the user who runs wasbox, whatever the image says: an ordinary
 * user can map no other id, and all of the image's files are that user's, too.
 */

import { UsageError } from '../errors/index.js';
import type { Host } from '../host/index.js';
import { spoken } from '../options/index.js';
import type { Tree } from './tree.js';

export interface ImageUser {
  readonly uid: number;
  readonly gid: number;
  /** Login name; absent where the image has no account of this id. */
  readonly name?: string | undefined;
  readonly home?: string | undefined;
}

const accountLimit = 1 << 20;
/** 65534 is what ids are shown as that are not mapped; the last two of 32 bits mean something else. */
const maxId = 4_294_967_293;

const idOf = (text: string): number | undefined =>
  /^\d{1,10}$/.test(text) && Number(text) <= maxId ? Number(text) : undefined;

/** Fields of the lines of a file of the image, as passwd(5) and group(5) have them. */
function linesOf(path: string, tree: Tree, host: Host): string[][] {
  const place = tree.locate(path);
  if (place.kind !== 'file' || place.hostPath === undefined) return [];
  const bytes = host.files.read(place.hostPath, accountLimit);
  const text = bytes === undefined ? '' : new TextDecoder().decode(bytes);
  return text.split('\n').map((line) => line.split(':'));
}

/** @throws UsageError where the image names an account that it has not */
export function imageUser(user: string, tree: Tree, host: Host): ImageUser {
  const colon = user.indexOf(':');
  const named = (colon < 0 ? user : user.slice(0, colon)) || '0';
  const group = colon < 0 ? '' : user.slice(colon + 1);
  const id = idOf(named);
  const accounts = linesOf('/etc/passwd', tree, host);
  // Docker looks it up in this way: a name first, which may consist of digits.
  const account =
    accounts.find(([name]) => name === named) ??
    accounts.find(([, , uid = '']) => id !== undefined && idOf(uid) === id);
  const uid = account === undefined ? id : idOf(account[2] ?? '');
  if (uid === undefined) throw unknown('user', named, '/etc/passwd');
  const gid = group === '' ? (idOf(account?.[3] ?? '') ?? 0) : groupId(group, tree, host);
  const [name, , , , , home] = account ?? [];
  return {
    uid,
    gid,
    ...(name !== undefined && /^[A-Za-z0-9._-]+$/.test(name) ? { name } : {}),
    ...(home?.startsWith('/') && !home.includes('\0') ? { home } : {}),
  };
}

function groupId(group: string, tree: Tree, host: Host): number {
  const entry = linesOf('/etc/group', tree, host).find(([name]) => name === group);
  const gid = entry === undefined ? idOf(group) : idOf(entry[2] ?? '');
  if (gid === undefined) throw unknown('group', group, '/etc/group');
  return gid;
}

const unknown = (what: string, name: string, file: string): UsageError =>
  new UsageError(
    'ERR_USAGE',
    `the image runs as ${what} ${name}, which its ${file} does not have`,
    {
      hint: spoken`To run it as root inside, without rights outside: --root`,
    },
  );

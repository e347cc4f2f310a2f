/** File systems that cannot hold the layer of a run while it writes to it. */
import { dirname } from 'node:path';

/** File systems that overlayfs does not accept as an upper layer, by f_type of statfs(2). */
const lowerOnly: ReadonlyMap<number, string> = new Map([
  [0x794c7630, 'overlayfs'],
  [0x6969, 'NFS'],
  [0x65735546, 'FUSE'],
  [0x61756673, 'aufs'],
  [0x73717368, 'squashfs'],
  [0x01021997, '9p'],
  [0xfe534d42, 'SMB'],
  [0xff534d42, 'SMB'],
]);

/**
 * Name of the file system of a directory, which need not be there yet, if it is one of those.
 * @param typeOf f_type of statfs(2); undefined if the path does not exist
 */
export function layerObstacle(
  directory: string,
  typeOf: (path: string) => number | undefined,
): string | undefined {
  for (let path = directory; ; path = dirname(path)) {
    const type = typeOf(path);
    if (type !== undefined) return lowerOnly.get(type);
    if (path === dirname(path)) return undefined;
  }
}

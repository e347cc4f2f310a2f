/** File systems that cannot hold the layer of a run while it writes to it. */
import { dirname } from 'node:path';

/** File systems that overlayfs never accepts as an upper layer, by f_type of statfs(2). */
const lowerOnly: ReadonlyMap<number, string> = new Map([
  [0x794c7630, 'overlayfs'],
  [0x6969, 'NFS'],
  [0x61756673, 'aufs'],
  [0x73717368, 'squashfs'],
  [0x01021997, '9p'],
  [0xfe534d42, 'SMB'],
  [0xff534d42, 'SMB'],
]);

/**
 * Only a try shows whether overlayfs accepts FUSE: it does where the server has RENAME_WHITEOUT, file types in
 * directories and user extended attributes (`ovl_make_workdir`), as that of virtiofs can.
 */
const sometimesLowerOnly: ReadonlyMap<number, string> = new Map([
  ...lowerOnly,
  [0x65735546, 'FUSE'],
]);

/** f_type of statfs(2); undefined if the path does not exist. */
type TypeOf = (path: string) => number | undefined;

/** The type of the file system of a directory, which need not be there yet. */
function typeOfPlace(directory: string, typeOf: TypeOf): number | undefined {
  for (let path = directory; ; path = dirname(path)) {
    const type = typeOf(path);
    if (type !== undefined || path === dirname(path)) return type;
  }
}

/** Name of the file system of a directory if overlayfs never accepts it as an upper layer. */
export function layerObstacle(directory: string, typeOf: TypeOf): string | undefined {
  return lowerOnly.get(typeOfPlace(directory, typeOf) ?? -1);
}

/** Returns the obstacle once overlayfs has refused it: also of a file system that it accepts elsewhere. */
export function refusedLayer(directory: string, typeOf: TypeOf): string | undefined {
  return sometimesLowerOnly.get(typeOfPlace(directory, typeOf) ?? -1);
}

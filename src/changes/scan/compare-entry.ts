/**
 * The part of the comparison that needs open files: content and extended attributes.
 */
import {
  noAttributes,
  readAttributes,
  readLayerAttributes,
  sameAttributes,
} from '../files/attributes.js';
import { openDirectory, openToRead, withFd } from '../files/fdtree.js';
import { unlessDenied } from '../files/layer.js';
import type { ChangeFlag, ChangesNative, FileState } from '../model/index.js';
import { sameContent } from './compare.js';

/** `xattr` if a directory's attributes differ from the host's. */
export function directoryFlags(
  native: ChangesNative,
  upper: number,
  host: number | undefined,
): ChangeFlag[] {
  const { own } = readLayerAttributes(native, upper);
  const before =
    host === undefined
      ? noAttributes
      : unlessDenied(() =>
          withFd(openDirectory(native, host, Buffer.from('.')), (fd) => readAttributes(native, fd)),
        );
  return sameAttributes(before ?? noAttributes, own) ? [] : ['xattr'];
}

/** Returns whether a file has the host's content; adds flags for its attributes to `flags`. */
export function compareFile(
  native: ChangesNative,
  upper: number,
  parent: number | undefined,
  name: Buffer,
  before: FileState | undefined,
  after: FileState,
  flags: ChangeFlag[],
): boolean {
  const { own, foreign } = readLayerAttributes(native, upper);
  if (foreign) flags.push('unreadable');
  const host =
    parent === undefined ? undefined : unlessDenied(() => openToRead(native, parent, name));
  if (host === undefined) {
    if (own.size > 0) flags.push('xattr');
    return false;
  }
  return withFd(host, () => {
    if (!sameAttributes(readAttributes(native, host), own)) flags.push('xattr');
    if (foreign || before?.size !== after.size) return false;
    // Another process may have replaced the file meanwhile.
    return unlessDenied(() => sameContent(upper, host)) === true;
  });
}

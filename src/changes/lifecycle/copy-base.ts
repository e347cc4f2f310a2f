/** Copies what is known of the host's files to where a run's layers are looked at elsewhere. */
import { readFileSync } from 'node:fs';
import { lstatAt, openToRead, withFd } from '../files/fdtree.js';
import type { ChangesNative } from '../model/index.js';
import { baseName } from '../store/base.js';
import { writeWhole } from '../store/record.js';
import { openTreeDirectory } from '../store/session.js';

/** Copies from one run's open directory to another's, for the nth tree. */
export function copyBase(native: ChangesNative, from: number, to: number, index: number): void {
  withFd(openTreeDirectory(native, from, index), (source) =>
    withFd(openTreeDirectory(native, to, index), (target) => {
      if (lstatAt(source, baseName) === undefined) return;
      const text = withFd(openToRead(native, source, baseName), (fd) => readFileSync(fd, 'latin1'));
      writeWhole(native, target, baseName, text, false);
    }),
  );
}

/** Finds whether this machine has a program. */
import { posix } from 'node:path';
import type { Host } from '../host/index.js';

export const onPath = (host: Host, program: string): boolean =>
  (host.env.PATH ?? '')
    .split(':')
    .some((at) => at.startsWith('/') && host.files.stat(posix.join(at, program))?.kind === 'file');

/** Finds whether this machine has a program, and where. */
import { posix } from 'node:path';
import type { Host } from '../host/index.js';

export const pathOf = (host: Host, program: string): string | undefined =>
  (host.env.PATH ?? '')
    .split(':')
    .filter((at) => at.startsWith('/'))
    .map((at) => posix.join(at, program))
    .find((path) => host.files.stat(path)?.kind === 'file');

export const onPath = (host: Host, program: string): boolean => pathOf(host, program) !== undefined;

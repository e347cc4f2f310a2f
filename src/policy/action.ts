/** The values that a filter returns, as the kernel reads it (seccomp(2)). */
import { architectures, constantValue } from '../core/index.js';
import { UsageError } from '../errors/index.js';
import type { Architecture } from './source.js';

/** An action by its word in a policy; `value` is the errno, or what a tracer gets. */
export interface PolicyAction {
  readonly kind:
    | 'allow'
    | 'log'
    | 'notify'
    | 'trace'
    | 'errno'
    | 'trap'
    | 'kill_thread'
    | 'kill_process';
  readonly value: number;
}

const kinds: ReadonlyMap<number, PolicyAction['kind']> = new Map([
  [0x7fff, 'allow'],
  [0x7ffc, 'log'],
  [0x7fc0, 'notify'],
  [0x7ff0, 'trace'],
  [0x0005, 'errno'],
  [0x0003, 'trap'],
  [0x0000, 'kill_thread'],
  [0x8000, 'kill_process'],
]);

/** Reads a return value; the kernel kills the process for one that it does not know. */
export function readAction(returned: number): PolicyAction {
  const kind = kinds.get(returned >>> 16) ?? 'kill_process';
  const data = returned & 0xffff;
  if (kind === 'errno') return { kind, value: Math.min(data, 4095) };
  return { kind, value: kind === 'trace' ? data : 0 };
}

/** Names that filters use; others are shown as numbers. */
const errnoNames =
  'EPERM ENOENT EINTR EIO EBADF EAGAIN ENOMEM EACCES EEXIST ENODEV EINVAL ENOTTY ENOSPC EROFS ENOSYS EAFNOSUPPORT EPROTONOSUPPORT EOPNOTSUPP ENETUNREACH ETIMEDOUT ECONNREFUSED'.split(
    ' ',
  );

/** Position of an architecture in the core's tables. */
export function archIndex(arch: Architecture): number {
  const found = architectures().find(({ name }) => name === arch);
  if (found === undefined) {
    throw new UsageError('ERR_OPTION_VALUE', `unknown architecture ${arch}`, {
      hint: `Use one of: ${architectures()
        .map(({ name }) => name)
        .join(', ')}.`,
    });
  }
  return found.index;
}

/** The action as a policy writes it: `errno(ENOSYS)`. Errno values depend on the architecture. */
export function actionText({ kind, value }: PolicyAction, arch: Architecture): string {
  if (kind === 'trace') return `trace(${value})`;
  if (kind !== 'errno') return kind;
  const index = archIndex(arch);
  const name = errnoNames.find((word) => constantValue(index, word) === BigInt(value));
  return `errno(${name ?? value})`;
}

/** One operation of init for each entry of the sandbox's file tree. */
import type { Operation } from '../backend/index.js';
import type { FileIdentity, LowerDirectory, SandboxSpec } from '../resolve/index.js';
import {
  lowerLayout,
  lowerSize,
  type opLayout,
  WB_MEMORY_NAME,
  WB_OP_BIND,
  WB_OP_CHECK_IDENTITY,
  WB_OP_COVER,
  WB_OP_DEVICE,
  WB_OP_DEVPTS,
  WB_OP_DIRECTORY,
  WB_OP_FILE,
  WB_OP_HANDED_OVER,
  WB_OP_HIDE,
  WB_OP_HOME,
  WB_OP_IDMAP,
  WB_OP_IN_MEMORY,
  WB_OP_IS_DIRECTORY,
  WB_OP_MQUEUE,
  WB_OP_OVERLAY,
  WB_OP_PRIVATE,
  WB_OP_PROC,
  WB_OP_READ_ONLY,
  WB_OP_SYMLINK,
  WB_PROC_HIDDEN,
} from './wire.generated.js';
import type { Fields, PlanWriter } from './writer.js';

type OpFields = Fields<typeof opLayout>;

/** Returns the number that wire.h has: the major number in the upper half, the minor in the lower. */
const deviceNumber = (major: bigint, minor: bigint): bigint => (major << 32n) | minor;

/** Device numbers that the kernel has fixed: Documentation/admin-guide/devices.txt. */
const devices = {
  null: deviceNumber(1n, 3n),
  zero: deviceNumber(1n, 5n),
  full: deviceNumber(1n, 7n),
  random: deviceNumber(1n, 8n),
  urandom: deviceNumber(1n, 9n),
  tty: deviceNumber(5n, 0n),
} as const;

/** A `dev_t` as stat(2) has it, taken apart as makedev(3) puts it together. */
function fromDevT(dev: bigint): bigint {
  const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & ~0xfffn);
  const minor = (dev & 0xffn) | ((dev >> 12n) & 0xffffff00n);
  return deviceNumber(major, minor);
}

function identityFields(identity: FileIdentity | undefined): { device?: bigint; inode?: bigint } {
  if (identity === undefined) return {};
  return { device: fromDevT(identity.dev), inode: identity.ino };
}

const hiddenMark = String.fromCharCode(WB_PROC_HIDDEN);
const memoryLetter = String.fromCharCode(WB_MEMORY_NAME);

/**
 * The layers that are in memory while the run goes on: their names in the private tmpfs (addon/init/overlay.c), and
 * the layers that they are copied to, below the run's directory.
 */
export const memoryLayers = (
  operations: readonly Operation[],
): { readonly name: string; readonly layer: string }[] =>
  operations.flatMap((mount, index) =>
    mount.type === 'overlay' && mount.inMemory === true && mount.layer !== undefined
      ? [{ name: `${memoryLetter}${index}`, layer: mount.layer }]
      : [],
  );

/** The parts that the operations of one plan have in common. */
export interface OperationContext {
  readonly writer: PlanWriter;
  readonly spec: SandboxSpec;
}

function writeLowers(writer: PlanWriter, lowers: readonly LowerDirectory[]): number {
  const at = writer.reserve(lowers.length * lowerSize);
  for (const [i, { source, identity }] of lowers.entries()) {
    writer.fields(at + i * lowerSize, lowerLayout, {
      path: writer.string(source),
      flags: identity === undefined ? 0 : WB_OP_CHECK_IDENTITY,
      ...identityFields(identity),
    });
  }
  return at;
}

/** Fields of one operation. */
export function operation({ writer, spec }: OperationContext, mount: Operation): OpFields {
  const target = writer.string(mount.target);
  const { privileged, idmap } = spec.identity;
  // Root's supervisor opens what lies outside of the system's directories.
  const handedOver = privileged ? WB_OP_HANDED_OVER | (idmap ? WB_OP_IDMAP : 0) : 0;
  switch (mount.type) {
    case 'bind':
      return {
        kind: WB_OP_BIND,
        target,
        source: writer.string(mount.source),
        flags:
          (mount.readOnly ? WB_OP_READ_ONLY : 0) |
          (mount.directory ? WB_OP_IS_DIRECTORY : 0) |
          (mount.identity ? WB_OP_CHECK_IDENTITY : 0) |
          // A mount that belongs to the system keeps its owner: root's private files stay unreadable.
          (mount.origin === 'system' ? 0 : handedOver),
        ...identityFields(mount.identity),
      };
    case 'overlay': {
      const { lowers = [], readOnly = false, inMemory = false, layer } = mount;
      return {
        kind: WB_OP_OVERLAY,
        target,
        source: writer.string(mount.source),
        layer: layer === undefined ? 0 : writer.string(layer),
        flags:
          WB_OP_IS_DIRECTORY |
          (readOnly ? WB_OP_READ_ONLY : 0) |
          (inMemory ? WB_OP_IN_MEMORY : 0) |
          (mount.home === true ? WB_OP_HOME : 0) |
          (mount.identity ? WB_OP_CHECK_IDENTITY : 0) |
          handedOver,
        ...identityFields(mount.identity),
        lowers: lowers.length === 0 ? 0 : writeLowers(writer, lowers),
        lowerCount: lowers.length,
      };
    }
    case 'private':
      return {
        kind: WB_OP_PRIVATE,
        target,
        mode: mount.mode,
        layer: mount.layer === undefined ? 0 : writer.string(mount.layer),
        flags:
          (mount.home === true ? WB_OP_HOME : 0) | (mount.layer === undefined ? 0 : handedOver),
      };
    case 'directory':
      return { kind: WB_OP_DIRECTORY, target, mode: mount.mode };
    case 'symlink':
      return { kind: WB_OP_SYMLINK, target, source: writer.string(mount.to) };
    case 'file':
      return {
        kind: WB_OP_FILE,
        target,
        mode: mount.mode,
        flags: mount.covers === true ? WB_OP_COVER : 0,
        data: writer.bytes(mount.content),
        dataSize: mount.content.length,
      };
    case 'hide':
      return { kind: WB_OP_HIDE, target, flags: mount.directory ? WB_OP_IS_DIRECTORY : 0 };
    case 'proc': {
      const words = [...mount.sealed, ...mount.hidden.map((name) => `${hiddenMark}${name}`)];
      const names = new TextEncoder().encode(words.map((name) => `${name}\0`).join(''));
      return {
        kind: WB_OP_PROC,
        target,
        ...(names.length === 0 ? {} : { data: writer.bytes(names), dataSize: names.length }),
      };
    }
    case 'mqueue':
      return { kind: WB_OP_MQUEUE, target };
    case 'devpts':
      return { kind: WB_OP_DEVPTS, target };
    case 'device':
      return {
        kind: WB_OP_DEVICE,
        target,
        source: writer.string(`/dev/${mount.name}`),
        device: devices[mount.name],
      };
  }
}

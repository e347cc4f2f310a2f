/**
 * Extended attributes, POSIX ACLs and file capabilities among them. `apply` never
 * copies what the payload set; the host's file keeps its own.
 */
import type { ChangesNative } from '../model/index.js';

/**
 * Attributes of overlayfs, labels that the system sets, and what a file system shows as one of its own: each file on NFS
 * has `system.nfs4_acl`. The payload did not set them.
 */
const noise =
  /^(user|trusted)\.overlay\.|^security\.(selinux|SMACK64|apparmor|ima|evm)$|^system\.(?!posix_acl_)/;
export const isNoise = (attribute: string): boolean => noise.test(attribute);
/** These attributes mean that the content is in another file; wasbox never mounts with these features. */
const foreign = ['user.overlay.metacopy', 'user.overlay.redirect'];

/** Names and values of an open file's or directory's attributes. */
export type Attributes = ReadonlyMap<string, Uint8Array>;

export const noAttributes: Attributes = new Map();

export interface LayerAttributes {
  readonly own: Attributes;
  /** True if attributes redirect the entry's content. */
  readonly foreign: boolean;
  /** Names of all attributes, including those of overlayfs. */
  readonly names: readonly string[];
}

/** The attributes of an open file, without those that the system sets. */
export function readAttributes(native: ChangesNative, fd: number): Attributes {
  return valuesOf(native, fd, native.flistxattr(fd));
}

function valuesOf(native: ChangesNative, fd: number, names: readonly string[]): Attributes {
  let own: Map<string, Uint8Array> | undefined;
  for (const name of names) {
    if (noise.test(name)) continue;
    own ??= new Map();
    own.set(name, native.fgetxattr(fd, name) ?? new Uint8Array());
  }
  return own ?? noAttributes;
}

/** The attributes of an entry of a layer. */
export function readLayerAttributes(native: ChangesNative, fd: number): LayerAttributes {
  const names = native.flistxattr(fd);
  return {
    names,
    own: valuesOf(native, fd, names),
    foreign: names.some((name) => foreign.includes(name)),
  };
}

/**
 * Returns whether the layer has the host's attributes. Missing ones that the kernel never copies into a layer,
 * such as file capabilities, do not count.
 */
export function sameAttributes(host: Attributes, layer: Attributes): boolean {
  for (const [name, value] of layer) {
    const other = host.get(name);
    if (other === undefined || Buffer.compare(value, other) !== 0) return false;
  }
  return [...host.keys()].every((name) => layer.has(name) || !isKept(name));
}

/** Returns whether the kernel copies the attribute into a layer. */
const isKept = (name: string): boolean => /^(user\.|system\.posix_acl_)/.test(name);

/** Copies the attributes of a file to the one that replaces it, except capabilities. */
export function keepAttributes(native: ChangesNative, from: number, to: number): void {
  for (const [name, value] of readAttributes(native, from)) {
    if (isKept(name)) native.fsetxattr(to, name, value);
  }
}

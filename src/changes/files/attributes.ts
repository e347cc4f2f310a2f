/**
 * Extended attributes, POSIX ACLs and file capabilities among them. `apply` never
 * carries over what the payload set; the host's file keeps its own.
 */
import type { ChangesNative } from '../model/index.js';

/** Overlayfs' own, and labels that the system sets by itself: they say nothing of the payload. */
const noise = /^(user|trusted)\.overlay\.|^security\.(selinux|SMACK64|apparmor|ima|evm)$/;
export const isNoise = (attribute: string): boolean => noise.test(attribute);
/** Say that the file's content lies elsewhere; wasbox never mounts with such features. */
const foreign = ['user.overlay.metacopy', 'user.overlay.redirect'];

/** Names and values of an open file's or directory's attributes. */
export type Attributes = ReadonlyMap<string, Uint8Array>;

export const noAttributes: Attributes = new Map();

export interface LayerAttributes {
  readonly own: Attributes;
  /** Attributes by which an entry of the layer is not what it seems. */
  readonly foreign: boolean;
  /** Of all attributes, overlayfs' own among them. */
  readonly names: readonly string[];
}

/** What an open file's attributes are, but for those that are the system's. */
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

/** The same of an entry of a layer. */
export function readLayerAttributes(native: ChangesNative, fd: number): LayerAttributes {
  const names = native.flistxattr(fd);
  return {
    names,
    own: valuesOf(native, fd, names),
    foreign: names.some((name) => foreign.includes(name)),
  };
}

/**
 * Whether the layer's attributes are the host's. What the kernel does not copy into a layer, as file
 * capabilities, says nothing where it is missing.
 */
export function sameAttributes(host: Attributes, layer: Attributes): boolean {
  for (const [name, value] of layer) {
    const other = host.get(name);
    if (other === undefined || Buffer.compare(value, other) !== 0) return false;
  }
  return [...host.keys()].every((name) => layer.has(name) || !isKept(name));
}

/** Whether a program's own file has it copied along. */
const isKept = (name: string): boolean => /^(user\.|system\.posix_acl_)/.test(name);

/** Gives a file that takes another one's place that one's attributes, but for capabilities. */
export function keepAttributes(native: ChangesNative, from: number, to: number): void {
  for (const [name, value] of readAttributes(native, from)) {
    if (isKept(name)) native.fsetxattr(to, name, value);
  }
}

/** Ports on which a program inside listens and that nothing outside leads to, for programs that use the library. */
import { closeDescriptor, giveDescriptor, type Native } from '../native/index.js';
import { ownOf, type SandboxSpec } from '../resolve/index.js';

/** Returns whether a server inside is reached from outside only by publishing its port. */
export const hasOwnNetwork = (spec: SandboxSpec): boolean =>
  ownOf(spec).network && spec.net !== 'host';

/** One spec for each, so that a plan is made once. */
const telling = new WeakMap<SandboxSpec, SandboxSpec>();

/** The spec of a sandbox that tells of its ports, where it has a network of its own. */
export function tellingPorts(spec: SandboxSpec): SandboxSpec {
  if (!hasOwnNetwork(spec) || spec.tellsPorts === true) return spec;
  const known = telling.get(spec);
  if (known !== undefined) return known;
  const told: SandboxSpec = { ...spec, tellsPorts: true };
  telling.set(spec, told);
  return told;
}

/** Makes the pipe on which the supervisor tells them. It is closed when the sandbox has ended. */
export function portsTo(
  native: Native,
  spec: SandboxSpec,
  onPort: ((port: number) => void) | undefined,
): { readonly fd: number; close(): void } | undefined {
  if (onPort === undefined || spec.tellsPorts !== true) return undefined;
  const [own, fd] = native.pipe();
  const stream = giveDescriptor(own, { readable: true, writable: false });
  let rest = '';
  stream.setEncoding('latin1').on('data', (piece: string) => {
    const lines = (rest + piece).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onPort(Number(line));
  });
  stream.on('error', () => {}).unref();
  let isOpen = true;
  return {
    fd,
    close: () => {
      if (isOpen) closeDescriptor(fd); // its reader is at its end then
      isOpen = false;
    },
  };
}

/** The streams of a sandbox: this process's ends, and the descriptors that the payload gets. */
import { openSync } from 'node:fs';
import type { Socket } from 'node:net';
import { closeDescriptor, giveDescriptor, loadNative } from '../native/index.js';
import { descriptorsError } from './descriptors.js';
import type { Stdio, StdioTarget } from './options.js';

export interface Channel {
  /** Descriptor that the payload gets. */
  readonly fd: number;
  /** Whether `fd` is ours and must be closed once the payload has it. */
  readonly owned: boolean;
  readonly stream: Socket | null;
}

export type Channels = readonly [stdin: Channel, stdout: Channel, stderr: Channel];

function openChannel(target: StdioTarget, index: number): Channel {
  if (target === 'inherit') return { fd: index, owned: false, stream: null };
  if (typeof target === 'number') return { fd: target, owned: false, stream: null };
  if (target === 'ignore') {
    return { fd: openSync('/dev/null', index === 0 ? 'r' : 'w'), owned: true, stream: null };
  }
  const [readEnd, writeEnd] = loadNative().native.pipe();
  const input = index === 0;
  // Loaded here: the command line, which passes its own streams on, starts faster without it.
  const { Socket: Stream } = process.getBuiltinModule('node:net');
  const own = input ? writeEnd : readEnd;
  const stream = giveDescriptor(
    own,
    () => new Stream({ fd: own, readable: !input, writable: input }),
  );
  if (input) stream.on('error', () => {}); // a payload need not read its input
  return { fd: input ? readEnd : writeEnd, owned: true, stream };
}

/**
 * @throws LaunchError ERR_DESCRIPTORS
 */
export function openChannels(targets: Stdio): Channels {
  const opened: Channel[] = [];
  try {
    for (const [index, target] of targets.entries()) opened.push(openChannel(target, index));
    return opened as unknown as Channels;
  } catch (error) {
    closeChannels(opened);
    closeGiven(opened);
    throw descriptorsError(error);
  }
}

/** This process's ends: where nothing is started. */
export function closeChannels(channels: readonly Channel[]): void {
  for (const { stream } of channels) stream?.destroy();
}

/** The payload's ends, once it has them. */
export function closeGiven(channels: readonly Channel[]): void {
  for (const { fd, owned } of channels) if (owned) closeDescriptor(fd);
}

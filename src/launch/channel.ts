/** The streams of a sandbox: this process's ends, and the descriptors that the payload gets. */
import { openSync } from 'node:fs';
import type { Socket } from 'node:net';
import type { StreamKind } from '../host/index.js';
import { closeDescriptor, giveDescriptor, loadNative } from '../native/index.js';
import { descriptorsError } from './descriptors.js';
import type { Stdio, StdioTarget } from './options.js';

export interface Channel {
  /** Descriptor that the payload gets. */
  readonly fd: number;
  /** True if `fd` is ours and must be closed once the payload has it. */
  readonly owned: boolean;
  /** The kind of `fd`, if this process has just made it. */
  readonly kind?: StreamKind;
  /** The parent's end of a pipe; made when it is first asked for. */
  readonly stream: Socket | null;
  /** This process's end. */
  close(): void;
}

export type Channels = readonly [stdin: Channel, stdout: Channel, stderr: Channel];

/** Making the stream takes as long as another thread needs to clone a sandbox: it is made when it is first needed. */
class Pipe implements Channel {
  readonly fd: number;
  readonly owned = true;
  readonly kind = 'pipe';
  readonly #isInput: boolean;
  #own: number | undefined;
  #stream: Socket | undefined;

  constructor(isInput: boolean) {
    const { own, given } = loadNative().native.payloadPipe(isInput);
    this.#isInput = isInput;
    this.#own = own;
    this.fd = given;
  }

  get stream(): Socket {
    this.#stream ??= this.#open();
    return this.#stream;
  }

  #open(): Socket {
    const fd = this.#own;
    if (fd === undefined) throw new TypeError('the pipe is closed');
    this.#own = undefined;
    const stream = giveDescriptor(fd, { readable: !this.#isInput, writable: this.#isInput });
    if (this.#isInput) stream.on('error', () => {}); // a payload need not read its input
    return stream;
  }

  close(): void {
    this.#stream?.destroy();
    if (this.#own !== undefined) closeDescriptor(this.#own);
    this.#own = undefined;
  }
}

function openChannel(target: StdioTarget, index: number): Channel {
  if (target === 'pipe') return new Pipe(index === 0);
  const none = { stream: null, close: () => {} };
  if (target === 'inherit') return { fd: index, owned: false, ...none };
  if (typeof target === 'number') return { fd: target, owned: false, ...none };
  return { fd: openSync('/dev/null', index === 0 ? 'r' : 'w'), owned: true, ...none };
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
  for (const channel of channels) channel.close();
}

/** Makes the streams of those that are pipes. */
export function openStreams(channels: readonly Channel[]): void {
  for (const channel of channels) void channel.stream;
}

/** The payload's ends, once it has them. */
export function closeGiven(channels: readonly Channel[]): void {
  for (const { fd, owned } of channels) if (owned) closeDescriptor(fd);
}

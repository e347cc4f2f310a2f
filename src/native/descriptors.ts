/**
 * Closes descriptors of Node and of the native addon alike. In a worker thread Node keeps a list of
 * those that it opened: it prints a warning about any other that its `closeSync` closes, and closes
 * again, when the thread ends, what was closed behind its back.
 */
import { closeSync } from 'node:fs';
import type { Socket, SocketConstructorOpts } from 'node:net';
import type { Native } from './types.js';

/** Descriptors that the addon opened and this thread has not closed; undefined where Node keeps no list. */
let own: { readonly native: Native; readonly fds: Set<number> } | undefined;

/** Closes a descriptor, opened by the addon or by Node. */
export function closeDescriptor(fd: number): void {
  if (own?.fds.delete(fd) === true) own.native.close(fd);
  else closeSync(fd);
}

/**
 * Gives a descriptor to a stream of Node's, which closes it from then on. If there can be none, it is closed.
 * node:net is loaded here: the command line, which passes its own streams on, starts faster without it.
 */
export function giveDescriptor(fd: number, options: Omit<SocketConstructorOpts, 'fd'>): Socket {
  const noted = own?.fds.has(fd) === true ? own : undefined;
  noted?.native.lendDescriptor(fd);
  let stream: Socket;
  try {
    const { Socket: Stream } = process.getBuiltinModule('node:net');
    stream = new Stream({ ...options, fd });
  } catch (error) {
    closeDescriptor(fd);
    throw error;
  }
  noted?.fds.delete(fd);
  noted?.native.forgetDescriptor(fd);
  return stream;
}

/**
 * The addon of a worker thread, with a note of each descriptor that it opens. The addon closes those that are
 * left when the thread is terminated, at whatever line it was.
 */
export function withDescriptors(native: Native): Native {
  const fds = new Set<number>();
  const noted = (fd: number): number => {
    fds.add(fd);
    return fd;
  };
  own = { native, fds };
  native.ownDescriptors();
  return {
    ...native,
    openOwn: (...request) => noted(native.openOwn(...request)),
    openat2: (...request) => noted(native.openat2(...request)),
    lockRun: (directory, shared = false) => {
      const lock = native.lockRun(directory, shared);
      return lock === undefined ? undefined : noted(lock);
    },
    socketPair: () => {
      const [ours, theirs] = native.socketPair();
      return [noted(ours), noted(theirs)];
    },
    receiveDescriptor: (socket, timeoutMs) => {
      const received = native.receiveDescriptor(socket, timeoutMs);
      if (received?.[1] !== undefined) noted(received[1]);
      return received;
    },
    sandboxes: {
      ...native.sandboxes,
      takeMemory: (sandbox) => {
        const memory = native.sandboxes.takeMemory(sandbox);
        return memory === undefined ? undefined : noted(memory);
      },
    },
    payloadPipe: (isInput) => {
      const pipe = native.payloadPipe(isInput);
      noted(pipe.own);
      noted(pipe.given);
      return pipe;
    },
    pipe: () => {
      const [read, write] = native.pipe();
      return [noted(read), noted(write)];
    },
  };
}

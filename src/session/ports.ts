/** Ports of a session: those that only its own programs reach, and those that were published while it runs. */
import { createServer, type Server, type Socket } from 'node:net';
import { byInterface, LaunchError, UsageError } from '../errors/index.js';
import { hasOwnNetwork } from '../launch/index.js';
import { cannotBind } from '../leads/index.js';
import { giveDescriptor, loadNative } from '../native/index.js';
import { addressText } from '../options/index.js';
import { readPublished, type SandboxSpec } from '../resolve/index.js';

/** Connections of one port at a time, as of a port of a run (RELAYS_MAX in addon/net/publish.c). */
const maxConnections = 256;

/** A port of a running session that this machine reaches. */
export interface PublishedPort {
  /** The port of this machine at which connections are taken. */
  readonly address: string;
  readonly hostPort: number;
  readonly insidePort: number;
  /** The text that `publish` takes: `127.0.0.1:8080:80`. */
  readonly text: string;
  /** Takes no more connections; those that there are end. */
  close(): Promise<void>;
}

/** Descriptor of a connection to a port inside; throws as `NativeSandbox.dialInside`. */
type Dial = (port: number) => number;

export class SessionPorts {
  readonly #onPort: ((port: number) => void) | undefined;
  readonly #published = new Map<string, PublishedPort>();
  readonly #open = new Set<number>();
  #closed = false;

  constructor(onPort: ((port: number) => void) | undefined) {
    this.#onPort = onPort;
  }

  /** A program inside begins to listen. */
  readonly opened = (port: number): void => {
    this.#open.add(port);
    if (!this.list.some(({ insidePort }) => insidePort === port)) this.#onPort?.(port);
  };

  /** The programs that listened have ended with their sandbox. */
  noneOpen(): void {
    this.#open.clear();
  }

  get list(): PublishedPort[] {
    return [...this.#published.values()];
  }

  /** Ports that programs have listened on and that nothing outside leads to. */
  get insideOnly(): number[] {
    const led = new Set(this.list.map(({ insidePort }) => insidePort));
    return [...this.#open].filter((port) => !led.has(port));
  }

  /** @throws UsageError */
  async publish(spec: SandboxSpec, ports: unknown, dial: Dial): Promise<PublishedPort> {
    const option = caller();
    if (typeof ports !== 'string' && typeof ports !== 'number') {
      throw new UsageError('ERR_OPTION_VALUE', `${option}: expected a port, such as 8080`);
    }
    const { address: bytes, hostPort, insidePort } = readPublished(String(ports), option);
    // A sandbox without a network of its own has that of this machine: sessions are not Landlock's.
    if (!hasOwnNetwork(spec)) {
      throw new UsageError('ERR_USAGE', `${option}: the session has the network of this machine`, {
        hint: 'Its servers listen on this machine’s ports already.',
      });
    }
    const address = addressText(bytes);
    const shown = address.includes(':') ? `[${address}]` : address;
    const text = `${shown}:${hostPort}:${insidePort}`;
    const server = forward(insidePort, dial);
    await listen(server, address, hostPort);
    if (this.#closed) {
      server.close();
      throw new LaunchError('ERR_SESSION_CLOSED', 'the session has ended');
    }
    const close = (): Promise<void> => {
      this.#published.delete(text);
      return server.end();
    };
    const published = { address, hostPort, insidePort, text, close };
    this.#published.set(text, published);
    return published;
  }

  /** The session has ended. */
  end(): void {
    this.#closed = true;
    for (const one of this.list) void one.close();
  }
}

interface Forwarding extends Server {
  end(): Promise<void>;
}

/** Takes connections, each of which is met by one inside. */
function forward(port: number, dial: Dial): Forwarding {
  const connections = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (outer) => {
    connections.add(outer);
    outer.once('close', () => connections.delete(outer)).on('error', () => {});
    try {
      meet(outer, dial(port));
    } catch {
      outer.resetAndDestroy();
    }
  });
  server.maxConnections = maxConnections;
  server.unref(); // the session holds this process, while something runs in it
  const end = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      for (const one of connections) one.destroy();
    });
  return Object.assign(server, { end });
}

function meet(outer: Socket, fd: number): void {
  const inner = giveDescriptor(fd, { allowHalfOpen: true });
  // Each direction ends for itself; with an error, both.
  const ends = (): void => {
    outer.destroy();
    inner.destroy();
  };
  for (const one of [outer, inner]) one.once('error', ends);
  outer.once('close', () => inner.destroy());
  outer.pipe(inner);
  inner.pipe(outer);
}

/** The call that a message names. */
const caller = (): string =>
  byInterface({
    command: 'wasbox session publish',
    library: 'session.publish',
    mcp: 'publish',
  });

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const { message, hint } = cannotBind(
        String(port),
        loadNative().native.errnoName(-(error.errno ?? 0)),
        caller(),
      );
      reject(new UsageError('ERR_USAGE', message, { hint, cause: error }));
    });
    server.listen({ host, port }, resolve);
  });
}

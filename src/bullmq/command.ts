/** `wasbox worker` in Node: a worker from its start until a signal ends it. */
import { SupportError, UsageError } from '../index.js';
import { displayText } from '../text/index.js';
import type { WorkerOptions } from './options.js';

export interface WorkerCommand extends Omit<WorkerOptions, 'connection' | 'onError'> {
  /** `redis://`, `rediss://`, or the path of a UNIX socket. */
  readonly connection: string;
  /** Milliseconds that running jobs have when a signal ends the worker. */
  readonly drainMs: number;
}

/** Where the same error comes again and again: one line in so many milliseconds. */
const errorLineMs = 5000;

const say = (text: string): void => {
  process.stderr.write(`wasbox: ${displayText(text)}\n`);
};

async function peers() {
  try {
    const [{ Redis }] = await Promise.all([import('ioredis'), import('bullmq')]);
    return { Redis, ...(await import('./index.js')) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new SupportError('ERR_PEER', 'wasbox worker needs the packages bullmq and ioredis', {
      hint: 'Install them where wasbox is installed: npm install bullmq ioredis (with -g for a global wasbox).',
      cause: error,
    });
  }
}

/** @throws UsageError where it is neither a URL nor a path */
function checkConnection(connection: string): void {
  const isUrl = /^rediss?:\/\//.test(connection) && URL.canParse(connection);
  if (isUrl || connection.startsWith('/')) return;
  // It may have a password, so it is not shown.
  throw new UsageError('ERR_OPTION_VALUE', 'the connection is not the address of a server', {
    hint: 'Give redis://HOST:PORT, rediss://HOST:PORT or the path of a UNIX socket: --connection, or WASBOX_CONNECTION.',
  });
}

/** Resolves at the first signal; a second one ends the process at once. */
function endSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let asked = false;
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
      process.on(signal, () => {
        if (asked) process.exit(1);
        asked = true;
        resolve(signal);
      });
    }
  });
}

/**
 * Works until a signal.
 * @returns the exit status
 */
export async function work({ connection, drainMs, ...options }: WorkerCommand): Promise<number> {
  checkConnection(connection);
  const { Redis, createWorker } = await peers();
  let told = { message: '', at: 0 };
  const onError = (error: Error): void => {
    const now = performance.now();
    if (error.message === told.message && now - told.at < errorLineMs) return;
    told = { message: error.message, at: now };
    say(error.message);
  };
  const client = new Redis(connection, { maxRetriesPerRequest: null, lazyConnect: true });
  client.on('error', onError);
  const signalled = endSignal();
  try {
    const worker = await createWorker({ ...options, connection: client, onError });
    const { concurrency } = worker.bullmq;
    say(`${worker.name} takes jobs of ${options.queue}, ${concurrency} at a time`);
    const signal = await signalled;
    say(`${signal}: waiting for running jobs`);
    await worker.close({ graceMs: drainMs });
    // BullMQ's timers would keep the process for as long as it tries to reach a server that is away.
    setImmediate(() => process.exit(0));
    return 0;
  } finally {
    client.disconnect();
  }
}

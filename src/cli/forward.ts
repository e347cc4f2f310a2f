/** Signals to wasbox, passed on to the program inside. */
import { constants } from 'node:os';
import type { Launched } from '../launch/index.js';

/** What a user sends to wasbox goes to the program inside. */
const forwarded = [
  'SIGINT',
  'SIGTERM',
  'SIGHUP',
  'SIGQUIT',
  'SIGUSR1',
  'SIGUSR2',
  'SIGWINCH',
  'SIGCONT',
] as const;

/** Milliseconds in which a stop signal stops this process, where anything can. */
const stopMs = 100;

/** Returns what ends it. */
export function forwardSignals(target: () => Launched | undefined): () => void {
  const handlers = forwarded.map((name) => {
    const handler = () => target()?.signal(constants.signals[name]);
    process.on(name, handler);
    return () => process.off(name, handler);
  });
  // The payload stops too, and this process as the kernel would stop it without a handler.
  const stop = () => {
    target()?.signal(constants.signals.SIGTSTP);
    process.off('SIGTSTP', stop);
    process.kill(process.pid, 'SIGTSTP');
    setTimeout(() => {
      process.on('SIGTSTP', stop);
      target()?.signal(constants.signals.SIGCONT);
    }, stopMs).unref();
  };
  process.on('SIGTSTP', stop);
  return () => {
    for (const remove of handlers) remove();
    process.off('SIGTSTP', stop);
  };
}

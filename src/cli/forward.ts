/** Signals to wasbox, passed on to the program inside. */
import { constants } from 'node:os';
import type { Launched } from '../launch/index.js';

/** Signals that a user sends to wasbox go to the program inside. */
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

export interface Forwarding {
  /** Gives the signals to this program: those that came before it was started, too, in their order. */
  to(program: Pick<Launched, 'signal'>): void;
  /** Leaves signals to their default again. */
  end(): void;
}

/** Takes the signals that this process is sent from now on. */
export function forwardSignals(): Forwarding {
  let program: Pick<Launched, 'signal'> | undefined;
  // The program may run, and have said so, before this process hears that it was started.
  const early: number[] = [];
  const pass = (signal: number): void => {
    if (program === undefined) early.push(signal);
    else program.signal(signal);
  };
  const handlers = forwarded.map((name) => {
    const handler = () => pass(constants.signals[name]);
    process.on(name, handler);
    return () => process.off(name, handler);
  });
  // The program stops too, and this process as the kernel would stop it without a handler.
  const stop = () => {
    program?.signal(constants.signals.SIGTSTP);
    process.off('SIGTSTP', stop);
    process.kill(process.pid, 'SIGTSTP');
    setTimeout(() => {
      process.on('SIGTSTP', stop);
      program?.signal(constants.signals.SIGCONT);
    }, stopMs).unref();
  };
  process.on('SIGTSTP', stop);
  return {
    to(started) {
      program = started;
      for (const signal of early.splice(0)) started.signal(signal);
    },
    end() {
      for (const remove of handlers) remove();
      process.off('SIGTSTP', stop);
    },
  };
}

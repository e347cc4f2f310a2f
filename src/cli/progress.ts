/**
 * Progress of a long `diff`, `apply` or `discard`, and of a run that searches before its start: one line on stderr if it is a terminal, shown after a
 * moment and removed before anything else is printed.
 */
import { fstatSync } from 'node:fs';
import type { Progress } from '../changes/index.js';
import { monotonicMs } from '../host/index.js';
import { err, isTerminal } from './terminal.js';

/** A call that ends sooner shows no progress. */
const patienceMs = 700;
const intervalMs = 100;

/** Progress of a run's start, beside that of its changes: a search for what `--hide` names. */
export type Shown =
  | Progress
  | { readonly stage: 'hide'; readonly done: number; readonly total?: undefined };

const words: Readonly<Record<Shown['stage'], string>> = {
  hide: 'looking for what to hide',
  compare: 'comparing',
  diff: 'reading',
  apply: 'applying',
  recheck: 'comparing what is left',
  remove: 'removing',
};

export interface ProgressLine {
  /** Shows progress; undefined where stderr is not a terminal. */
  readonly show: ((progress: Shown) => void) | undefined;
  /** Removes it for good. */
  end(): void;
}

export interface ProgressSettings {
  /** @default whether stderr is a terminal that can move its cursor */
  readonly visible?: boolean | undefined;
  /** Milliseconds. @default the monotonic clock */
  readonly now?: (() => number) | undefined;
  /** @default writes to stderr */
  readonly write?: ((text: string) => void) | undefined;
}

/** Returns whether descriptor 2 may be a terminal; the module that knows for certain is slow to load. */
function mayBeTerminal(): boolean {
  try {
    return fstatSync(2).isCharacterDevice();
  } catch {
    return false; // it is closed
  }
}

const onTerminal = (): boolean => process.env.TERM !== 'dumb' && mayBeTerminal() && isTerminal(2);

export function progressLine(settings: ProgressSettings = {}): ProgressLine {
  const { visible = onTerminal(), now: clock = monotonicMs, write = err } = settings;
  let next = clock() + patienceMs;
  let shown = false;
  const clear = (): void => {
    if (shown) write('\r\u001b[K');
    shown = false;
  };
  const show = ({ stage, done, total }: Shown): void => {
    const now = clock();
    if (now < next) return;
    next = now + intervalMs;
    shown = true;
    const count = total === undefined ? `${done} paths` : `${done} of ${total}`;
    write(`\r\u001b[Kwasbox: ${words[stage]}: ${count}`);
  };
  return {
    show: visible ? show : undefined,
    end() {
      clear();
      next = Number.POSITIVE_INFINITY;
    },
  };
}

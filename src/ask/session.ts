/**
 * The questions of one run: asks each once, remembers answers that are for the whole run, and records
 * all of them for the report.
 */
import { type Ask, type Decision, decisions, type Question } from './question.js';

/** How a question was decided. */
export type Verdict =
  /** An answer decided it. */
  | 'answered'
  /** An earlier answer for the rest of the run decided it. */
  | 'remembered'
  /** No answer came in time. */
  | 'timeout'
  /** The process stopped waiting. */
  | 'withdrawn'
  /** The callback failed. */
  | 'failed'
  /** Questions were not possible. */
  | 'unasked';

/** Questions of one kind with the same outcome. */
export interface AskedRecord {
  readonly question: Question;
  readonly decision: Decision;
  readonly verdict: Verdict;
  /** The error that the callback threw, or its value where it answered something else than a decision. */
  readonly error?: string | undefined;
  readonly count: number;
}

/** All questions of a run. */
export interface AskedRecords {
  readonly records: readonly AskedRecord[];
  readonly total: number;
  /** How many were not recorded. */
  readonly dropped: number;
  /** Why no questions were asked. */
  readonly unasked: string | undefined;
}

export interface SessionOptions {
  /** The function that is asked, or the reason why no questions are possible: then everything is denied. */
  readonly ask: Ask | string;
  /** Passes an answer to the supervisor. */
  readonly answer: (id: number, allow: boolean) => void;
  /** Ends the run. */
  readonly stop: () => void;
  /** Answers that are for the whole run, if it goes on from another. @default none */
  readonly remembered?: Remembered | undefined;
  /** Called with each decision, before the program has it. */
  readonly onDecided?: ((record: Omit<AskedRecord, 'count'>) => void) | undefined;
}

/** Answers for the rest of a run, by what was shown. */
export type Remembered = Map<string, 'allow-run' | 'deny'>;

/** How many different questions are remembered, and recorded for the report. */
const maxRemembered = 4096;
const maxRecords = 256;

/** An answer is about what was shown, so the key is the shown text. */
const keyOf = ({ kind, text }: Question): string => `${kind}\n${text}`;

type Answered = [decision: Decision, verdict: Verdict, error?: string];

const maxErrorLength = 500;

/** Returns as text what a callback threw or answered, whatever it is. */
function textOf(value: unknown): string {
  try {
    return (value instanceof Error ? value.message : String(value)).slice(0, maxErrorLength);
  } catch {
    return typeof value;
  }
}

interface Pending {
  readonly abort: AbortController;
  readonly expired: Promise<Verdict>;
  readonly expire: (verdict: Verdict) => void;
}

/** Takes the questions of one run and answers each. */
export class AskSession {
  readonly #options: SessionOptions;
  readonly #remembered: Remembered;
  readonly #pending = new Map<number, Pending>();
  /** The last question of a kind, so that the same one is never asked twice at a time. */
  readonly #turns = new Map<string, Promise<void>>();
  readonly #records = new Map<string, { -readonly [K in keyof AskedRecord]: AskedRecord[K] }>();
  #total = 0;
  #dropped = 0;
  #stopped = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#remembered = options.remembered ?? new Map();
  }

  /** Adds a question; it is answered later, unless withdrawn. */
  put(question: Question): void {
    const key = keyOf(question);
    const pending = newPending();
    this.#pending.set(question.id, pending);
    const before = this.#turns.get(key) ?? Promise.resolve();
    const turn = before.then(() => this.#settle(key, question, pending));
    this.#turns.set(key, turn);
    turn.then(() => {
      this.#pending.delete(question.id);
      if (this.#turns.get(key) === turn) this.#turns.delete(key);
    });
  }

  /** The supervisor has ended a question by itself. */
  withdraw(id: number, verdict: 'timeout' | 'withdrawn'): void {
    this.#pending.get(id)?.expire(verdict);
  }

  /** The questions so far. */
  records(): AskedRecords {
    const { ask } = this.#options;
    return {
      records: [...this.#records.values()],
      total: this.#total,
      dropped: this.#dropped,
      unasked: typeof ask === 'string' ? ask : undefined,
    };
  }

  async #settle(key: string, question: Question, pending: Pending): Promise<void> {
    const known = this.#stopped ? 'deny' : this.#remembered.get(key);
    const [decision, verdict, error] =
      known !== undefined ? [known, 'remembered' as const] : await this.#ask(question, pending);
    const final = verdict === 'answered';
    if (final && (decision === 'allow-run' || decision === 'deny')) this.#remember(key, decision);
    const record = { question, decision, verdict, error };
    this.#note(`${key}\n${decision}\n${verdict}`, record);
    this.#options.onDecided?.(record);
    if (decision === 'stop' && !this.#stopped) {
      this.#stopped = true;
      this.#options.stop();
    }
    // Waiting processes get no answer: they would run on until they are killed.
    if (this.#stopped) return;
    if (verdict !== 'timeout' && verdict !== 'withdrawn') {
      this.#options.answer(question.id, decision === 'allow' || decision === 'allow-run');
    }
  }

  async #ask(question: Question, pending: Pending): Promise<Answered> {
    const { ask } = this.#options;
    if (typeof ask === 'string') return ['deny', 'unasked'];
    const { signal } = pending.abort;
    if (signal.aborted) return ['deny', await pending.expired];
    const answered = Promise.resolve()
      .then(() => ask(question, { signal }))
      .then(
        (answer): Answered =>
          decisions.includes(answer)
            ? [answer, 'answered']
            : ['deny', 'failed', `not one of ${decisions.join(', ')}: ${textOf(answer)}`],
        (error: unknown): Answered => ['deny', 'failed', textOf(error)],
      );
    const expired = pending.expired.then((verdict): Answered => ['deny', verdict]);
    return await Promise.race([answered, expired]);
  }

  #remember(key: string, decision: 'allow-run' | 'deny'): void {
    if (this.#remembered.size < maxRemembered) this.#remembered.set(key, decision);
  }

  #note(key: string, record: Omit<AskedRecord, 'count'>): void {
    this.#total += 1;
    const known = this.#records.get(key);
    if (known !== undefined) known.count += 1;
    else if (this.#records.size < maxRecords) this.#records.set(key, { ...record, count: 1 });
    else this.#dropped += 1;
  }
}

function newPending(): Pending {
  const abort = new AbortController();
  let expire: (verdict: Verdict) => void = () => {};
  const expired = new Promise<Verdict>((resolve) => {
    expire = (verdict) => {
      resolve(verdict);
      abort.abort();
    };
  });
  return { abort, expired, expire };
}

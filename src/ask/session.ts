/**
 * The questions of one run: each is asked once, its answer remembered where it holds for
 * the run, and all of them are kept for the report.
 */
import { type Ask, type Decision, decisions, type Question } from './question.js';

/** How a question came to its end. */
export type Verdict =
  /** Somebody answered. */
  | 'answered'
  /** As answered before, for the rest of the run. */
  | 'remembered'
  /** Nobody answered in time. */
  | 'timeout'
  /** The process did not wait for the answer. */
  | 'withdrawn'
  /** Whoever was to answer failed. */
  | 'failed'
  /** There was nobody to ask. */
  | 'unasked';

/** Questions of one kind with the same end. */
export interface AskedRecord {
  readonly question: Question;
  readonly decision: Decision;
  readonly verdict: Verdict;
  readonly count: number;
}

/** All questions of a run. */
export interface AskedRecords {
  readonly records: readonly AskedRecord[];
  readonly total: number;
  /** Those of which no record was kept. */
  readonly dropped: number;
  /** Why nobody was asked at all. */
  readonly unasked: string | undefined;
}

export interface SessionOptions {
  /** Or the reason why nobody can be asked: then all is denied. */
  readonly ask: Ask | string;
  /** Whether something was asked about before: what the text says, and whose it is. */
  readonly answer: (id: number, allow: boolean) => void;
  /** Ends the run. */
  readonly stop: () => void;
}

/** Different questions that are remembered, and that are kept for the report. */
const maxRemembered = 4096;
const maxRecords = 256;

/** What is granted is what was shown, so that is what is remembered. */
const keyOf = ({ kind, text }: Question): string => `${kind}\n${text}`;

interface Pending {
  readonly since: number;
  readonly abort: AbortController;
  readonly expired: Promise<Verdict>;
  readonly expire: (verdict: Verdict) => void;
}

/** Takes the questions of one run and answers each. */
export class AskSession {
  readonly #options: SessionOptions;
  readonly #remembered = new Map<string, 'allow-run' | 'deny'>();
  readonly #pending = new Map<number, Pending>();
  /** The end of the last question of a kind, so that the same is not asked twice at a time. */
  readonly #turns = new Map<string, Promise<void>>();
  readonly #records = new Map<string, { -readonly [K in keyof AskedRecord]: AskedRecord[K] }>();
  #total = 0;
  #dropped = 0;
  #stopped = false;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /** A question that the supervisor holds; answered some time later, unless withdrawn. */
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

  /** How many milliseconds a question is open by now; 0 where it is not. */
  openMs(id: number): number {
    const since = this.#pending.get(id)?.since;
    return since === undefined ? 0 : performance.now() - since;
  }

  /** The supervisor has ended it by itself. */
  withdraw(id: number, verdict: 'timeout' | 'withdrawn'): void {
    this.#pending.get(id)?.expire(verdict);
  }

  /** What was asked so far. */
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
    const [decision, verdict] =
      known !== undefined ? [known, 'remembered' as const] : await this.#ask(question, pending);
    const final = verdict === 'answered';
    if (final && (decision === 'allow-run' || decision === 'deny')) this.#remember(key, decision);
    this.#note(`${key}\n${decision}\n${verdict}`, { question, decision, verdict });
    if (decision === 'stop' && !this.#stopped) {
      this.#stopped = true;
      this.#options.stop();
    }
    // Whoever waits is killed while it waits: with an answer it could go on until then.
    if (this.#stopped) return;
    if (verdict !== 'timeout' && verdict !== 'withdrawn') {
      this.#options.answer(question.id, decision === 'allow' || decision === 'allow-run');
    }
  }

  async #ask(question: Question, pending: Pending): Promise<[Decision, Verdict]> {
    const { ask } = this.#options;
    if (typeof ask === 'string') return ['deny', 'unasked'];
    const { signal } = pending.abort;
    if (signal.aborted) return ['deny', await pending.expired];
    const answered = Promise.resolve()
      .then(() => ask(question, { signal }))
      .then(
        (answer): [Decision, Verdict] =>
          decisions.includes(answer) ? [answer, 'answered'] : ['deny', 'failed'],
        (): [Decision, Verdict] => ['deny', 'failed'],
      );
    const expired = pending.expired.then((verdict): [Decision, Verdict] => ['deny', verdict]);
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
  const since = performance.now();
  const abort = new AbortController();
  let expire: (verdict: Verdict) => void = () => {};
  const expired = new Promise<Verdict>((resolve) => {
    expire = (verdict) => {
      resolve(verdict);
      abort.abort();
    };
  });
  return { since, abort, expired, expire };
}

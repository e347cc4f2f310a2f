/** Keeps what a session asks, and what was denied in it. */
import type { Remembered } from '../ask/index.js';
import { type Asking, askingOf } from '../launch/index.js';
import { type Denial, denialOf } from '../report/index.js';
import type { SandboxSpec } from '../resolve/index.js';
import type { SessionOptions } from './options.js';

/** Denials that are kept for the programs that run, and different ones that a result has. */
const maxKept = 4096;
const maxListed = 100;

export class SessionQuestions {
  readonly asking: Asking;
  #spec: SandboxSpec | undefined;
  #denied: Denial[] = [];
  #dropped = 0;

  private constructor(asking: Asking) {
    const remembered: Remembered = new Map();
    this.asking = {
      ...asking,
      remembered,
      onDecided: (record) => {
        if (record.verdict === 'withdrawn' || record.decision.startsWith('allow')) return;
        if (this.#spec !== undefined) this.#add(denialOf(record, this.#spec));
      },
    };
  }

  /** Makes a session's questions; undefined where nothing is asked. @param spec of the session, where it is known */
  static of(options: SessionOptions, spec?: SandboxSpec): SessionQuestions | undefined {
    const asking = askingOf(options);
    const questions = asking && new SessionQuestions(asking);
    if (spec !== undefined) questions?.resolved(spec);
    return questions;
  }

  /** Nothing is executed, and nothing asked, before. */
  resolved(spec: SandboxSpec): void {
    this.#spec = spec;
  }

  /** How many there were. */
  get seen(): number {
    return this.#dropped + this.#denied.length;
  }

  /**
   * Lists what was denied since there were so many, each once. The supervisor tells of a decision before the program
   * has it, by another way than the program's end comes: both have arrived once this turn of the event loop is over.
   */
  async deniedSince(seen: number): Promise<Denial[]> {
    await new Promise(setImmediate);
    const found = new Map<string, Denial>();
    for (const denial of this.#denied.slice(Math.max(0, seen - this.#dropped))) {
      const key = `${denial.kind}\n${denial.what}\n${denial.verdict}`;
      const known = found.get(key);
      if (known !== undefined) found.set(key, { ...known, count: known.count + denial.count });
      else if (found.size < maxListed) found.set(key, denial);
    }
    return [...found.values()];
  }

  #add(denial: Denial): void {
    this.#denied.push(denial);
    if (this.#denied.length <= 2 * maxKept) return;
    this.#dropped += this.#denied.length - maxKept;
    this.#denied = this.#denied.slice(-maxKept);
  }
}

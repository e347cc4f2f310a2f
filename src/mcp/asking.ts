/** Passes the sandbox's questions to the client's user (elicitation); without that all is denied, and reported as data. */
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { Ask, Denial, Question } from '../index.js';
import { displayText } from '../text/index.js';

/** The most that the user is shown of one text. */
const maxText = 1200;

/** The SDK's own would be a minute. */
export const maxTimeoutMs = 2 ** 31 - 1;

const choices = ['allow once', 'allow for this sandbox', 'deny'] as const;

const decisionOf = {
  'allow once': 'allow',
  'allow for this sandbox': 'allow-run',
  deny: 'deny',
} as const satisfies Record<(typeof choices)[number], string>;

/** The beginning and the end of what is too long to be shown. */
function shown(value: string): string {
  const safe = displayText(value);
  if (safe.length <= maxText) return safe;
  const half = maxText / 2;
  return `${safe.slice(0, half)} …(${safe.length - maxText} more characters)… ${safe.slice(-half)}`;
}

function messageOf(question: Question): string {
  const { executable, pid } = question.process;
  const lines = [`A program in the sandbox wants to ${shown(question.text)}`];
  if (question.kind === 'file' && question.requested !== question.path) {
    lines.push(`requested as ${shown(question.requested)}`);
  }
  if (question.kind === 'file' && question.access !== 'read') {
    lines.push('Writes change your real file.');
  }
  if (pid !== 0) lines.push(`process ${pid}: ${shown(executable)}`);
  return lines.join('\n');
}

/** Returns whether its user can be asked. */
export const canAsk = ({ server }: McpServer): boolean =>
  server.getClientCapabilities()?.elicitation?.form !== undefined;

export class Asking {
  readonly #isAllowed: boolean;
  /** Aborted when the client leaves. */
  readonly left: AbortSignal;
  #server: McpServer | undefined;
  /** One question at a time. */
  #turn: Promise<unknown> = Promise.resolve();

  /**
   * @param isAllowed whether the command line permits it
   * @param left aborted when the client leaves
   */
  constructor(isAllowed: boolean, left: AbortSignal) {
    this.#isAllowed = isAllowed;
    this.left = left;
  }

  /** Called before the first program can ask. */
  attach(server: McpServer): void {
    this.#server = server;
  }

  get #asks(): boolean {
    return this.#isAllowed && this.#server !== undefined && canAsk(this.#server);
  }

  readonly ask: Ask = (question, { signal }) => {
    if (!this.#asks) return 'deny';
    const answer = this.#turn.then(() => this.#elicit(question, signal));
    this.#turn = answer.catch(() => {});
    return answer;
  };

  /** Rejected where the user has said nothing about it: that denies, and is not remembered. */
  async #elicit(question: Question, signal: AbortSignal) {
    if (signal.aborted || this.#server === undefined) throw new Error('too late');
    const answered = await this.#server.server.elicitInput(
      {
        message: messageOf(question),
        requestedSchema: {
          type: 'object',
          properties: { decision: { type: 'string', title: 'Decision', enum: [...choices] } },
          required: ['decision'],
        },
      },
      // The session ends it, by its own time.
      { signal: AbortSignal.any([signal, this.left]), timeout: maxTimeoutMs },
    );
    if (answered.action === 'decline') return 'deny';
    const chosen = answered.action === 'accept' ? answered.content?.decision : undefined;
    const decision = choices.find((choice) => choice === chosen);
    if (decision === undefined) throw new Error('the user gave no answer');
    return decisionOf[decision];
  }

  /** Returns each denial once, as an answer has it. No user decided it where the client was not asked. */
  toldOnce(denied: readonly Denial[]) {
    const found = new Map<string, ReturnType<Asking['told']>>();
    for (const one of denied.map((denial) => this.told(denial))) {
      const key = `${one.kind}\n${one.what}\n${one.decided_by}`;
      const { count = 0 } = found.get(key) ?? {};
      found.set(key, { ...one, count: count + one.count });
    }
    return [...found.values()];
  }

  /** Returns a denial as an answer has it. */
  told({ kind, what, cause, option, verdict, executable, count }: Denial) {
    return {
      kind,
      what,
      why: cause,
      ...(option === undefined ? {} : { option }),
      decided_by: this.#asks ? deciders[verdict] : ('nobody' as const),
      executable,
      count,
    };
  }
}

/** The names of those who decide. */
export const decidedBy = ['user', 'earlier answer', 'time limit', 'nobody'] as const;

const deciders: Readonly<Record<Denial['verdict'], (typeof decidedBy)[number]>> = {
  answered: 'user',
  remembered: 'earlier answer',
  timeout: 'time limit',
  withdrawn: 'nobody',
  failed: 'nobody',
  unasked: 'nobody',
};

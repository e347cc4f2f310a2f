/** Something that was asked for and denied, as data: what, why, and which option allows it in advance. */
import type { AskedRecord, Question, Verdict } from '../ask/index.js';
import { hostOption } from '../options/index.js';
import type { SandboxSpec } from '../resolve/index.js';
import { displayText } from '../text/index.js';
import { whyDenied } from './file-causes.js';
import { causes, off } from './network.js';
import { adviseRefusal } from './refusal-advice.js';
import { allowOption } from './refusals.js';

/** Something that was denied to a program. Every text is safe to print. */
export interface Denial {
  readonly kind: Question['kind'];
  /** Says what the program wanted, in one line: `read /home/ada/.npmrc`. */
  readonly what: string;
  /** Why the sandbox would have refused it without a question. */
  readonly cause: string;
  /** The option of `wasbox run` that allows it; absent if none does. */
  readonly option?: string | undefined;
  /** The keys or tokens that the option would show the program; absent if it shows none that are known. */
  readonly secret?: string | undefined;
  /** How it was decided: by an answer, by an earlier one, by a timeout … */
  readonly verdict: Verdict;
  /** Path inside of the executable that asked; empty where that is not known. */
  readonly executable: string;
  readonly count: number;
}

/** The parts of a spec that causes and options depend on. */
type Context = Pick<SandboxSpec, 'network' | 'policy'>;

type Why = Pick<Denial, 'cause' | 'option' | 'secret'>;

function whyOf(question: Question, { network, policy }: Context): Why {
  if (question.kind === 'file') {
    return whyDenied(question.path, question.access !== 'read');
  }
  if (question.kind === 'network') {
    const rules = network?.text ?? 'none';
    const { name, address = '', port = 0 } = question;
    const cause = rules === 'none' ? off : causes.refused;
    const kind = name === undefined ? 'address' : 'name';
    return { cause, option: hostOption(kind, name ?? address, port, rules) };
  }
  const learned = policy.learned === undefined ? 'own' : 'learned';
  const advice = adviseRefusal(
    question.call,
    question.arguments,
    policy.builtin ? 'builtin' : learned,
  );
  const option = advice.allowable ? allowOption(question.call, advice) : undefined;
  return { cause: advice.cause, option };
}

export function denialOf(
  { question, verdict }: Pick<AskedRecord, 'question' | 'verdict'>,
  context: Context,
): Denial {
  const { cause, option, secret } = whyOf(question, context);
  return {
    kind: question.kind,
    what: displayText(question.text),
    cause,
    ...(option === undefined ? {} : { option: displayText(option) }),
    ...(secret === undefined ? {} : { secret }),
    verdict,
    executable: displayText(question.process.executable),
    count: 1,
  };
}

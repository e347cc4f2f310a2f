/** What was asked while the program waited, and what came of it. */
import type { AskedRecord, AskedRecords, Decision, Verdict } from '../ask/index.js';
import { displayText } from '../text/index.js';

/** Questions of one kind with the same end. Every text is safe to print. */
export interface ReportQuestion {
  readonly kind: 'network' | 'file' | 'call';
  /** What was wanted, as it was shown. */
  readonly text: string;
  /** Path of the executable that asked first, inside. */
  readonly executable: string;
  readonly decision: Decision;
  /** How it was decided: by an answer, an earlier one, the time … */
  readonly verdict: Verdict;
  readonly count: number;
}

export interface ReportAsked {
  /** Why nobody could be asked; everything was denied then. */
  readonly unasked?: string | undefined;
  readonly total: number;
  /** Questions that are not listed. */
  readonly dropped: number;
  /** Denied without a question, because too many were open. */
  readonly turnedAway: number;
  readonly questions: readonly ReportQuestion[];
}

export function reportAsked(asked: AskedRecords, turnedAway: number): ReportAsked {
  return {
    ...(asked.unasked === undefined ? {} : { unasked: asked.unasked }),
    total: asked.total,
    dropped: asked.dropped,
    turnedAway,
    questions: asked.records.map(
      ({ question, decision, verdict, count }: AskedRecord): ReportQuestion => ({
        kind: question.kind,
        text: displayText(question.text),
        executable: displayText(question.process.executable),
        decision,
        verdict,
        count,
      }),
    ),
  };
}

const shownQuestions = 6;

/** What a person reads afterwards: what nobody could be asked, and with `-v` all answers. */
export function askedLines(asked: ReportAsked, verbose: boolean): string[] {
  const { questions, unasked, turnedAway } = asked;
  const times = (count: number) => (count > 1 ? ` ×${count}` : '');
  const lines: string[] = [];
  if (unasked !== undefined && questions.length > 0) {
    const shown = verbose ? questions : questions.slice(0, shownQuestions);
    lines.push(`--ask: nobody was asked, because ${unasked}; denied:`);
    lines.push(...shown.map(({ text, count }) => `  ${text}${times(count)}`));
    if (shown.length < questions.length) {
      lines.push(`  and ${questions.length - shown.length} more; -v shows them`);
    }
  } else if (verbose && questions.length > 0) {
    lines.push('asked:');
    for (const { text, decision, verdict, count } of questions) {
      const how = verdict === 'answered' ? decision : `${decision} (${verdict})`;
      lines.push(`  ${text}${times(count)}: ${how}`);
    }
  }
  if (turnedAway > 0) {
    lines.push(`${turnedAway} more were denied, because too many waited for an answer`);
  }
  return lines;
}

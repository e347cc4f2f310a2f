/** Questions that were asked while the program waited, and their answers. */
import type { AskedRecord, AskedRecords, Decision, Verdict } from '../ask/index.js';
import { displayText } from '../text/index.js';

/** Questions of one kind with the same outcome. Every text is safe to print. */
export interface ReportQuestion {
  readonly kind: 'network' | 'file' | 'call';
  /** Says what the program wanted, as it was shown. */
  readonly text: string;
  /** Path inside of the first executable that asked. */
  readonly executable: string;
  readonly decision: Decision;
  /** How it was decided: by an answer, by an earlier one, by a timeout … */
  readonly verdict: Verdict;
  /** If the callback failed: what it threw, or answered instead of a decision. */
  readonly error?: string | undefined;
  readonly count: number;
}

export interface ReportAsked {
  /** Why no questions could be asked; everything was denied then. */
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
      ({ question, decision, verdict, error, count }: AskedRecord): ReportQuestion => ({
        kind: question.kind,
        text: displayText(question.text),
        executable: displayText(question.process.executable),
        decision,
        verdict,
        ...(error === undefined ? {} : { error: displayText(error) }),
        count,
      }),
    ),
  };
}

const shownQuestions = 6;

/** Lines for the end of a run: questions that could not be asked, and with `-v` all answers. */
export function askedLines(asked: ReportAsked, verbose: boolean): string[] {
  const { questions, unasked, turnedAway } = asked;
  const times = (count: number) => (count > 1 ? ` ×${count}` : '');
  const lines: string[] = [];
  if (unasked !== undefined && questions.length > 0) {
    const shown = verbose ? questions : questions.slice(0, shownQuestions);
    lines.push(`--ask: no questions were asked (${unasked}). Denied:`);
    lines.push(...shown.map(({ text, count }) => `  ${text}${times(count)}`));
    if (shown.length < questions.length) {
      lines.push(`  and ${questions.length - shown.length} more (-v lists them)`);
    }
  } else if (verbose && questions.length > 0) {
    lines.push('asked:');
    for (const { text, decision, verdict, count } of questions) {
      const how = verdict === 'answered' ? decision : `${decision} (${verdict})`;
      lines.push(`  ${text}${times(count)}: ${how}`);
    }
  }
  if (turnedAway > 0) {
    lines.push(`${turnedAway} more were denied because too many questions were waiting`);
  }
  return lines;
}

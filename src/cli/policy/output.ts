/** Prints the output of the verbs of `wasbox policy`. */
import { writeFileSync } from 'node:fs';
import { UsageError, WasboxError } from '../../errors/index.js';
import {
  type CompiledPolicy,
  formatDiagnostic,
  type PolicyDiagnostic,
} from '../../policy/index.js';
import { displayText, jsonText } from '../../text/index.js';
import { err, isTerminal, out } from '../terminal.js';

/** Version of everything that `--json` prints here. */
export const schemaVersion = 1;

export function printJson(value: object): void {
  out(`${jsonText({ schemaVersion, ...value })}\n`);
}

/** Escapes each line of a text that is not ours; the line breaks stay. */
export const safeLines = (text: string): string => text.split('\n').map(displayText).join('\n');

/** Returns an argument as text, in JSON as well, which knows no 64-bit integers. */
export const hexText = (value: bigint): string => `0x${value.toString(16)}`;

/** Prints warnings and remarks on stderr. */
export function printDiagnostics(diagnostics: readonly PolicyDiagnostic[]): void {
  for (const diagnostic of diagnostics) err(`${formatDiagnostic(diagnostic)}\n`);
}

const decimals = (value: number): string => value.toFixed(1);

/** Returns the cost of a compiled policy, on one line. */
export function figuresText({ rules, targets, instructions, figures }: CompiledPolicy): string {
  return (
    `${rules.length} ${rules.length === 1 ? 'rule' : 'rules'} for ${targets.join(', ')}: ${instructions} instructions, ` +
    `${decimals(figures.mean)} executed on average, ${decimals(figures.weightedMean)} weighted ` +
    `by use, ${figures.worst} at most\n` +
    `  Linux 5.11 and newer run it for ${figures.known - figures.cacheable} of ${figures.known} calls: ` +
    `${decimals(figures.filteredMean)} executed on average for those, weighted by use\n`
  );
}

/** Writes a result to a file or standard output; bytes are kept off a terminal. */
export function deliver(data: string | Uint8Array, file: unknown): void {
  if (typeof file !== 'string' || file === '-') {
    if (typeof data === 'string') {
      out(data);
    } else if (isTerminal(1)) {
      throw new UsageError('ERR_USAGE', 'refusing to print a binary filter to a terminal', {
        hint: 'Write it to a file with -o FILE, or print it with --format asm.',
      });
    } else {
      writeFileSync(1, data);
    }
    return;
  }
  try {
    writeFileSync(file, data);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new WasboxError('ERR_PATH', `can't write ${displayText(file)}: ${code}`, {
      hint: 'Use a file in an existing directory of yours.',
      cause,
    });
  }
}

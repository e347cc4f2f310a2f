/** Decides whether the payload gets a terminal of its own, and where questions are asked. */

import type { Host, StreamIndex } from '../host/index.js';
import type { ResolveOptions } from '../options/index.js';
import { spoken } from '../options/index.js';
import type { AskingSpec, TerminalMode } from './spec.js';

export interface ResolvedTerminal {
  readonly terminal: TerminalMode;
  readonly asking?: AskingSpec | undefined;
}

/**
 * Variables of a program whose terminal the caller of the library displays. The size of this process's own terminal
 * says nothing about that one; xterm-256color is what most displays understand, where this process has no TERM.
 */
export const terminalVariables = ({
  TERM = 'xterm-256color',
}: Readonly<Record<string, string>>) => ({
  TERM,
  COLUMNS: undefined,
  LINES: undefined,
});

/** @param unsaid the terminal mode where no option sets one */
export function resolveTerminal(
  { tty = undefined, ask }: ResolveOptions,
  host: Host,
  unsaid: TerminalMode,
): ResolvedTerminal {
  const terminal = tty ?? unsaid;
  if (ask === undefined || ask === false) return { terminal };
  // The program that called the library answers questions in a callback.
  if (ask !== true) return { terminal, asking: { at: 'program' } };
  return askingAtTerminal(terminal, host);
}

/** Returns how to ask at the terminal, where it can be kept from the program; or the reason why not. */
function askingAtTerminal(terminal: TerminalMode, host: Host): ResolvedTerminal {
  const {
    streams: [stdin, stdout, stderr],
    controlling,
  } = host.terminals();
  const relayed = stdout && terminal !== 'never';
  if (!relayed && (stdin || stdout || stderr)) {
    const why = spoken`the program uses your terminal: do not redirect stdout alone, do not use --tty never, or redirect all three streams`;
    return { terminal, asking: { at: 'nowhere', why } };
  }
  if (!controlling) {
    return { terminal, asking: { at: 'nowhere', why: 'there is no terminal to ask on' } };
  }
  // The data of a stdin that is a pipe must go through a terminal of the program's own, too.
  const own = relayed && !stdin ? 'always' : terminal;
  return { terminal: own, asking: { at: 'terminal', relayed, keyboard: relayed && stdin } };
}

/** Tells which of the streams the payload reaches through a terminal of its own. */
export function relayedStreams(
  terminal: TerminalMode,
  host: Host,
): (index: StreamIndex) => boolean {
  const isTerminal = (index: StreamIndex) => host.stream(index) === 'terminal';
  if (terminal === 'never') return () => false;
  if (terminal === 'always') return (index) => index < 2 || isTerminal(index);
  // addon/supervisor/caller.c has the same rule, and sees more of the streams: one relayed too many does no harm.
  const leadsOn = ([1, 2] as const).some((i) => ['pipe', 'socket'].includes(host.stream(i)));
  return (index) => index > 0 || isTerminal(1) || (isTerminal(0) && !leadsOn);
}

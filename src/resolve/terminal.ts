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
 * Variables of a program with a terminal that its caller shows by itself: the size of this process's own says
 * nothing about it, and what shows one understands this TERM where this process has none.
 */
export const terminalVariables = ({
  TERM = 'xterm-256color',
}: Readonly<Record<string, string>>) => ({
  TERM,
  COLUMNS: undefined,
  LINES: undefined,
});

/** @param unsaid what holds where no option says otherwise */
export function resolveTerminal(
  { tty = undefined, ask }: ResolveOptions,
  host: Host,
  unsaid: TerminalMode,
): ResolvedTerminal {
  const terminal = tty ?? unsaid;
  if (ask === undefined || ask === false) return { terminal };
  // Questions go to a callback of the program's.
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
  // Data from the other end of a pipe to stdin goes through the terminal of its own, too.
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
  // The rule is that of addon/supervisor/caller.c, which sees more: a guard too many does no harm.
  const leadsOn = ([1, 2] as const).some((i) => ['pipe', 'socket'].includes(host.stream(i)));
  return (index) => index > 0 || isTerminal(1) || (isTerminal(0) && !leadsOn);
}

/** `wasbox exec`: a command in a session that runs. Node relays its streams; a terminal the addon. */
import { UsageError } from '../errors/index.js';
import { isWithin, realHost } from '../host/index.js';
import { loadNative } from '../native/index.js';
import { foreignOption, type OptionEntry, runOptionTable } from '../options/index.js';
import type { ExecEnded, ExecRequest } from '../owner/index.js';
import { type OwnLimits, ownLimitNames } from '../plan/index.js';
import { exitStatus } from '../report/index.js';
import { execAttached } from './exec-attached.js';
import { tellLeads } from './exec-leads.js';
import { execRelayed } from './exec-relayed.js';
import { leave } from './leave.js';
import { requireNode } from './node-module.js';
import { requireSession } from './session-find.js';
import { err, isTerminal, style, write } from './terminal.js';
import { flag, parseVerb, userStore, type VerbDescription } from './verb.js';

const ofRuns = (name: string): OptionEntry => {
  const found = (runOptionTable as readonly OptionEntry[]).find((entry) => entry.name === name);
  if (found === undefined) throw new Error(`no option ${name}`);
  return found;
};

/** Options that a session has, and other ways to the same for one command. */
function ofSession(name: string): string | undefined {
  if (name === 'timeout') return 'To limit its time: wasbox exec NAME -- timeout 30s COMMAND';
  if (/^(?:publish|ports?)$/.test(name))
    return 'To publish a port: wasbox session publish NAME PORT';
  if (/^(?:apply|discard)$/.test(name))
    return `To ${name} what a session changed, after wasbox stop NAME: wasbox ${name} NAME`;
  const isOfRuns = (runOptionTable as readonly OptionEntry[]).some(
    (entry) => entry.name === name && entry.scope === 'sandbox',
  );
  if (isOfRuns) return `A session has it from its start: wasbox session start --${name} …`;
  return foreignOption(name) && 'What a sandbox has is said when it starts: wasbox session --help';
}

const description: VerbDescription = {
  name: 'exec',
  what: 'Run a command in a session, with the files, processes and limits of that. Its input, output, exit status, signals and terminal are those of this command. It starts in the current directory if that is in the project of the session, else where the session began. It ends if this command is killed.',
  usage: '[options] NAME|ID -- COMMAND [ARGUMENT…]',
  options: [
    { ...ofRuns('env'), help: 'pass the variable NAME, or set it to VALUE', default: 'none' },
    {
      name: 'chdir',
      kind: 'text',
      metavar: 'DIR',
      group: 'Files',
      help: 'start in this directory of the sandbox',
      default: 'the current directory, if the session has it',
      property: 'chdir',
      scope: 'cli',
    },
    ...(
      [
        ['memory', 'end the command if its processes use more than SIZE together'],
        ['cpu', 'end the command after its processes used TIME of processor time together'],
        ['file-size', 'limit each file that it writes to SIZE'],
        ['open-files', 'allow at most N open files in each of its processes'],
      ] as const
    ).map(([name, help]): OptionEntry => {
      const { unlimited: _, brief: __, ...entry } = ofRuns(name);
      return { ...entry, help, default: "the session's limit" };
    }),
    {
      ...ofRuns('tty'),
      help: 'a terminal of its own: auto, if stdin, stdout and stderr are terminals; always, then they must be; never',
      default: 'auto',
    },
    {
      ...flag(
        'quiet',
        'name no ports that are open inside only, and nothing that a command that failed lacked',
      ),
      short: 'q',
    },
  ],
  stopAtOperand: true,
  elsewhere: ofSession,
};

interface Values extends OwnLimits {
  readonly env?: Readonly<Record<string, string | true>>;
  readonly chdir?: string;
  readonly tty?: 'auto' | 'always' | 'never';
  readonly quiet?: boolean;
}

/** Variables to add: those that are to be passed have this process's value. */
function environment(env: Values['env'] = {}, quiet = false): Record<string, string> {
  const all: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    const text = value === true ? process.env[name] : value;
    if (text !== undefined) all[name] = text;
    else if (!quiet)
      err(`${style(2, 'dim', 'wasbox:')} --env ${name}: not set, so nothing was passed\n`);
  }
  return all;
}

function wantsTerminal(tty: Values['tty'] = 'auto'): boolean {
  if (tty === 'never') return false;
  const all = [0, 1, 2].every(isTerminal);
  if (all || tty === 'auto') return all;
  throw new UsageError('ERR_OPTION_VALUE', '--tty always: this command has no terminal', {
    hint: 'stdin, stdout and stderr must be a terminal.',
  });
}

function terminalSize(): { rows: number; columns: number } {
  const { rows = 24, columns = 80 } = process.stdout as { rows?: number; columns?: number };
  const cells = (count: number): number => Math.min(Math.max(count, 1), 65_535);
  return { rows: cells(rows), columns: cells(columns) };
}

/** Describes what runs a command in a session, and how. */
export interface Executing extends OwnLimits {
  readonly argv: readonly string[];
  readonly env?: Values['env'];
  readonly chdir?: string | undefined;
  readonly tty?: Values['tty'];
  readonly quiet?: boolean | undefined;
}

/** @returns the exit status */
export async function executeIn(
  name: string,
  { argv, env, chdir, tty, quiet, ...others }: Executing,
): Promise<number> {
  requireNode('sessions'); // the engine has no sockets
  const store = userStore();
  const session = requireSession(store, name);
  const here = realHost().cwd();
  const cwd = chdir ?? (here !== undefined && isWithin(here, session.workdir) ? here : undefined);
  const limits = Object.fromEntries(ownLimitNames.map((one) => [one, others[one]]));
  const request: ExecRequest = { argv, cwd, env: environment(env, quiet), limits, quiet };
  if (!wantsTerminal(tty)) {
    const { ended, tail } = await execRelayed(store, session, request);
    const status = statusOf(ended, false);
    tellLeads(store, session, { request, ended, tail });
    leave(loadNative().native, status); // reads of stdin and writes to stdout may never come back
    return status;
  }
  const { TERM } = process.env;
  const withTerminal = {
    ...request,
    env: { ...(TERM === undefined ? {} : { TERM }), ...request.env },
    terminal: terminalSize(),
  };
  const { ended, typedInterrupt, tail } = await execAttached(store, session, withTerminal);
  const status = statusOf(ended, typedInterrupt);
  tellLeads(store, session, { request, ended, tail });
  return status;
}

/** Returns the status that a shell has; where ^C ended it, this process ends so, too: src/cli/interrupt.ts. */
function statusOf({ exitCode, signal, limit }: ExecEnded, typed: boolean): number {
  if (limit !== undefined) write(2, `wasbox: the command was ended by its limit --${limit}\n`);
  if (signal === 'SIGINT') {
    process.once('exit', () => process.kill(typed ? 0 : process.pid, 'SIGINT'));
  }
  return exitStatus({ limit, exitCode: exitCode ?? undefined, signal: signal ?? undefined });
}

export async function execVerb(argv: readonly string[]): Promise<number> {
  const parsed = parseVerb(description, argv);
  if (parsed === undefined) return 0;
  const [name, ...rest] = parsed.operands;
  const words = rest[0] === '--' ? rest.slice(1) : rest;
  if (name === undefined || words.length === 0) {
    const what = name === undefined ? 'a session and a command' : 'a command';
    throw new UsageError('ERR_USAGE', `wasbox exec needs ${what}`, {
      hint: `Usage: wasbox exec ${description.usage}`,
    });
  }
  if (rest[0] !== '--' && words[0]?.startsWith('-')) {
    throw new UsageError('ERR_USAGE', `wasbox exec: ${words[0]} goes before the session's name`, {
      hint: `Put options before the name and the command after --. Usage: wasbox exec ${description.usage}`,
    });
  }
  return executeIn(name, { argv: words, ...(parsed.values as Values) });
}

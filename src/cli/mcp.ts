/** `wasbox mcp`: the options of the sandbox, and the way to the server, which Node runs. */
import { UsageError } from '../errors/index.js';
import { type OptionEntry, runOptionTable } from '../options/index.js';
import { nodeModule, requireNode } from './node-module.js';
import { flag, parseVerb, type VerbDescription } from './verb.js';

/** Options about one program, its terminal and its report. */
const left = [
  ...[
    'code',
    'ask',
    'report',
    'html',
    'json',
    'dryRun',
    'tty',
    'quiet',
    'verbose',
    'help',
    'version',
  ],
  ...['audit', 'changes', 'outputBytes', 'continue', 'publish'],
];

const description: VerbDescription = {
  name: 'mcp',
  what: 'Serve a sandbox over the Model Context Protocol on stdin and stdout: tools to run code and commands, to read and write files, to show the changes and to apply them. What a client asks for never goes beyond these options. What it changed is saved when it leaves.',
  usage: '[options]',
  options: [
    {
      ...flag('allow-apply', 'let the client apply changes without asking the user'),
      property: 'allowApply',
    },
    flag(
      'ask',
      'ask the user, through the client, before blocking a file, an address or a system call; without it they are blocked, and the client is told',
    ),
    {
      ...flag('ask-timeout', 'how long --ask waits for an answer before it denies'),
      kind: 'duration',
      metavar: 'TIME',
      min: 100,
      max: 3600 * 1000,
      default: '1m',
      property: 'askTimeoutMs',
    },
    ...(runOptionTable as readonly OptionEntry[]).filter(
      ({ property }) => !left.includes(property),
    ),
  ],
  maxOperands: 0,
};

interface Server {
  readonly serve: (
    options: object,
    settings: Required<Omit<Values, 'askTimeoutMs'>> & Pick<Values, 'askTimeoutMs'>,
  ) => Promise<number>;
}

interface Values {
  readonly allowApply?: boolean;
  readonly ask?: boolean;
  readonly askTimeoutMs?: number | undefined;
}

export async function mcpVerb(argv: readonly string[]): Promise<number> {
  const parsed = parseVerb(description, argv);
  if (parsed === undefined) return 0;
  const { allowApply = false, ask = false, askTimeoutMs, ...options } = parsed.values as Values;
  requireNode('MCP servers');
  if (process.stdin.isTTY === true) {
    throw new UsageError('ERR_USAGE', 'wasbox mcp talks with a program, not with a person', {
      hint: 'Add it to your agent: the command is "wasbox", its arguments are "mcp" and your options.',
    });
  }
  const server = await nodeModule<Server>('MCP servers', 'mcp.js');
  if (askTimeoutMs !== undefined && !ask) {
    throw new UsageError('ERR_USAGE', 'wasbox mcp: --ask-timeout needs --ask');
  }
  return server.serve(options, { allowApply, ask, askTimeoutMs });
}

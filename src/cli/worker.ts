/** `wasbox worker`: the options of a worker and of its sandboxes, and the way to Node, which runs it. */
import { UsageError } from '../errors/index.js';
import {
  durationText,
  jobLimits,
  type OptionEntry,
  readValue,
  runOptionTable,
  sizeText,
} from '../options/index.js';
import { nodeModule } from './node-module.js';
import { parseVerb, type VerbDescription } from './verb.js';

/** Options about one program, its terminal and its report, or what each job has of its own. */
const left = new Set([
  ...['ask', 'audit', 'changes', 'chdir', 'code', 'continue', 'dryRun', 'help', 'html', 'json'],
  ...['lang', 'publish', 'quiet', 'report', 'tty', 'verbose', 'version', 'workdir'],
]);

/** A limit of jobs as its option takes it. */
function defaultOf({ property, kind }: OptionEntry): string | undefined {
  const limit: number | undefined = (jobLimits as Readonly<Record<string, number>>)[property];
  if (limit === undefined) return undefined;
  return kind === 'duration'
    ? durationText(limit)
    : kind === 'size'
      ? sizeText(limit)
      : String(limit);
}

const sandboxOptions = (runOptionTable as readonly OptionEntry[])
  .filter(({ property }) => !left.has(property))
  .map((entry) => {
    const shown = defaultOf(entry);
    return shown === undefined ? entry : { ...entry, default: shown };
  });

const option = (
  name: string,
  property: string,
  help: string,
  rest: Partial<OptionEntry> & Pick<OptionEntry, 'kind'>,
): OptionEntry => ({ name, property, help, group: 'Output', scope: 'cli', ...rest });

const number = { kind: 'integer', metavar: 'N', min: 1 } as const;
const bytes = { kind: 'size', metavar: 'SIZE', min: 1 } as const;
const time = { kind: 'duration', metavar: 'TIME' } as const;

const ownOptions: readonly OptionEntry[] = [
  option('queue', 'queue', 'take jobs from this queue', { kind: 'text', metavar: 'NAME' }),
  option(
    'connection',
    'connection',
    'the Redis or Valkey server: redis://HOST:PORT, rediss:// for TLS, or the path of a UNIX socket. Other users see a command line: put a password into the variable WASBOX_CONNECTION',
    { kind: 'text', metavar: 'URL', default: '$WASBOX_CONNECTION, or redis://127.0.0.1:6379' },
  ),
  option('prefix', 'prefix', "before the queue's keys", {
    kind: 'text',
    metavar: 'TEXT',
    default: 'bull',
  }),
  option('name', 'name', 'name of this worker in results', {
    kind: 'text',
    metavar: 'NAME',
    default: 'HOST:PID',
  }),
  option('concurrency', 'concurrency', 'run N jobs at a time', {
    ...number,
    max: 1024,
    default: 'the number of processors',
  }),
  option('most', 'most', 'the most that a job may ask for of a limit: timeout=5m, memory=2G', {
    kind: 'text',
    metavar: 'LIMIT=VALUE,…',
    default: "the worker's own limits",
  }),
  option('pool', 'pool', 'keep sandboxes ready for code in this language', {
    kind: 'choice',
    metavar: 'LANG',
    choices: ['python', 'node', 'sh'],
  }),
  option('rate', 'rate', 'start at most N jobs in TIME, over all workers of the queue', {
    kind: 'text',
    metavar: 'N/TIME',
  }),
  option('max-job', 'maxJobBytes', 'refuse larger jobs', { ...bytes, default: '1M' }),
  option('max-result', 'maxResultBytes', 'shorten the output of larger results', {
    ...bytes,
    default: '256K',
  }),
  option('with-report', 'report', 'add the run report to each result', { kind: 'flag' }),
  option('attempts', 'maxAttempts', 'try a job that no sandbox could be made for N times', {
    ...number,
    default: '5',
  }),
  option('takeover', 'takeoverMs', "take over a dead worker's job after TIME", {
    ...time,
    default: '30s',
  }),
  option('drain', 'drainMs', 'how long running jobs may take to end after SIGTERM', {
    ...time,
    default: '30s',
  }),
];

const description: VerbDescription = {
  name: 'worker',
  what: 'Take jobs from a BullMQ queue and run each in a sandbox of its own. A job gets no more than these options allow: --net is what jobs may ask for; without asking they have no network. Needs the npm packages bullmq and ioredis.',
  usage: '--queue NAME [options]',
  options: [...ownOptions, ...sandboxOptions],
  maxOperands: 0,
};

interface Command {
  readonly work: (options: object) => Promise<number>;
}

const isLimit = ({ profileKey = '', name }: OptionEntry): boolean =>
  profileKey.startsWith('limits.') && name !== 'grace';

/** `timeout=5m,memory=2G` by the options' own rules. @throws UsageError */
function readMost(text: string): Record<string, unknown> {
  const pairs = text.split(',').map((part): [string, unknown] => {
    const at = part.indexOf('=');
    const name = part.slice(0, at);
    const entry = sandboxOptions.find((one) => isLimit(one) && one.name === name);
    if (at === -1 || entry === undefined) {
      const names = sandboxOptions.filter(isLimit).map((one) => one.name);
      throw new UsageError('ERR_OPTION_VALUE', `--most: "${part}" is not LIMIT=VALUE`, {
        hint: `Limits: ${names.join(', ')}.`,
      });
    }
    return [entry.property, readValue(entry, `--most ${name}`, part.slice(at + 1))];
  });
  return Object.fromEntries(pairs);
}

/** `100/1s`. @throws UsageError */
function readRate(text: string): { readonly max: number; readonly durationMs: unknown } {
  const [, max, duration] = /^(\d{1,9})\/(.+)$/.exec(text) ?? [];
  if (duration === undefined || Number(max) === 0) {
    throw new UsageError('ERR_OPTION_VALUE', `--rate: invalid rate "${text}"`, {
      hint: 'Example: --rate 100/1s',
    });
  }
  const entry = option('rate', 'rate', '', time);
  return { max: Number(max), durationMs: readValue(entry, '--rate', duration) };
}

interface Own {
  readonly queue?: string;
  readonly connection?: string;
  readonly most?: string;
  readonly rate?: string;
  readonly pool?: string;
  readonly drainMs?: number;
}

export async function workerVerb(argv: readonly string[]): Promise<number> {
  const parsed = parseVerb(description, argv);
  if (parsed === undefined) return 0;
  const names = new Set(ownOptions.map(({ property }) => property));
  const split = (own: boolean) =>
    Object.fromEntries(Object.entries(parsed.values).filter(([name]) => names.has(name) === own));
  const { queue, connection, most, rate, pool, drainMs = 30_000, ...others } = split(true) as Own;
  if (queue === undefined || queue === '') {
    throw new UsageError('ERR_USAGE', 'wasbox worker needs the name of a queue', {
      hint: 'Example: wasbox worker --queue jobs',
    });
  }
  const options = {
    ...others,
    queue,
    drainMs,
    connection: connection ?? process.env.WASBOX_CONNECTION ?? 'redis://127.0.0.1:6379',
    run: split(false),
    ...(most === undefined ? {} : { most: readMost(most) }),
    ...(rate === undefined ? {} : { rateLimit: readRate(rate) }),
    ...(pool === undefined ? {} : { pool: { lang: pool } }),
  };
  return (await nodeModule<Command>('workers', 'worker.js')).work(options);
}

/** `wasbox learn`. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { SupportError, UsageError } from '../errors/index.js';
import { realHost } from '../host/index.js';
import type { LaunchResult } from '../launch/index.js';
import { launch, withNeeds } from '../launch/index.js';
import { loadNative } from '../native/index.js';
import {
  type OptionEntry,
  type RunArguments,
  runOptionTable,
  shellQuote,
} from '../options/index.js';
import { buildReport, type RunReport } from '../report/index.js';
import {
  leadsOut,
  resolveSpec,
  type SandboxSpec,
  untrustedLink,
  untrustedSources,
} from '../resolve/index.js';
import { displayText } from '../text/index.js';
import { forwardSignals } from './forward.js';
import { fetchImage } from './image-store.js';
import { openSink } from './sink.js';
import { tell } from './tell.js';
import { err, out, style, write } from './terminal.js';
import { flag, parseVerb } from './verb.js';

/** Options that say how one run is told, or make it another: nothing for a profile. */
const left = ['report', 'html', 'json', 'dry-run', 'help', 'version', 'audit', 'profile', 'ask'];

const description = {
  name: 'learn',
  what: 'Run a program, record what it uses, and write a profile that allows that and similar use.',
  usage: '[-o FILE.toml] [options] -- CMD [args…]',
  stopAtOperand: true,
  options: [
    {
      name: 'write',
      short: 'o',
      kind: 'path',
      metavar: 'FILE.toml',
      group: 'Output',
      help: 'the profile to write; what this run uses is added to a profile learned before',
      default: 'stdout',
      property: 'profileFile',
      scope: 'cli',
    },
    {
      ...flag('check', 'run under the profile instead, and show what it does not allow'),
    },
    ...runOptionTable.filter(({ name }) => !left.includes(name)),
  ] as readonly OptionEntry[],
};

const say = (text: string): void => err(`${style(2, 'dim', 'wasbox:')} ${displayText(text)}\n`);

interface Ran {
  readonly result: LaunchResult;
  readonly report: RunReport;
}

async function runOnce(spec: SandboxSpec, options: RunArguments): Promise<Ran> {
  const signals = forwardSignals();
  try {
    const launched = await launch(spec, { stdio: [0, 1, 2], onEnd: signals.end });
    signals.to(launched);
    const result = await launched.done;
    const report = buildReport(spec, result);
    tell(report, { quiet: options.quiet, verbose: options.verbose });
    return { result, report };
  } finally {
    signals.end();
  }
}

function statusText({ outcome }: RunReport): string | undefined {
  if (outcome.kind === 'exited' && outcome.exitCode === 0) return undefined;
  return outcome.kind === 'exited' ? `exited ${outcome.exitCode}` : `was stopped`;
}

function check({ report }: Ran, file: string): number {
  const { refusals } = report;
  if (refusals === undefined || refusals.watched === 'none') {
    throw new SupportError('ERR_KERNEL', 'this kernel cannot report what the profile blocks', {
      hint: 'It has no seccomp notifications. See wasbox doctor.',
    });
  }
  const lacking = new Set(refusals.calls.map(({ call }) => call));
  for (const call of lacking) say(`${file} does not allow ${call}`);
  if (lacking.size === 0) say(`${file} allows everything that this run used`);
  const ended = statusText(report);
  if (ended !== undefined) say(`the program ${ended}`);
  return lacking.size === 0 && ended === undefined ? 0 : 1;
}

/** A profile that is there; a device or pipe is written to as it is. */
function earlierAt(file: string): { name: string; text: string } | undefined {
  const found = statSync(file, { throwIfNoEntry: false });
  const refuse = (why: string, hint: string) =>
    new UsageError('ERR_PROFILE', `-o ${file}: ${why}`, { hint });
  if (found?.isDirectory() === true) {
    throw refuse('is a directory', `Name a file: -o ${join(file, 'profile.toml')}`);
  }
  if (found === undefined && !existsSync(dirname(resolve(file)))) {
    throw refuse('no such directory', `Create it: mkdir -p ${shellQuote(dirname(file))}`);
  }
  if (found?.isFile() !== true || found.size === 0) return undefined;
  return { name: file, text: readFileSync(file, 'utf8') };
}

async function learnOnce(
  spec: SandboxSpec,
  options: RunArguments,
  file: string | undefined,
  untrusted: readonly string[],
): Promise<number> {
  const { learn, readLearned } = await import('../learn/index.js');
  const earlier = file === undefined ? undefined : earlierAt(file);
  // Report what cannot be merged before anything runs.
  if (earlier !== undefined) readLearned(earlier.name, earlier.text);
  const ran = await runOnce(spec, options);
  const { audit } = ran.result;
  if (audit?.watched !== true) {
    throw new SupportError(
      'ERR_KERNEL',
      'could not watch the run: this kernel has no seccomp notifications',
      {
        hint: 'See wasbox doctor.',
      },
    );
  }
  const ended = statusText(ran.report);
  const learned = await learn({ spec, options: { ...options }, audit, earlier, ended });
  if (file === undefined) out(learned.text);
  else {
    const sink = openSink(loadNative().native, '-o', file, untrusted);
    if (sink !== undefined) write(sink.fd, learned.text);
    sink?.close();
  }
  if (options.quiet === true) return 0;
  say(
    `learned from ${learned.runs} run${learned.runs === 1 ? '' : 's'}: ${learned.allowed} of the ${learned.base} system calls that ${spec.policy.name} allows`,
  );
  for (const warning of learned.warnings) say(warning);
  if (file !== undefined) say(`use it: wasbox run --profile ${shellQuote(file)} -- …`);
  return 0;
}

export async function learnVerb(argv: readonly string[]): Promise<number> {
  const parsed = parseVerb(description, argv);
  if (parsed === undefined) return 0;
  const { profileFile, check: checks, ...values } = parsed.values as Record<string, unknown>;
  const [command, ...args] = parsed.operands;
  const file = profileFile as string | undefined;
  if (checks === true && file === undefined) {
    throw new UsageError('ERR_USAGE', '--check needs a profile', {
      hint: 'Name it: wasbox learn --check -o FILE.toml -- CMD',
    });
  }
  const operands =
    values.code === undefined
      ? command === undefined
        ? {}
        : { command, args }
      : { args: parsed.operands };
  const options = { ...values, ...operands } as RunArguments;
  const { native } = loadNative();
  const host = realHost({ native });
  const how = checks === true ? { profile: file } : { audit: true };
  const resolved = () => resolveSpec({ ...options, ...how }, host, { terminal: 'auto' });
  const spec = await withNeeds(options, host, resolved, fetchImage(options.quiet === true));
  if (checks === true) return check(await runOnce(spec, options), file ?? '');
  const untrusted = untrustedSources(spec, host);
  const link = file === undefined ? undefined : untrustedLink(host, resolve(file), untrusted);
  if (link) throw leadsOut('ERR_PROFILE', `-o ${file}`, link, `-o ${shellQuote(link.to)}`);
  return learnOnce(spec, options, file, untrusted);
}

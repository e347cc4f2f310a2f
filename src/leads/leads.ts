/**
 * Finds what a run that failed may have lacked, by what the program's own text names. wasbox knows which variables it
 * did not pass, and that an option behind the script went to the script; the program's message tells neither.
 */
import { posix } from 'node:path';
import { type Host, isWithin } from '../host/index.js';
import { hostOption, pathOption, runOptionTable, spoken } from '../options/index.js';
import { misplacedLine, type RunReport } from '../report/index.js';
import { isSecretVariable, type ListNames, type SandboxSpec, secretAt } from '../resolve/index.js';
import { type Offered, withAll } from './again.js';
import { doorLeads } from './doors.js';
import { hasWord } from './excerpt.js';
import { isHidden } from './file-failures.js';
import { installerLeads } from './installers.js';
import { lastOutputOf } from './last-output.js';
import { namedLimits } from './named-limits.js';
import { localServers, serverPorts } from './named-ports.js';
import { type FailedRun, languageFiles } from './packages.js';
import { programLeads } from './programs.js';
import { scriptOf, scriptText, sourcesOf, textLimit, textOf } from './sources.js';
import { packagesLacked } from './told-packages.js';
import { unsetVariables } from './unset-variables.js';

/** More names than these are no lead. */
const namesMax = 5;

/** A program with one of these may hand its arguments on, and know any option; addon/fastpath/own_option.c has them too. */
const handsOn = ['$@', '$*', 'argv', 'ARGV', 'args'];

/** A run that failed, with all that its program names. */
interface Named extends FailedRun {
  readonly report: RunReport;
  readonly named: string;
}

/** Lines for variables of the user's that were not passed. @param isNamed by the program or its output */
export function withheld(
  isNamed: (name: string) => boolean,
  { spec, offered }: Pick<FailedRun, 'spec' | 'offered'>,
  host: Host,
): string[] {
  const names = Object.keys(host.env)
    .filter((name) => name.length > 3 && !Object.hasOwn(spec.env, name) && isNamed(name))
    .sort()
    .slice(0, namesMax);
  const secrets = names.filter((name) => isSecretVariable(name, host.env[name]));
  // The program chose the names: a line with all that it names hands out one secret at most, and says so.
  const inAll = secrets.length === 1 ? names : names.filter((name) => !secrets.includes(name));
  offered.options.push(...inAll.map((name) => `--env ${name}`));
  if (secrets.length === 1) offered.secrets.push(...secrets);
  return names.map((name) => {
    // The name of a token says by itself what it is.
    const isUnnamed = secrets.includes(name) && !isSecretVariable(name);
    const holds = isUnnamed ? ' (its value looks like a secret)' : '';
    return spoken`${name} is set, but was not passed${holds}. If the program may have it: --env ${name}`;
  });
}

/** A directory that is named counts where it is no place of programs' own. */
const isPlain = (path: string): boolean => !path.includes('/.');

/** Returns a line for each file of this machine that is named and that the sandbox hides. */
function hiddenFiles({ named, spec, offered }: Named, host: Host): string[] {
  const { home } = spec.identity;
  const list: ListNames = (path) =>
    host.files
      .entries(path)
      ?.map(({ name, kind }) => ({ name, isDirectory: kind === 'directory' }));
  const found = named.matchAll(/(?<![\w.~/}-])(~|\$HOME|\$\{HOME\})?(\/[\w.@%+-][\w.@%+/-]*)/g);
  const paths = [...found].map(([, top, below = '']) =>
    posix.normalize(top === undefined ? below : home + below).replace(/\/$/, ''),
  );
  const isMeant = (path: string): boolean => {
    if (isWithin(home, path) || !isHidden(spec, path)) return false;
    const kind = host.files.stat(path)?.kind;
    return kind === 'file' || (kind === 'directory' && isWithin(path, home) && isPlain(path));
  };
  return [...new Set(paths)]
    .filter(isMeant)
    .slice(0, namesMax)
    .flatMap((path) => {
      const option = pathOption('--ro', path);
      if (option === undefined) return [];
      const secret = secretAt(path, list);
      if (secret === undefined) offered.options.push(option);
      const holds = secret === undefined ? '' : ` (it holds ${secret})`;
      const shown = isWithin(path, home) ? `~${path.slice(home.length)}` : path;
      return [`${shown} is hidden${holds}. If the program may read it: ${option}`];
    });
}

/** Lines of comments, whose addresses are for readers. */
const comments = /^[ \t]*(?:#|\/\/|\*|--).*$/gm;
/** Hosts that name a format, or nothing. */
const noHosts = /(?:^|\.)(?:example\.(?:com|org|net)|w3\.org|xmlsoap\.org|json-schema\.org)$/;

/**
 * Returns a line with the hosts that a program names which failed before it looked for any. What it looked for, the
 * report tells.
 */
function namedHosts({ text, spec, report, offered }: Named): string[] {
  const asked = report.refusals?.calls.some(({ kind }) => kind === 'network') ?? false;
  const others = offered.options.length + offered.packages.length;
  if (spec.net !== 'none' || asked || others === 0) return [];
  const found = text
    .replace(comments, '')
    .matchAll(/\b(?:https?|wss?):\/\/((?:[a-z0-9-]+\.)+[a-z]{2,})(?![\w.-])/g);
  const hosts = [...new Set([...found].map(([, host = '']) => host))];
  const reached = hosts.filter(
    (host) => !noHosts.test(host) && hostOption('name', host) !== undefined,
  );
  if (reached.length === 0 || reached.length > namesMax) return [];
  const option = `--net ${reached.join(',')}`;
  offered.options.push(option);
  return [
    `it names ${reached.join(', ')}, and the network is off. If it may reach ${reached.length === 1 ? 'it' : 'them'}: ${option}`,
  ];
}

/** Commits have the user's name, which is in a file of the home. */
function gitName({ text, report, spec, words: typed, offered }: Named, host: Host): string[] {
  const commits = /\bgit\b[^\n]*[ \t](?:commit|tag[ \t]+-a|merge|rebase|cherry-pick|am)\b/;
  if (!commits.test(`${text}\n${report.argv.join(' ')}`)) return [];
  const { home } = spec.identity;
  const own = ['.gitconfig', '.config/git/config'].map((name) => posix.join(home, name));
  const isHere = own.some((path) => host.files.stat(path)?.kind === 'file' && isHidden(spec, path));
  if (!isHere || typed?.includes('--for') === true) return [];
  offered.options.push('--for git');
  return ['it commits, and git does not know your name inside. To show ~/.gitconfig: --for git'];
}

/** Options of wasbox behind the script. */
const optionsBehind = ({ argv }: RunReport): string[] => {
  const words = new Set(argv.flatMap((word) => /^--([a-z-]+)(?:=|$)/.exec(word)?.[1] ?? []));
  return runOptionTable.map(({ name }) => name).filter((name) => words.has(name));
};

/** Returns the options with which nothing of the script has to do. A larger script may have any. */
function unknownTo(options: readonly string[], script: string): string[] {
  if (script === '' || script.length >= textLimit) return [];
  if (options.length === 0 || handsOn.some((sign) => script.includes(sign))) return [];
  return options.filter(
    (name) => !script.includes(name) && !script.includes(name.replaceAll('-', '_')),
  );
}

/**
 * Lines for the summary.
 * @param host of the user who started the run
 * @param typed what followed `wasbox`
 * @param tail the end of what the program wrote, where it passed through wasbox
 */
export function leadsOf(
  spec: SandboxSpec,
  report: RunReport,
  host: Host,
  typed?: readonly string[],
  tail?: Uint8Array,
): string[] {
  const failed = report.outcome.kind === 'exited' && report.outcome.exitCode !== 0;
  const options = optionsBehind(report);
  const misplaced = (script: string): string[] =>
    unknownTo(options, script).map((name) => misplacedLine(`--${name}`, report.command));
  if (!failed) return options.length === 0 ? [] : misplaced(scriptText(spec, host));
  const sources = sourcesOf(spec, host);
  const text = textOf(sources, languageFiles(spec));
  const script = posix.resolve(host.cwd() ?? '/', scriptOf(spec) ?? 'code');
  const offered: Offered = { packages: [], options: [], secrets: [] };
  const named = [textOf(sources), ...report.argv].join('\n');
  const run: Named = { spec, report, text, script, words: typed, named, offered };
  const last = lastOutputOf(tail);
  const all = [sources.script, named].join('\n');
  const inText = `${text}\n${report.argv.join(' ')}`;
  const lines = [
    ...withheld((name) => last.words.has(name) || hasWord(all, name), run, host),
    ...hiddenFiles(run, host),
    ...packagesLacked(run, last, host),
    ...programLeads(run, host),
    ...gitName(run, host),
    ...doorLeads(run, inText, host),
    ...localServers(run, last.ports),
    ...unsetVariables(run, host),
    ...namedHosts(run),
    ...serverPorts(run),
    ...installerLeads(run, report, inText),
    ...namedLimits(spec, report.reached, last),
    ...misplaced(sources.script),
  ];
  const again = withAll(offered, typed, report);
  if (again === undefined) return lines;
  const but = offered.secrets.map((name) => `${name} looks like a secret; `).join('');
  return [...lines, `${but}to try all of it: ${again}`];
}

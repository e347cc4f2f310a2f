/**
 * Finds what a run that failed may have lacked, by what the program's own text names. wasbox knows which variables it
 * did not pass, and that an option behind the script went to the script; the program's message tells neither.
 */
import { posix } from 'node:path';
import { type Host, isWithin } from '../host/index.js';
import { pathOption, runOptionTable } from '../options/index.js';
import { misplacedLine, type RunReport } from '../report/index.js';
import { type SandboxSpec, secretOf } from '../resolve/index.js';
import { doorLeads } from './doors.js';
import { isHidden } from './file-failures.js';
import { installerLeads } from './installers.js';
import { languageFiles, packageLeads } from './packages.js';
import { scriptOf, scriptText, sourcesOf, textOf } from './sources.js';

/** More names than these are no lead. */
const namesMax = 5;

/** A program that hands its arguments on may have any option. */
const handsOn = /\$[@*]|argv\s*\[\s*1\s*:|argv\.slice|\bARGV\b|@args?\b|\.\.\.args/;

const words = (text: string): Set<string> => new Set(text.match(/[A-Za-z_][A-Za-z0-9_]*/g));

function withheld(text: string, spec: SandboxSpec, host: Host): string[] {
  const named = words(text);
  const names = Object.keys(host.env).filter(
    (name) => name.length > 3 && named.has(name) && !Object.hasOwn(spec.env, name),
  );
  return names
    .sort()
    .slice(0, namesMax)
    .map((name) => `${name} is set, but was not passed. If the program may have it: --env ${name}`);
}

/** Returns a line for each file of this machine that is named and that the sandbox hides. */
function hiddenFiles(text: string, spec: SandboxSpec, host: Host): string[] {
  const { home } = spec.identity;
  const found = text.matchAll(/(?<![\w.~/}-])(~|\$HOME|\$\{HOME\})?(\/[\w.@%+-][\w.@%+/-]*)/g);
  const paths = [...found].map(([, top, below = '']) =>
    posix.normalize(top === undefined ? below : home + below).replace(/\/$/, ''),
  );
  return [...new Set(paths)]
    .filter(
      (path) => path !== home && isHidden(spec, path) && host.files.stat(path)?.kind === 'file',
    )
    .slice(0, namesMax)
    .flatMap((path) => {
      const option = pathOption('--ro', path);
      if (option === undefined) return [];
      const secret = secretOf(path);
      const holds = secret === undefined ? '' : ` (it holds ${secret})`;
      const shown = isWithin(path, home) ? `~${path.slice(home.length)}` : path;
      return [`${shown} is hidden${holds}. If the program may read it: ${option}`];
    });
}

/** The number of files that a process may open nearly everywhere. */
const usualFiles = 1024;

/** No counter tells that a process was refused a file more, and samples miss one that ends at once. */
function fewFiles({ limits }: SandboxSpec, { reached }: RunReport): string[] {
  const most = limits.openFiles ?? usualFiles;
  return most >= usualFiles || reached.some(({ limit }) => limit === 'open-files')
    ? []
    : [
        `a process may open no more than ${most} files. If it needed more: --open-files ${2 * most}`,
      ];
}

/** Options of wasbox behind the script. */
const optionsBehind = ({ argv }: RunReport): string[] => {
  const words = new Set(argv.flatMap((word) => /^--([a-z-]+)(?:=|$)/.exec(word)?.[1] ?? []));
  return runOptionTable.map(({ name }) => name).filter((name) => words.has(name));
};

/** Returns the options with which nothing of the script has to do. */
const unknownTo = (options: readonly string[], script: string): string[] =>
  script === '' || handsOn.test(script)
    ? []
    : options.filter(
        (name) => !script.includes(name) && !script.includes(name.replaceAll('-', '_')),
      );

/** Options of wasbox that the script does not know: behind it they are told, however it ends. */
export const misplacedOptions = (spec: SandboxSpec, host: Host): string[] =>
  unknownTo(
    runOptionTable.map(({ name }) => name),
    scriptText(spec, host),
  );

/**
 * Lines for the summary.
 * @param host of the user who started the run
 * @param words what followed `wasbox`
 */
export function leadsOf(
  spec: SandboxSpec,
  report: RunReport,
  host: Host,
  words?: readonly string[],
): string[] {
  const failed = report.outcome.kind === 'exited' && report.outcome.exitCode !== 0;
  const options = optionsBehind(report);
  const misplaced = (script: string): string[] =>
    unknownTo(options, script).map((name) => misplacedLine(`--${name}`, report.command));
  if (!failed) return options.length === 0 ? [] : misplaced(scriptText(spec, host));
  const sources = sourcesOf(spec, host);
  const text = textOf(sources, languageFiles(spec));
  const script = posix.resolve(host.cwd() ?? '/', scriptOf(spec) ?? 'code');
  const run = { spec, report, text, script, words };
  const named = [textOf(sources), ...report.argv].join('\n');
  return [
    ...withheld(named, spec, host),
    ...hiddenFiles(named, spec, host),
    ...(text.trim() === '' ? [] : packageLeads(run, host)),
    ...installerLeads(spec, report, `${text}\n${report.argv.join(' ')}`),
    ...fewFiles(spec, report),
    ...doorLeads(report, `${text}\n${report.argv.join(' ')}`),
    ...misplaced(sources.script),
  ];
}

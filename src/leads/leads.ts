/**
 * Finds what a run that failed may have lacked, by what the program's own text names. wasbox knows which variables it
 * did not pass, and that an option behind the script went to the script; the program's message tells neither.
 */
import { posix } from 'node:path';
import type { Host } from '../host/index.js';
import { runOptionTable } from '../options/index.js';
import { misplacedLine, type RunReport } from '../report/index.js';
import type { SandboxSpec } from '../resolve/index.js';
import { doorLeads } from './doors.js';
import { packageLeads } from './packages.js';

/** Bytes of a script that are looked through. */
const textLimit = 1 << 20;

/** More names than these are no lead. */
const namesMax = 5;

/** A program that hands its arguments on may have any option. */
const handsOn = /\$[@*]|argv\s*\[\s*1\s*:|argv\.slice|\bARGV\b|@args?\b|\.\.\.args/;

/** Programs whose first argument is the script. */
const interpreters = /^(?:python[\d.]*|node|nodejs|tsx|ts-node|bun|ruby|bash|sh)$/;

/** The script as it was named; undefined for another command, whose file says little. */
function scriptOf({ command: { display, argv } }: SandboxSpec): string | undefined {
  if (display === '-' || display === '-c') return undefined;
  if (!interpreters.test(posix.basename(display))) return display;
  const [, first] = argv;
  return first === undefined || first.startsWith('-') ? undefined : first;
}

/** The script's text; empty where there is none. */
function scriptText(spec: SandboxSpec, host: Host): string {
  const here = host.cwd();
  const script = scriptOf(spec);
  if (here === undefined || script === undefined) return '';
  const named = posix.resolve(here, script);
  const bytes = host.files.stat(named)?.kind === 'file' && host.files.read(named, textLimit);
  return bytes ? new TextDecoder('latin1').decode(bytes) : '';
}

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

/** The words of code on the command line; empty for a script. */
const codeOf = ({ command }: SandboxSpec): string =>
  command.display === '-c' ? command.argv.slice(1).join('\n') : '';

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
  if (!failed && options.length === 0) return []; // the script need not be read
  const script = scriptText(spec, host);
  const text = [script, ...report.argv].join('\n');
  const run = {
    spec,
    report,
    text: script === '' ? codeOf(spec) : script,
    script: posix.resolve(host.cwd() ?? '/', scriptOf(spec) ?? 'code'),
    words,
  };
  return [
    ...(failed ? withheld(text, spec, host) : []),
    ...(failed && run.text !== '' ? packageLeads(run, host) : []),
    ...(failed ? fewFiles(spec, report) : []),
    ...(failed ? doorLeads(report, `${text}\n${report.argv.join(' ')}`) : []),
    ...unknownTo(options, script).map((name) => misplacedLine(`--${name}`, report.command)),
  ];
}

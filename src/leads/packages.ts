/** Packages that a script lacks, each with the line that runs it with them. */
import { posix } from 'node:path';
import type { Host } from '../host/index.js';
import { shellQuote } from '../options/index.js';
import type { RunReport } from '../report/index.js';
import {
  fitsPython,
  hostsOfRegistry,
  isPackageWord,
  type SandboxSpec,
  scriptBlock,
} from '../resolve/index.js';
import { againWith, namesGiven, type Offered } from './again.js';
import { type Language, languageOf } from './languages.js';
import { missingNodePackages } from './node.js';
import { otherLeads } from './others.js';
import { phpLeads } from './php.js';
import { missingModules, packageOfModule, pythonOf, systemModules } from './python.js';
import { type MissingGems, missingGems } from './ruby.js';

/** More than these are not a few packages that are missing, but something else. */
const most = 12;

export interface FailedRun {
  readonly spec: SandboxSpec;
  readonly report: Pick<RunReport, 'argv' | 'command'>;
  /** The script's, or the code of the command line. */
  readonly text: string;
  /** All that the program names: files that its command reads are in it, a Makefile's lines, say. @default the text */
  readonly named?: string | undefined;
  /** Where the script is; for code, a name in the directory that it starts in. */
  readonly script: string;
  /** The words that followed `wasbox`; undefined where that is not known. */
  readonly words: readonly string[] | undefined;
  /** Takes what the leads offer. */
  readonly offered: Offered;
  /** The command that takes options of a sandbox, where the run's own does not. */
  readonly start?: string | undefined;
  /**
   * Tells how to have packages, where that is not to run again with them; '' says nothing.
   * @returns undefined for what it does not know
   */
  readonly again?:
    | ((language: Language, names: readonly string[]) => string | undefined)
    | undefined;
}

const list = (names: readonly string[]): string =>
  names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;

const isAre = (names: readonly string[]): string => (names.length === 1 ? 'is' : 'are');

function lines(kind: Language, all: readonly string[], run: FailedRun): string[] {
  const given = namesGiven(run.words);
  const isGiven = (name: string): boolean => given.has(name.toLowerCase());
  // Such a package would not help again, because the module is of another one.
  const wrong = all
    .filter(isGiven)
    .map(
      (name) =>
        `--with has ${name}, and the program needs a module that is not in it. Its package has another name: --with PACKAGE`,
    );
  return [
    ...wrong,
    ...missingLines(
      kind,
      all.filter((name) => !isGiven(name)),
      run,
    ),
  ];
}

function missingLines(kind: Language, names: readonly string[], run: FailedRun): string[] {
  if (names.length === 0 || names.length > most) return [];
  const other = run.again?.(kind, names);
  const cannot = run.spec.isolation === 'landlock' || run.spec.image !== undefined;
  if (!cannot && other === undefined) run.offered.packages.push(...names);
  const again = cannot
    ? ''
    : (other ??
      `. To run with ${names.length === 1 ? 'it' : 'them'}: ${againWith(names, run.words, run.report)}`);
  return [`${list(names)} ${isAre(names)} not installed for ${kind}${again}`];
}

/** Gems of the home are shown; others are installed inside, where their build scripts run, too. */
function gemLines(
  { hidden, missing }: MissingGems,
  { report, offered, again }: FailedRun,
): string[] {
  if (hidden !== undefined) offered.options.push(`--ro ${shellQuote(hidden)}`);
  const shown =
    hidden === undefined
      ? []
      : [`gems of your home are hidden. To show them: --ro ${shellQuote(hidden)}`];
  if (missing.length === 0 || missing.length > most) return shown;
  const what = `${list(missing)} ${isAre(missing)} not installed for Ruby`;
  const other = again?.('Ruby', missing);
  if (other !== undefined) return [...shown, what + other];
  const install = `gem install --user-install ${missing.join(' ')}`;
  const own = /^-c?$/.test(report.command) ? '…' : report.argv.map(shellQuote).join(' ');
  const hosts = hostsOfRegistry('rubygems.org').join(',');
  return [
    ...shown,
    `${what}. To install ${missing.length === 1 ? 'it' : 'them'} inside: wasbox run --net ${hosts} -c ${shellQuote(`${install} && ${own}`)}`,
  ];
}

/** Returns what the block of the script says, where that is not to be had. */
function blockLines(run: FailedRun, host: Host): { notes: string[]; packages: readonly string[] } {
  const block = scriptBlock(run.text);
  const { command } = run.report;
  if (block === undefined) return { notes: [], packages: [] };
  if (block === 'invalid') {
    return { notes: [`the "# /// script" block of ${command} is invalid (PEP 723)`], packages: [] };
  }
  const version = pythonOf(run.spec, host)?.version;
  const notes: string[] = [];
  if (version !== undefined && block.python !== undefined && !fitsPython(version, block.python)) {
    notes.push(
      `${command} asks for Python ${block.python}, and this is Python ${version}. With another one: wasbox run … -- python3.N ${command}`,
    );
  }
  if (block.others.length > 0) {
    notes.push(`${command} asks for ${list(block.others)}, which --with does not take`);
  }
  return { notes, packages: block.packages };
}

function pythonLines(run: FailedRun, host: Host): string[] {
  if (languageOf(run.spec.command.path) !== 'Python') return [];
  const missing = missingModules(run.spec, run, host);
  const { notes, packages } = blockLines(run, host);
  const system = (missing ?? []).filter((name) => Object.hasOwn(systemModules, name));
  const hints = system.map(
    (name) =>
      `${name} is a part of Python that is not installed. On Debian: apt install ${systemModules[name]}`,
  );
  const own = (missing ?? []).filter((name) => !system.includes(name)).map(packageOfModule);
  const words = packages.length > 0 ? packages : own;
  const lacks = missing === undefined ? packages.length > 0 : own.length > 0;
  const valid = words.filter((word) => isPackageWord('python', word));
  return [...notes, ...hints, ...(lacks ? lines('Python', valid, run) : [])];
}

/** Matches the names of shells. */
export const shells = /^(?:ba|da|k|z)?sh$/;

/** The files of a program's language, by its interpreter. */
const filesOf: readonly (readonly [program: RegExp, files: RegExp])[] = [
  [/^python[\d.]*$/, /\.pyw?$/],
  [/^(?:node|nodejs|tsx|ts-node|bun|deno)$/, /\.[cm]?[jt]sx?$/],
  [/^ruby[\d.]*$/, /\.rb$/],
  [/^perl[\d.]*$/, /\.p[lm]$/],
  [/^lua[\d.]*$/, /\.lua$/],
  [/^php[\d.]*$/, /\.php$/],
  [shells, /\.(?:sh|bash)$/],
];

/** Matches the names of files that an interpreter reads as parts of a script; none for another program. */
export const languageFiles = ({ command }: SandboxSpec): RegExp =>
  filesOf.find(([program]) => program.test(posix.basename(command.path)))?.[1] ?? /(?!)/;

/** Lines for the summary of a run that failed. */
export function packageLeads(run: FailedRun, host: Host): string[] {
  const npm = missingNodePackages(run.spec, run, host);
  if (npm !== undefined) return lines('Node', npm, run);
  const gems = missingGems(run.spec, run, host);
  if (gems !== undefined) return gemLines(gems, run);
  if (/^php[\d.]*$/.test(posix.basename(run.spec.command.path)))
    return phpLeads(run.text, run.script, host);
  return otherLeads(run.spec, run, host)?.slice(0, most) ?? pythonLines(run, host);
}

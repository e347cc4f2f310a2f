/**
 * Packages for a script, of `--with` or of the script itself (script-packages.ts), in a directory of their own that is
 * shown read-only. Each set of packages is installed once for an interpreter and an index (src/launch/packages.ts),
 * below `caches/with` of the state directory.
 */
import { posix } from 'node:path';
import { SupportError, UsageError } from '../errors/index.js';
import { type HostFiles, isWithin, stateDirectory } from '../host/index.js';
import { type RunOptions, shellQuote, spoken, spokenOption } from '../options/index.js';
import { askSources, readPreset, rulesOf } from '../preset/index.js';
import type { Draft } from './draft.js';
import { notAvailable, type Own } from './isolation.js';
import { languageByExtension, languageByName } from './languages.js';
import { hostPath } from './mounts.js';
import { type PackageKind, packageWords } from './package-words.js';
import { cachesName } from './presets.js';
import { findProgram } from './programs.js';
import { packagesOfScript, type ScriptPackages } from './script-packages.js';
import { headLength, readShebang } from './shebang.js';
import type { CommandSpec } from './spec.js';
import { ownDirectory } from './system.js';
import { untrustedDirectories } from './untrusted-link.js';
import { passedView } from './views.js';

/** The preset whose cache they are. */
export const withName = 'with';
/** The name of the file that is written last, when all of a set is there: a {@link SetMark}. */
export const wholeMark = 'whole';
/** The name of the directory of a set once it is whole, and while it is made. */
export const packagesName = 'packages';
export const unfinishedName = 'unfinished';

/** A mark is short. */
const markLimit = 1 << 16;

/** Says that a set is whole, and how to tell that it still is. */
export interface SetMark {
  readonly words: readonly string[];
  readonly interpreter: string;
  /** The digest of its packages (addon/tree_digest.h). */
  readonly tree: string;
}

/**
 * `damaged`: the set was whole once, and what is there is not what was installed: a disk that was full, a machine that
 * lost power, a program that cleans caches.
 */
export type SetState = 'whole' | 'damaged' | 'absent';

/** Returns the state of a set by its inodes: contents are not read, so that a start stays quick. */
export function stateOfSet(directory: string, files: HostFiles): SetState {
  const mark = posix.join(directory, wholeMark);
  if (files.lstat(mark)?.kind !== 'file') return 'absent';
  const tree = treeOfMark(files.read(mark, markLimit));
  const isSame =
    tree !== undefined && tree === files.treeDigest(posix.join(directory, packagesName));
  return isSame ? 'whole' : 'damaged';
}

function treeOfMark(bytes: Uint8Array | undefined): string | undefined {
  try {
    const mark: Partial<SetMark> | null = JSON.parse(new TextDecoder().decode(bytes));
    return typeof mark?.tree === 'string' ? mark.tree : undefined;
  } catch {
    return undefined; // The mark itself was cut short.
  }
}

/** A set of packages. */
export interface PackageSet {
  readonly kind: PackageKind;
  readonly words: readonly string[];
  /** The interpreter that they are for: its path on this machine. */
  readonly interpreter: string;
  readonly tool: 'pip' | 'uv' | 'npm';
  /** The name of its directory below `caches/with`. */
  readonly key: string;
  /** That directory. */
  readonly directory: string;
  /** Hosts and ports of the index. */
  readonly hosts: readonly string[];
  /** The script that asks for them, or its package.json; undefined where an option does. */
  readonly by: string | undefined;
}

/** Tells how to leave out the packages that a script asks for. */
export const withoutHint = (): string => spoken`To run it without them: --with none`;

/** A set that is not installed yet, or no longer whole. */
export class MissingPackages extends SupportError {
  /** @internal */
  static override readonly kind: string = 'MissingPackages';
  readonly set: PackageSet;

  constructor(set: PackageSet, state: Exclude<SetState, 'whole'>) {
    const names = set.words.join(', ');
    const by = set.by ?? spokenOption('--with');
    const what = state === 'damaged' ? damagedText(set) : `${names} not installed yet`;
    super('ERR_PACKAGES', spoken`${by}: ${what}`, {
      hint: `A run installs them${state === 'damaged' ? ' again' : ''}: leave out --dry-run.${set.by === undefined ? '' : ` ${withoutHint()}`}`,
    });
    this.set = set;
  }
}

/** Says that a set is damaged. */
export const damagedText = ({ words }: Pick<PackageSet, 'words'>): string =>
  `the cached ${words.join(', ')} ${words.length === 1 ? 'is' : 'are'} damaged`;

const nodePrograms = ['node', 'nodejs', 'npx', 'tsx', 'ts-node', 'bun', 'deno'];
const kindOfProgram = (program: string): PackageKind | undefined => {
  const name = posix.basename(program);
  if (nodePrograms.includes(name)) return 'npm';
  return /^python[\d.]*$/.test(name) ? 'python' : undefined;
};

/** Returns the interpreter of a script, as far as its `#!` line, its name or an option says. */
function interpreterWord(draft: Draft): string | undefined {
  const { command, lang, code } = draft.options;
  if (lang !== undefined) return languageByName(lang)?.interpreters[0]?.[0];
  if (code !== undefined || command === undefined || command === '-') return undefined;
  const head = draft.host.files.read(hostPath(draft, command), headLength);
  if (head === undefined) return command.includes('/') ? undefined : command;
  const shebang = readShebang(head);
  if (shebang !== undefined) return shebang.env?.program ?? shebang.interpreter;
  return languageByExtension(command)?.interpreters[0]?.[0];
}

/** Packages of Python, unless Node runs it. */
function interpreterOf(
  draft: Draft,
  word: string | undefined,
): { kind: PackageKind; interpreter: string } {
  const kind = (word === undefined ? undefined : kindOfProgram(word)) ?? 'python';
  const own = word !== undefined && kindOfProgram(word) === 'python' ? [word] : [];
  const names = kind === 'npm' ? ['node'] : [...own, 'python3', 'python'];
  for (const name of names) {
    const path = name.startsWith('/') ? name : findProgram(draft, name);
    const interpreter = path === undefined ? undefined : draft.host.files.realpath(path);
    // An interpreter that came with the script does not install.
    if (path === undefined || interpreter === undefined) continue;
    if ([path, interpreter].some((one) => isWithin(one, draft.workdir.path))) continue;
    return { kind, interpreter };
  }
  throw new UsageError('ERR_NO_INTERPRETER', spoken`--with: ${names.at(-1)} is not installed`, {
    hint: kind === 'npm' ? 'Install Node.js with npm.' : 'Install Python with pip.',
  });
}

/** Where packages come from. */
interface Index {
  readonly hosts: readonly string[];
  /** The values of the preset's sources. */
  readonly values: readonly string[];
}

/** @returns undefined where a preset's sources name no host */
function indexOf(draft: Draft, preset: string): Index | undefined {
  const context = {
    host: draft.host,
    home: draft.identity.home,
    untrusted: untrustedDirectories(draft.options, draft.host, draft.workdir.path),
    find: (program: string) => findProgram(draft, program),
  };
  const row = readPreset(preset);
  const found = askSources(row, context);
  const hosts = rulesOf(row, found);
  return hosts.length === 0 ? undefined : { hosts, values: [...found.values()].flat() };
}

/** Chooses uv only if its configuration names an index, because wasbox cannot ask uv for its default; else pip. */
function toolOf(draft: Draft, kind: PackageKind): { tool: PackageSet['tool']; index: Index } {
  const tools = kind === 'npm' ? (['npm'] as const) : (['uv', 'pip'] as const);
  for (const tool of tools) {
    if (tool !== 'pip' && findProgram(draft, tool) === undefined) continue;
    const index = indexOf(draft, tool);
    if (index !== undefined) return { tool, index };
  }
  const name = kind === 'npm' ? 'npm' : 'pip';
  throw new SupportError(
    'ERR_PACKAGES',
    spoken`--with: ${name} is not installed, or has no index`,
    {
      hint: `Install ${name}. To see where its index is looked for: wasbox preset show ${name}`,
    },
  );
}

/** Packages that are asked for. */
interface AskedPackages extends Pick<PackageSet, 'kind' | 'interpreter' | 'words' | 'by'> {}

/** Returns the packages that are asked for by the option or, without one, by the script. */
function askedPackages(draft: Draft, own: Own): AskedPackages | undefined {
  const { with: value, command, code, install } = draft.options;
  if (value !== undefined) {
    const { kind, interpreter } = interpreterOf(draft, interpreterWord(draft));
    return { kind, interpreter, words: packageWords(kind, value), by: undefined };
  }
  // Where packages cannot be shown, the script's failure tells what it lacked.
  const isScript = command !== undefined && command !== '-' && code === undefined;
  if (!isScript || install !== undefined || draft.image !== undefined || !own.tree)
    return undefined;
  if (draft.host.files.stat(hostPath(draft, command))?.kind !== 'file') return undefined;
  const word = interpreterWord(draft);
  if (word === undefined || kindOfProgram(word) === undefined) return undefined;
  const wanted = packagesWanted(draft, word);
  if (wanted === undefined) return undefined;
  const { by, words } = wanted;
  const { kind, interpreter } = interpreterOf(draft, word);
  return { kind, interpreter, words: packageWords(kind, words.join(','), by), by };
}

function packagesWanted(draft: Draft, word: string): ScriptPackages | undefined {
  const kind = kindOfProgram(word) ?? 'python';
  const path = word.startsWith('/') ? word : findProgram(draft, word);
  const interpreter = path === undefined ? undefined : draft.host.files.realpath(path);
  return packagesOfScript(draft, kind, interpreter ?? word);
}

function setOf(draft: Draft, asked: AskedPackages): PackageSet {
  const { kind, interpreter, words, by } = asked;
  const { tool, index } = toolOf(draft, kind);
  const info = draft.host.files.stat(interpreter);
  // The layout's number comes first: another layout is another set.
  const facts = [1, kind, tool, interpreter, `${info?.dev}:${info?.ino}`, words, index.values];
  const { createHash } = process.getBuiltinModule('node:crypto');
  const digest = createHash('sha256').update(JSON.stringify(facts)).digest('hex');
  const key = String(digest).slice(0, 32);
  const top = stateDirectory(draft.host).directory;
  const directory = posix.join(top, cachesName, withName, key);
  return { kind, words, interpreter, tool, key, directory, hosts: index.hosts, by };
}

/** The parts of its packages that a run has. */
export interface ShownPackages {
  readonly env: Readonly<Record<string, string>>;
  /** Where their programs are: on this machine, and inside. */
  readonly programs: { readonly source: string; readonly target: string };
}

/** Where the ways out install packages, in the working directory. */
const ownPlace = 'packages';

/** Two commands that do the same where `--with` cannot: install once, into the working directory, and run. */
function wayOut(
  options: RunOptions,
  { kind, words: given }: Pick<AskedPackages, 'kind' | 'words'>,
  why: string,
  access = `--for ${kind === 'npm' ? 'npm' : 'pip'}`,
): string {
  const { command = 'SCRIPT', code, args = [] } = options;
  const words = given.map(shellQuote).join(' ');
  const script = (code === undefined ? [command, ...args] : ['-c', code]).map(shellQuote).join(' ');
  const lang = options.lang === undefined ? '' : `--lang ${shellQuote(options.lang)} `;
  const [install, env] =
    kind === 'npm'
      ? [`npm install ${words}`, '']
      : [
          `python3 -m pip install --target ${ownPlace} ${words}`,
          spoken`--env PYTHONPATH=${ownPlace} `,
        ];
  return [
    `${why} Install them into the working directory, once, and run it with them:`,
    `    wasbox run ${placeOf(options)}${access} --apply -- ${install}`,
    `    wasbox run ${placeOf(options)}${lang}${env}${script}`,
  ].join('\n');
}

const placeOf = ({ image, isolation }: RunOptions): string =>
  `${image === undefined ? '' : `--image ${shellQuote(image)} `}${isolation === undefined ? '' : `--isolation ${isolation} `}`;

/** An image has an interpreter of its own. @throws UsageError where both are asked for */
export function refusePackagesInImage(options: RunOptions): void {
  const { with: given, image, lang, command = '' } = options;
  if (given === undefined || given === 'none' || image === undefined) return;
  const language = lang === undefined ? languageByExtension(command) : languageByName(lang);
  const program = language?.interpreters.find(([name]) => kindOfProgram(name) !== undefined)?.[0];
  const kind = kindOfProgram(program ?? command) ?? 'python';
  throw new UsageError('ERR_USAGE', spoken`--with cannot be used with --image`, {
    hint: wayOut(
      options,
      { kind, words: packageWords(kind, given) },
      'The image has an interpreter of its own.',
    ),
  });
}

/** A preset's cache needs a mount, so the hosts of its index are named. */
function refuseWithLandlock(draft: Draft, asked: AskedPackages): SupportError {
  const { hosts } = setOf(draft, asked);
  const passed = ['PIP_INDEX_URL', 'npm_config_registry'].filter(
    (name) =>
      draft.host.env[name] !== undefined && name.startsWith('npm') === (asked.kind === 'npm'),
  );
  const access = [`--net ${hosts.join(',')}`, ...passed.map((name) => `--env ${name}`)].join(' ');
  const hint = wayOut(draft.options, asked, 'Nothing can be mounted there.', access);
  return notAvailable(spoken`--with is`, hint);
}

/**
 * Shows the packages of a script. To be called before the command is looked for, which may be a program of theirs.
 * @throws MissingPackages where they are not installed yet
 * @throws UsageError for names that are none
 */
export function addPackages(draft: Draft, own: Own): ShownPackages | undefined {
  if (draft.options.with === 'none') return undefined;
  const asked = askedPackages(draft, own);
  if (asked === undefined) return undefined;
  if (!own.tree) throw refuseWithLandlock(draft, asked);
  const set = setOf(draft, asked);
  const { files } = draft.host;
  const top = posix.join(set.directory, packagesName);
  const source = posix.join(top, set.kind === 'npm' ? 'node_modules' : 'site');
  const state = stateOfSet(set.directory, files);
  if (state !== 'whole') throw new MissingPackages(set, state);
  // Modules of any directory find what is in /node_modules, imported or required.
  const target = set.kind === 'npm' ? '/node_modules' : posix.join(ownDirectory, packagesName);
  draft.tree.add(passedView(true, { source, target, directory: true, origin: 'cache' }));
  const bin = set.kind === 'npm' ? '.bin' : 'bin';
  const programs = { source: posix.join(source, bin), target: posix.join(target, bin) };
  draft.programs = programs;
  return { env: set.kind === 'python' ? { PYTHONPATH: target } : {}, programs };
}

/** A program of the packages, by its name; undefined where they have none of that name. */
export function packageProgram(draft: Draft): CommandSpec | undefined {
  const { command, code, lang, args = [] } = draft.options;
  if (command === undefined || code !== undefined || lang !== undefined) return undefined;
  if (!/^[\w.-]+$/.test(command) || /^[-.]/.test(command)) return undefined;
  const { files } = draft.host;
  if (files.stat(hostPath(draft, command))?.kind === 'file') return undefined;
  const path = draft.packageProgram(command);
  return path === undefined ? undefined : { path, argv: [command, ...args], display: command };
}

/** The environment with the packages' variables before those that were there. */
export function withPackages(
  env: Readonly<Record<string, string>>,
  shown: ShownPackages | undefined,
): Record<string, string> {
  if (shown === undefined) return env;
  const all: Record<string, string> = { ...env };
  for (const [name, value] of Object.entries({ ...shown.env, PATH: shown.programs.target })) {
    all[name] = env[name] === undefined ? value : `${value}:${env[name]}`;
  }
  return all;
}

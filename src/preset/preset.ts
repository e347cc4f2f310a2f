/** A preset: what a tool needs of a sandbox, read from TOML. */
import { parse } from 'smol-toml';
import { UsageError } from '../errors/index.js';
import { spoken, suggest } from '../options/index.js';
import { builtinPresets } from './builtin/index.js';

/** Where a host or a list of them is looked for. */
export interface PresetSource {
  /** If several have one name, the first that finds something counts. */
  readonly name: string;
  /** The source is not looked at where one of this name has found something. */
  readonly unless?: string | undefined;
  /** A variable of the caller's environment … */
  readonly variable?: string | undefined;
  /** … or a file: `~`, `{program}` for the directory of a program of PATH, `*` in one name. */
  readonly file?: string | undefined;
  /** The pattern for a file: its groups are what was looked for; matched line by line. */
  readonly pattern?: string | undefined;
  /** False where what is found allows no host: it only fills variables. @default true */
  readonly hosts?: boolean | undefined;
}

export interface Preset {
  readonly name: string;
  readonly about: string;
  /** Programs for which `--for auto` takes it. */
  readonly commands: readonly string[];
  /** Directories of home that last from run to run: `~/.npm`. */
  readonly caches: readonly string[];
  /** Files and directories of the host, shown if they are there. */
  readonly readOnly: readonly string[];
  readonly sources: readonly PresetSource[];
  /** Variables to set; `{name}` is what the sources of that name found, without passwords. */
  readonly environment: Readonly<Record<string, string>>;
  /** Files that the sandbox alone has, by their path in its /run: text by path. */
  readonly files: Readonly<Record<string, string>>;
}

export const presetNames: readonly string[] = Object.keys(builtinPresets);

const ofBrowsers = (): string =>
  spoken`A browser that is installed runs as it is, with its own sandbox turned off (--no-sandbox) and its hosts allowed: --net HOST. Browsers that Playwright or Puppeteer fetched are in your home: --ro ~/.cache/ms-playwright, --ro ~/.cache/puppeteer`;

/** Things that people expect a preset for, and how they are done. */
const withoutPreset: Readonly<Record<string, () => string>> = {
  browser: ofBrowsers,
  chromium: ofBrowsers,
  playwright: ofBrowsers,
  puppeteer: ofBrowsers,
  selenium: ofBrowsers,
  docker: () => spoken`wasbox gives no way to the daemon of Docker. To run an image: --image IMAGE`,
  gpu: () => 'A sandbox has no GPU and no other device. Let the program use the processor',
};

/** The TOML file of a preset. @throws UsageError where there is none of that name */
export function presetText(name: string): string {
  const text = Object.hasOwn(builtinPresets, name) ? builtinPresets[name] : undefined;
  if (text !== undefined) return text;
  const known = Object.hasOwn(withoutPreset, name) ? withoutPreset[name]?.() : undefined;
  const near = suggest(name, presetNames);
  throw new UsageError('ERR_OPTION_VALUE', `there is no preset "${name}"`, {
    hint:
      known ??
      `${near === undefined ? '' : `Did you mean ${near}? `}To list them: wasbox preset list`,
  });
}

const strings = (value: unknown): readonly string[] => (value ?? []) as readonly string[];

/** The files come with wasbox: a test holds them to their form. */
export function readPreset(name: string): Preset {
  const table = parse(presetText(name)) as Record<string, unknown>;
  return {
    name,
    about: String(table.about),
    commands: strings(table.commands),
    caches: strings(table.caches),
    readOnly: strings(table['read-only']),
    sources: (table.source ?? []) as readonly PresetSource[],
    environment: (table.environment ?? {}) as Readonly<Record<string, string>>,
    files: (table.files ?? {}) as Readonly<Record<string, string>>,
  };
}

/** A preset of `--for`, and whether its cache is the one of all projects. */
export interface AskedPreset {
  readonly preset: Preset;
  readonly shared: boolean;
}

/**
 * Reads the value of `--for`: `npm`, `npm:shared,git`, `auto`.
 * @param program the name of the program that runs, for `auto`; undefined if it is a script
 */
export function askedPresets(value: string, program: string | undefined): AskedPreset[] {
  const asked = new Map<string, AskedPreset>();
  for (const word of value.split(',')) {
    const [name = '', how, ...more] = word.split(':');
    if (more.length > 0 || (how !== undefined && how !== 'shared')) {
      throw new UsageError('ERR_OPTION_VALUE', spoken`--for ${word}: unknown word "${how}"`, {
        hint: spoken`After a preset's name comes only :shared, for one cache of all projects: --for ${name}:shared`,
      });
    }
    const shared = how === 'shared';
    const names = name === 'auto' ? presetsFor(program) : [name];
    for (const one of names) asked.set(one, { preset: readPreset(one), shared });
  }
  return [...asked.values()];
}

/** The presets of a program's name; none for a script. */
export const presetsFor = (program: string | undefined): readonly string[] =>
  program === undefined
    ? []
    : presetNames.filter((name) => readPreset(name).commands.includes(program));

/**
 * Packages that scripts of Perl, Lua, R, PHP and Go ask for and that this machine does not have: wasbox installs none
 * of them, so that the lead is how they are had.
 */
import { posix } from 'node:path';
import type { Host } from '../host/index.js';
import { shellQuote } from '../options/index.js';
import type { SandboxSpec } from '../resolve/index.js';

interface Language {
  /** The interpreter's program. */
  readonly program: RegExp;
  readonly name: string;
  /** Matches what the script asks for, as its first group. */
  readonly asked: RegExp;
  /** Directories below which, or below whose directories, modules are. */
  readonly places: readonly string[];
  /** Files of a module, below one of the places. */
  readonly files: (module: string) => readonly string[];
  /** How the package is had. */
  readonly had: (module: string) => string;
}

const languages: readonly Language[] = [
  {
    program: /^perl[\d.]*$/,
    name: 'Perl',
    asked: /^[ \t]*use[ \t]+([A-Z]\w*(?:::\w+)*)/gm,
    places: [
      '/etc/perl',
      '/usr/share/perl5',
      '/usr/share/perl',
      '/usr/local/share/perl',
      '/usr/local/lib',
      '/usr/lib',
    ],
    files: (module) => [`${module.replaceAll('::', '/')}.pm`],
    had: (module) => `apt install lib${module.replace(/::|_/g, '-').toLowerCase()}-perl`,
  },
  {
    program: /^lua[\d.]*$|^luajit$/,
    name: 'Lua',
    asked: /\brequire[ \t]*\(?[ \t]*["']([\w.-]+)["']/g,
    places: ['/usr/share/lua', '/usr/local/share/lua', '/usr/local/lib/lua', '/usr/lib'],
    files: (module) => {
      const path = module.replaceAll('.', '/');
      return [`${path}.lua`, `${path}/init.lua`, `${path}.so`];
    },
    had: (module) => `apt install lua-${(module.split('.')[0] ?? module).toLowerCase()}`,
  },
  {
    program: /^Rscript$|^R$/,
    name: 'R',
    asked: /\b(?:library|require)[ \t]*\([ \t]*["']?([A-Za-z][\w.]*)/g,
    places: ['/usr/lib/R', '/usr/local/lib/R', '/usr/share/R'],
    files: (module) => [`${module}/DESCRIPTION`],
    had: (module) => `apt install r-cran-${module.toLowerCase()}`,
  },
];

/** Lists modules of a language that are no files of that name. */
const builtIn = new Set([
  'string',
  'table',
  'math',
  'os',
  'io',
  'debug',
  'utf8',
  'coroutine',
  'package',
]);

/** Returns a place and the directories below it, by version and by machine. */
function around(place: string, host: Host): string[] {
  const below = (at: string): string[] =>
    host.files
      .list(at)
      .filter((name) => /^\d|-linux|^perl|^lua$|^(?:site-)?library$/.test(name))
      .map((name) => posix.join(at, name));
  const first = below(place);
  const second = first.flatMap(below);
  return [place, ...first, ...second, ...second.flatMap(below)];
}

/** Lines for a script of one of these languages; undefined for another program. */
export function otherLeads(
  { command }: SandboxSpec,
  { text, script }: { readonly text: string; readonly script: string },
  host: Host,
): string[] | undefined {
  const program = posix.basename(command.path);
  if (program === 'go') return goLeads(text, script, host);
  const language = languages.find((one) => one.program.test(program));
  if (language === undefined) return undefined;
  const own = posix.dirname(script);
  const places = [
    own,
    posix.join(own, 'lib'),
    ...language.places.flatMap((at) => around(at, host)),
  ];
  const asked = [...new Set([...text.matchAll(language.asked)].map(([, name = '']) => name))];
  const missing = asked.filter(
    (name) =>
      !builtIn.has(name) &&
      !language
        .files(name)
        .some((file) => places.some((at) => host.files.stat(posix.join(at, file)) !== undefined)),
  );
  return missing.map(
    (name) =>
      `${name} is not installed for ${language.name}. A run sees what this machine has. On Debian: ${language.had(name)}`,
  );
}

/** A file of Go that imports modules needs a go.mod, which go makes. */
function goLeads(text: string, script: string, host: Host): string[] {
  const imports = [
    ...text.matchAll(
      /^[ \t]*(?:import[ \t]+)?(?:[\w.]+[ \t]+)?"([a-z0-9-]+(?:\.[a-z0-9-]+)+\/[\w./~-]+)"/gm,
    ),
  ];
  const own = posix.dirname(script);
  if (imports.length === 0 || host.files.stat(posix.join(own, 'go.mod')) !== undefined) return [];
  const [, first = ''] = imports[0] ?? [];
  const make = `go mod init example && go mod tidy && go run ${shellQuote(posix.basename(script))}`;
  return [
    `it imports ${first}, and there is no go.mod that says where from. To make one, and run it: wasbox run --for go -c ${shellQuote(make)}`,
  ];
}

/**
 * R's own language as commands: what a start-up file or a script sources, loads or takes packages from. Strings that a
 * call joins are one path, and a variable that is a string counts as that.
 */
import { shellQuote } from '../../options/index.js';

const string = String.raw`(?:"(?:[^"\\]|\\[\s\S])*(?:"|$)|'(?:[^'\\]|\\[\s\S])*(?:'|$))`;
const comments = new RegExp(`${string}|#[^\\n]*`, 'g');
const assigned = new RegExp(`(?<![\\w.])([A-Za-z.][\\w.]*)\\s*(?:<<?-|=)\\s*(${string})`, 'g');
/** Calls of strings only, in which a name may stand before each. */
const joined = new RegExp(
  String.raw`\b(?:\w+::)?(file\.path|here|path|path_wd|normalizePath|path\.expand|paste0)\s*\(((?:\s|,|[\w.]+\s*=\s*(?=["'])|[\w.]+\s*=\s*(?:TRUE|FALSE|NA|NULL)|${string})*)\)`,
  'g',
);
const called = new RegExp(
  String.raw`(?<![\w.])(?:\w+:::?)?([A-Za-z.][\w.]*)\s*\(\s*(?:c\s*\(\s*)?(?:([\w.]+)\s*=\s*)?(${string})|(?<![\w.])([\w.]+)\s*=\s*(?:c\s*\(\s*)?(${string})|(${string})`,
  'g',
);

const entering: ReadonlySet<string> = new Set(['setwd', 'local_dir', 'with_dir']);
/** All files of the directory may be read. */
const taking: ReadonlySet<string> = new Set([
  ...['list.files', 'dir', 'list.dirs', 'dir_ls', 'Sys.glob', '.libPaths', 'load_all', 'lib.loc'],
  ...['sourceDirectory', 'source_dir', 'install_local'],
]);
const sourcing: ReadonlySet<string> = new Set([
  ...['source', 'sys.source', 'load', 'attach', 'readRDS', 'readRenviron', 'dyn.load', 'parse'],
  ...['source_python', 'py_run_file', 'sourceCpp', 'render', 'import', 'use', 'file', 'scan'],
]);
const starting: ReadonlySet<string> = new Set(['system', 'system2', 'shell', 'pipe', 'run']);

const inner = (quoted: string): string => quoted.slice(1, -1).replace(/\\(.)/g, '$1');
const literal = new RegExp(string, 'g');
const quote = (text: string): string => JSON.stringify(text);

/** Rounds of calls in calls. */
const maxRounds = 5;
const maxNames = 50;

/** Puts the strings of variables, and those that calls join, in their place. */
function withStrings(text: string): string {
  const values = new Map<string, string>();
  for (const [, name = '', value = ''] of text.matchAll(assigned)) {
    if (values.size < maxNames) values.set(name, value);
  }
  const names = new RegExp(
    `${string}|(?<![\\w.$@])([A-Za-z.][\\w.]*)(?![\\w.]|\\s*(?:\\(|<<?-|=))`,
    'g',
  );
  let plain = text
    .replace(/\b(?:\w+::)?(?:getwd|here|path_wd)\s*\(\s*\)/g, '"."')
    .replace(names, (whole, name?: string) => (name && values.get(name)) ?? whole);
  for (let round = 0; round < maxRounds; round++) {
    const before = plain;
    plain = plain.replace(joined, (_, name: string, list: string) => {
      const parts = (list.match(literal) ?? []).map(inner);
      const first = name === 'normalizePath' || name === 'path.expand';
      return quote(first ? (parts[0] ?? '') : parts.join(name === 'paste0' ? '' : '/'));
    });
    if (plain === before) break;
  }
  return plain;
}

/** Commands, one a line. */
export function commandsOfR(text: string): string {
  const own = text.replace(comments, (part) => (part[0] === '#' ? '' : part));
  return [...withStrings(own).matchAll(called)]
    .map(([, call, argument, first, name, second, other]) => {
      const value = inner(first ?? second ?? other ?? '""');
      const [role = '', quoted] = [call ?? name, shellQuote(value)];
      if (starting.has(role)) return value;
      if (entering.has(role)) return `cd ${quoted}`;
      if (taking.has(role) || argument === 'lib.loc') return `PATH_add ${quoted}`;
      if (sourcing.has(role)) return `source ${quoted}`;
      const variable = argument ?? name;
      return variable !== undefined && /^\w+$/.test(variable)
        ? `${variable}=${quoted}`
        : `: ${quoted}`;
    })
    .join('\n');
}

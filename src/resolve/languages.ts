/**
 * How wasbox finds a script's language by its extension, and how it runs each. Data only:
 * a new language is one line here.
 */

export interface Language {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly extensions: readonly string[];
  /** Interpreters in order of preference, each with the words before the script's name. */
  readonly interpreters: readonly (readonly [program: string, ...words: string[]])[];
  /** Words around code on the command line; absent where there is no such way. */
  readonly inline?: { readonly before: readonly string[]; readonly after?: readonly string[] };
  /** The program to install, where that is not the name of the first interpreter. */
  readonly install?: string;
}

const shell = (name: string, extensions: readonly string[]): Language => ({
  name,
  extensions,
  interpreters: [[name]],
  inline: { before: ['-c'], after: [name] },
});

export const languages: readonly Language[] = [
  { ...shell('sh', ['.sh']), aliases: ['shell', 'posix'] },
  shell('bash', ['.bash', '.bats']),
  shell('zsh', ['.zsh']),
  shell('ksh', ['.ksh']),
  shell('dash', []),
  { name: 'fish', extensions: ['.fish'], interpreters: [['fish']], inline: { before: ['-c'] } },
  {
    name: 'python',
    aliases: ['py', 'python3'],
    extensions: ['.py', '.pyw'],
    interpreters: [['python3'], ['python']],
    inline: { before: ['-c'] },
  },
  {
    name: 'node',
    aliases: ['js', 'javascript', 'nodejs'],
    extensions: ['.js', '.mjs', '.cjs'],
    interpreters: [['node'], ['nodejs'], ['bun'], ['deno', 'run', '-A']],
    inline: { before: ['-e'], after: ['--'] },
  },
  {
    name: 'typescript',
    aliases: ['ts'],
    extensions: ['.ts', '.mts', '.cts', '.tsx'],
    interpreters: [['tsx'], ['bun'], ['deno', 'run', '-A'], ['ts-node'], ['node']],
    install: 'tsx, or Node.js 22.18 or later',
  },
  {
    name: 'ruby',
    aliases: ['rb'],
    extensions: ['.rb'],
    interpreters: [['ruby']],
    inline: { before: ['-e'], after: ['--'] },
  },
  {
    name: 'perl',
    aliases: ['pl'],
    extensions: ['.pl', '.pm', '.t'],
    interpreters: [['perl']],
    inline: { before: ['-e'], after: ['--'] },
  },
  {
    name: 'php',
    extensions: ['.php', '.phar'],
    interpreters: [['php']],
    inline: { before: ['-r'], after: ['--'] },
  },
  {
    name: 'lua',
    extensions: ['.lua'],
    interpreters: [['lua'], ['lua5.4'], ['lua5.3'], ['lua5.1'], ['luajit']],
  },
  {
    name: 'r',
    aliases: ['rscript'],
    extensions: ['.R', '.r'],
    interpreters: [['Rscript']],
    inline: { before: ['-e'] },
    install: 'R (r-base-core)',
  },
  {
    name: 'julia',
    aliases: ['jl'],
    extensions: ['.jl'],
    interpreters: [['julia']],
    inline: { before: ['-e'], after: ['--'] },
  },
  { name: 'tcl', extensions: ['.tcl'], interpreters: [['tclsh'], ['tclsh8.6']] },
  { name: 'awk', extensions: ['.awk'], interpreters: [['awk', '-f']], inline: { before: ['--'] } },
  { name: 'sed', extensions: ['.sed'], interpreters: [['sed', '-f']], inline: { before: ['-e'] } },
  { name: 'make', extensions: ['.mk'], interpreters: [['make', '-f']] },
  { name: 'elixir', extensions: ['.exs'], interpreters: [['elixir']], inline: { before: ['-e'] } },
  { name: 'groovy', extensions: ['.groovy'], interpreters: [['groovy']] },
  { name: 'scheme', aliases: ['guile'], extensions: ['.scm'], interpreters: [['guile']] },
  {
    name: 'powershell',
    aliases: ['pwsh'],
    extensions: ['.ps1'],
    interpreters: [['pwsh', '-File']],
  },
  { name: 'go', extensions: ['.go'], interpreters: [['go', 'run']] },
  { name: 'java', extensions: ['.java'], interpreters: [['java']] },
  {
    name: 'jar',
    extensions: ['.jar'],
    interpreters: [['java', '-jar']],
    install: 'a Java runtime',
  },
];

/** The language of a name as given to `--lang`. */
export function languageByName(name: string): Language | undefined {
  const word = name.toLowerCase();
  return languages.find((row) => row.name === word || row.aliases?.includes(word));
}

/** The language of a file's name. */
export function languageByExtension(fileName: string): Language | undefined {
  const dot = fileName.lastIndexOf('.');
  if (dot < 0) return undefined;
  const extension = fileName.slice(dot);
  return (
    languages.find((row) => row.extensions.includes(extension)) ??
    languages.find((row) => row.extensions.includes(extension.toLowerCase()))
  );
}

/** All names that `--lang` takes. */
export function languageNames(): string[] {
  return languages.flatMap((row) => [row.name, ...(row.aliases ?? [])]);
}

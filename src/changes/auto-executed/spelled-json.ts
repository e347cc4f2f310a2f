/** Settings, tasks and servers that JSON names, as commands. JSON with comments and trailing commas, as editors read it. */
import { shellQuote } from '../../options/index.js';
import { isRecord } from '../../text/index.js';

/** Keys whose value is a directory to start in. */
const startKeys = /^(?:cwd|workingdirectory|working_directory|chdir|dir|root)$/i;

/** Keys whose value is a program, a module, or a directory of them. */
const takenKeys =
  /(?:tsdk|nodepath|node_path|path(?:\.\w+)?$|(?:bin|sdk|lsp|server|tools?|exec\w*|runtime|interpreter|python|plugin\w*|extension\w*|command|script|executable)(?:path|dir|directory|paths)?$|probelocations|javahome|java\.home|gopath|goroot|sdkpath|extrapaths|rulesdirectory|rules_dir)/i;
/** Keys that only choose what is shown or left out. */
const plainKeys = /exclude|include|ignore|associations|watcher|search\.|cspell|words/i;

const variables =
  /\$\{(?:workspaceFolder|workspaceRoot|fileWorkspaceFolder|workspacePath|CLAUDE_PROJECT_DIR|PWD)(?::[^}]*)?\}|\$CLAUDE_PROJECT_DIR|\$\{__dirname\}|\$ZED_WORKTREE_ROOT|\$PROJECT_DIR\$/g;
const maxValues = 5000;

/** Removes comments and trailing commas, outside of strings. */
const plainJson = (text: string): string =>
  text
    .replace(/"(?:[^"\\]|\\.)*"|\/\/[^\n]*|\/\*[\s\S]*?\*\//g, (part) =>
      part[0] === '"' ? part : ' ',
    )
    .replace(/"(?:[^"\\]|\\.)*"|,(?=\s*[}\]])/g, (part) => (part[0] === '"' ? part : ''));

const own = (value: string): string =>
  value.replace(variables, '.').replace(/\$\{(?:userHome|env:HOME)\}/g, '~');

class Lines {
  readonly #lines: string[] = [];
  #left = maxValues;

  get text(): string {
    return this.#lines.join('\n');
  }

  #add(...words: readonly string[]): void {
    this.#lines.push(words.join(' '));
  }

  /** The words of a list as one command: an option and its value stay side by side. */
  #list(words: readonly string[], before: readonly string[]): void {
    const all = [...before, ...words].map(own);
    this.#add(...all.map(shellQuote));
    // A program that is given a directory runs what the directory's files say.
    const [program = ''] = all;
    if (/(?:^|\/)(?:node|bun|deno|tsx|npx|ts-node|electron)$/.test(program)) {
      for (const word of all.slice(1).filter((one) => /^\.{0,2}\/?$|^\.?\.?[\w/-]+$/.test(one))) {
        const at = word.replace(/\/?$/, '/');
        this.#add(
          'source',
          ...['package.json', 'index.js', 'index.mjs', 'index.cjs'].map((name) =>
            shellQuote(`${at.startsWith('.') ? '' : './'}${at}${name}`),
          ),
        );
      }
    }
  }

  walk(value: unknown, key: string): void {
    if (--this.#left < 0) return;
    if (typeof value === 'string') this.#string(value, key);
    else if (Array.isArray(value)) this.#array(value, key);
    else if (isRecord(value)) this.#record(value, key);
  }

  #string(value: string, key: string): void {
    const text = own(value);
    if (startKeys.test(key)) this.#add('cd', shellQuote(text));
    else if (takenKeys.test(key) && !plainKeys.test(key)) {
      for (const part of text.split(':')) if (part !== '') this.#add('PATH_add', shellQuote(part));
    }
    // The text may also be a command line, or one path with spaces in it.
    this.#lines.push(text);
  }

  #array(value: readonly unknown[], key: string): void {
    const words = value.filter((one): one is string => typeof one === 'string');
    if (words.length > 0) {
      const isTaken = takenKeys.test(key) && !plainKeys.test(key);
      if (isTaken) for (const word of words) this.#add('PATH_add', shellQuote(own(word)));
      this.#list(words, []);
    }
    for (const one of value) if (typeof one !== 'string') this.walk(one, key);
  }

  #record(value: Readonly<Record<string, unknown>>, key: string): void {
    const { command, args } = value;
    const words = Array.isArray(args) ? args.filter((one) => typeof one === 'string') : [];
    if (typeof command === 'string' && words.length > 0) this.#list(words, [command]);
    for (const [name, one] of Object.entries(value)) {
      const isVariable = /^(?:env|environment)$|terminal\.integrated\.env/i.test(key);
      this.walk(one, isVariable && /PATH$/i.test(name) ? 'PATH' : name);
    }
  }
}

/** Commands, one a line; undefined for what is no JSON. */
export function jsonCommands(text: string): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(plainJson(text));
  } catch {
    return undefined;
  }
  const lines = new Lines();
  lines.walk(value, '');
  return lines.text;
}

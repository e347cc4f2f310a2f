/**
 * Options in a message, by the interface in use: `--ro PATH` on the command line, `{ ro: ['PATH'] }` in the library. Only
 * what stands in the source is read, never what a message says of a path or a program.
 */
import { spokenInterface } from '../errors/index.js';
import { type OptionEntry, runOptionTable } from './table.js';

const entries = new Map<string, OptionEntry>(
  (runOptionTable as readonly OptionEntry[]).map((entry) => [entry.name, entry]),
);

/** Words of the options that have no metavar in a message. */
const choices: Readonly<Record<string, readonly string[]>> = {
  net: ['none', 'host', 'internet'],
  home: ['empty', 'cow', 'none'],
  with: ['none'],
};

/** The marks around the number that stands for what was put into the text. */
const [open, close] = ['\u{e000}', '\u{e001}'];
const part = `${open}\\d+${close}`;
const token = new RegExp(
  `--([a-z][a-z-]*)(?:([ =])('[^']*'|(?:${part}|[A-Za-z0-9_:./~[\\]@=*-])*(?:${part}|[A-Za-z0-9_\\]*])))?`,
  'g',
);
/** The rest of a line is a command, as it is typed at a shell. */
const command = /wasbox [a-z]/;
const onlyOptions = new RegExp(
  `wasbox (?:run )?((?:--[a-z-]+(?: (?:${part}|'[^']*'|[^\\s-][^\\s]*))?,? ?)+)…`,
  'g',
);

/** Returns whether a word is the value of an option, not a word of the sentence. */
const isValue = ({ name, kind }: OptionEntry, word: string): boolean =>
  kind !== 'flag' &&
  (/^[A-Z0-9'[]|[:/=]/.test(word) ||
    word.includes(open) ||
    (choices[name] ?? entries.get(name)?.choices ?? []).includes(word));

type Values = readonly unknown[];

const whole = new RegExp(`^${open}(\\d+)${close}$`);

/** A value as JavaScript has it; what was put in may be quoted already, for a shell. */
function literal({ kind, repeatable }: OptionEntry, word: string, values: Values): string {
  const isNumber = kind === 'integer' && /^\d+$/.test(word);
  const put = whole.exec(word)?.[1];
  const text = put === undefined ? word : String(values[Number(put)]);
  const isQuoted = /^['"]/.test(text);
  const quoted = isNumber || isQuoted ? word : text.includes("'") ? `"${word}"` : `'${word}'`;
  if (kind === 'variable') {
    const [name = '', value = 'VALUE'] = word.split('=');
    return `{ ${name}: ${word.includes('=') ? `'${value}'` : 'true'} }`;
  }
  return repeatable === true ? `[${quoted}]` : quoted;
}

const asProperty =
  (values: Values) =>
  (found: string, name: string, space = '', word = ''): string => {
    const entry = entries.get(name);
    if (entry === undefined || entry.scope === 'cli') return found;
    const value =
      entry.kind === 'flag' ? (entry.value === undefined ? 'true' : `'${entry.value}'`) : '';
    if (value !== '') return `{ ${entry.property}: ${value} }${space}${word}`;
    if (word === '' || !isValue(entry, word)) return `${entry.property}${space}${word}`;
    return `{ ${entry.property}: ${literal(entry, word, values)} }`;
  };

function inLibrary(text: string, values: Values): string {
  return text
    .split('\n')
    .map((line) => {
      const plain = line.replace(onlyOptions, '$1').replace(/ +$/, '');
      const at = plain.search(command);
      const [said, typed] = at < 0 ? [plain, ''] : [plain.slice(0, at), plain.slice(at)];
      return said.replace(token, asProperty(values)) + typed;
    })
    .join('\n');
}

/** An agent cannot give options: the user starts its server with them. */
const overMcp = (text: string): string =>
  text.replace(/wasbox run(?= (?:--|\u2026))/g, 'wasbox mcp');

/** An option that a message begins with, such as `--ro`. */
export function spokenOption(option: string): string {
  const entry = entries.get(option.slice(2));
  const isProperty = spokenInterface() === 'library' && entry?.scope === 'sandbox';
  return isProperty ? entry.property : option;
}

/** A tag: options in the literal parts are named as the interface in use names them. */
export function spoken(literals: TemplateStringsArray, ...values: readonly unknown[]): string {
  const who = spokenInterface();
  const put = (text: string): string =>
    text.replace(new RegExp(`${open}(\\d+)${close}`, 'g'), (_, index) => String(values[index]));
  const text = literals.reduce((all, one, i) => `${all}${open}${i - 1}${close}${one}`);
  if (who === 'command') return put(text);
  return put(who === 'library' ? inLibrary(text, values) : overMcp(text));
}

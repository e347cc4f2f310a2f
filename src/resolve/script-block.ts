/** The `# /// script` block of a Python script (PEP 723): text of the script's own, of which only names are taken. */
import { parse } from 'smol-toml';
import { isPackageWord } from './package-words.js';

export interface ScriptBlock {
  /** Packages that `--with` takes. */
  readonly packages: readonly string[];
  /** Others that it names. */
  readonly others: readonly string[];
  /** `>=3.12`. */
  readonly python: string | undefined;
}

const blockForm = /^# \/\/\/ script[ \t]*\r?\n((?:#(?: .*)?\r?\n)+?)# \/\/\/[ \t]*$/m;

/** Reads the block; undefined where there is none; `invalid` where it is no TOML of that form. */
export function scriptBlock(text: string): ScriptBlock | 'invalid' | undefined {
  const lines = blockForm.exec(text)?.[1];
  if (lines === undefined) return undefined;
  try {
    const table = parse(lines.replace(/^# ?/gm, '').replaceAll('\r', ''));
    const { dependencies = [], 'requires-python': python } = table;
    if (!Array.isArray(dependencies) || !dependencies.every((one) => typeof one === 'string'))
      return 'invalid';
    if (python !== undefined && typeof python !== 'string') return 'invalid';
    const words = (dependencies as string[]).map((one) => one.replace(/\s+/g, ''));
    const isWord = (word: string): boolean => isPackageWord('python', word);
    return {
      packages: words.filter(isWord),
      others: words.filter((word) => !isWord(word)),
      python,
    };
  } catch {
    return 'invalid';
  }
}

/** Returns whether a version `3.N` fits a specifier such as `>=3.11,<4`, as far as its first two numbers tell. */
export function fitsPython(version: string, specifier: string): boolean {
  const numbers = (text: string): number[] => text.split('.').slice(0, 2).map(Number);
  const [major = 0, minor = 0] = numbers(version);
  return specifier.split(',').every((part) => {
    const [, operator = '', wanted = ''] =
      /^\s*(==|!=|<=|>=|~=|<|>)\s*(\d+(?:\.\d+)?)/.exec(part) ?? [];
    if (operator === '') return true;
    const [a = 0, b] = numbers(wanted);
    const order = major - a || (b === undefined ? 0 : minor - b);
    const isLonger = /\d+\.\d+\.\d/.test(part); // what the third number says is not known
    switch (operator) {
      case '>=':
      case '~=':
        return order >= 0;
      case '>':
        return isLonger || b === undefined ? order >= 0 : order > 0;
      case '<':
        return isLonger ? order <= 0 : order < 0;
      case '<=':
        return order <= 0;
      case '==':
        return order === 0;
      default:
        return isLonger || order !== 0;
    }
  });
}

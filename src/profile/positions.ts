/** Where a key is in a TOML file, for messages; the parser keeps no positions. */

const unquoted = (name: string): string => name.trim().replace(/^(["'])(.*)\1$/, '$2');

/** Empty lines that move the text of a key to its position in the file. */
export function linesBefore(text: string, key: string): string {
  const place = placeOfKey(text, key);
  if (place === undefined) return '';
  const below = /('''|""")\s*$/.test(text.split('\n')[place - 1] ?? '');
  return '\n'.repeat(below ? place : place - 1);
}

/** Returns the line of an item in a key's list, which may go on for lines; of the key where the item is not found. */
export function placeOfItem(text: string, key: string, item: unknown): number | undefined {
  const place = placeOfKey(text, key);
  if (place === undefined || typeof item !== 'string') return place;
  const lines = text.split('\n').slice(place - 1);
  const end = lines.findIndex((line, i) => i > 0 && /^\s*(\[|[\w.-]+\s*=)/.test(line));
  const found = lines
    .slice(0, end < 0 ? undefined : end)
    .findIndex((line) => line.includes(JSON.stringify(item)) || line.includes(`'${item}'`));
  return found < 0 ? place : place + found;
}

/**
 * `line` of a dotted key, counted from 1; undefined where it is written in a way that is not looked
 * for (an inline table, a dotted key with blanks).
 */
export function placeOfKey(text: string, key: string): number | undefined {
  let table = '';
  let inText: string | undefined;
  for (const [i, line] of text.split('\n').entries()) {
    if (inText !== undefined) {
      if (line.includes(inText)) inText = undefined;
      continue;
    }
    const header = /^\s*\[([^[\]]+)\]/.exec(line)?.[1];
    if (header !== undefined) {
      table = `${unquoted(header)}.`;
      if (unquoted(header) === key) return i + 1;
      continue;
    }
    const [, name, value = ''] = /^\s*([\w.-]+|"[^"]*"|'[^']*')\s*=\s*(.*)$/.exec(line) ?? [];
    if (name !== undefined && table + unquoted(name) === key) return i + 1;
    const quotes = /^('''|""")/.exec(value)?.[1];
    if (quotes !== undefined && !value.slice(3).includes(quotes)) inText = quotes;
  }
  return undefined;
}

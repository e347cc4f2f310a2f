// Reads what a declaration file exports, with the TSDoc above each name. It knows the form that tsc
// writes (one declaration after the other, comments directly above) and fails where it meets another.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** `/** … *​/` → its text and its block tags. */
export function readComment(source) {
  const text = source
    .replace(/^\/\*\*|\*\/$/g, '')
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, ''))
    .join('\n')
    .trim();
  const [head = '', ...blocks] = text.split(/^@(?=[a-z])/m);
  return {
    text: head.trim(),
    tags: blocks.map((block) => {
      const [, name = '', rest = ''] = /^([a-zA-Z]+)\s*([\s\S]*)$/.exec(block) ?? [];
      return { name, text: rest.trim() };
    }),
  };
}

/** Where the statement that begins at `at` ends: after its block, or after its semicolon. */
function endOf(source, at) {
  let depth = 0;
  for (let i = at; i < source.length; i++) {
    const char = source[i];
    if (source.startsWith('/*', i)) {
      i = source.indexOf('*/', i) + 1;
    } else if (source.startsWith('//', i)) {
      i = source.indexOf('\n', i);
    } else if (char === "'" || char === '"' || char === '`') {
      i = source.indexOf(char, i + 1);
    } else if ('{([<'.includes(char)) {
      depth++;
    } else if ('})]'.includes(char) || (char === '>' && source[i - 1] !== '=')) {
      depth--;
      const block = /^(?:export )?(?:declare )?(?:abstract )?(?:interface|class|enum)/;
      if (depth === 0 && char === '}' && block.test(source.slice(at, at + 60))) return i + 1;
    } else if (char === ';' && depth === 0) {
      return i + 1;
    }
  }
  throw new Error(`a declaration has no end: ${source.slice(at, at + 80)}`);
}

const head =
  /^(?:export )?(?:declare )?(?:abstract )?(interface|class|function|const|type|enum) ([A-Za-z_$][\w$]*)/;

/** Declarations of one file by name; overloads stay together. */
function declarationsOf(file) {
  const source = readFileSync(file, 'utf8');
  const found = new Map();
  const imported = new Map();
  const start =
    /^(?:(\/\*\*[\s\S]*?\*\/)\s*\n)?(?=(?:export |declare |type |interface |const |import ))/gm;
  for (let match = start.exec(source); match !== null; match = start.exec(source)) {
    const at = match.index + match[0].length;
    const end = endOf(source, at);
    const text = source.slice(at, end);
    start.lastIndex = end;
    const list = /^(?:import|export) (?:type )?\{([^}]*)\} from '([^']+)'/.exec(text);
    const all = /^export (?:type )?\* from '([^']+)'/.exec(text);
    if (list !== null) {
      for (const part of list[1].split(',').map((one) => one.trim().replace(/^type /, ''))) {
        if (part === '') continue;
        const [name, alias = name] = part.split(' as ');
        imported.set(alias, { from: list[2], name, exported: text.startsWith('export') });
      }
    } else if (all !== null) {
      imported.set(`* ${all[1]}`, { from: all[1], name: '*', exported: true });
    } else {
      const [, kind, name] = head.exec(text) ?? [];
      if (name === undefined) continue;
      const before = found.get(name);
      const comment = match[1] === undefined ? before?.comment : readComment(match[1]);
      const clean = text.replace(/^export /, '').replace(/^declare /, '');
      found.set(name, {
        name,
        kind,
        comment,
        text: before === undefined ? clean : `${before.text}\n${clean}`,
      });
    }
  }
  return { found, imported };
}

const resolve = (file, from) => join(dirname(file), from.replace(/\.js$/, '.d.ts'));

/** The declaration under the name that it is exported by. */
function named(one, name) {
  if (one.name === name) return one;
  const own = new RegExp(`^(\\w+(?: \\w+)*) ${one.name}\\b`, 'gm');
  return { ...one, name, text: one.text.replace(own, `$1 ${name}`) };
}

function lookUp(file, name) {
  const { found, imported } = declarationsOf(file);
  const own = found.get(name);
  if (own !== undefined) return own;
  const other = imported.get(name);
  if (other === undefined) throw new Error(`${file} does not export ${name}`);
  return named(lookUp(resolve(file, other.from), other.name), name);
}

/**
 * Returns what an entry exports, in its order.
 * @param {string} entry path of a declaration file
 * @returns {{ name: string, kind: string, text: string, comment?: ReturnType<typeof readComment> }[]}
 */
export function readDeclarations(entry) {
  const { found, imported } = declarationsOf(entry);
  return [
    ...found.values(),
    ...[...imported].flatMap(([alias, { from, name, exported }]) => {
      if (!exported) return [];
      const file = resolve(entry, from);
      return name === '*' ? readDeclarations(file) : [named(lookUp(file, name), alias)];
    }),
  ];
}

/**
 * Reads the prototypes of the system calls from the SYSCALL_DEFINE lines of the kernel's source,
 * and says which one an architecture uses.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const DEFINE = /^[ \t]*((?:COMPAT_|PPC32_)?SYSCALL(?:32)?_DEFINE)([0-6])\s*\(/gm;

function* sourceFiles(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* sourceFiles(path);
    else if (entry.name.endsWith('.c')) yield path;
  }
}

/** Splits `a, b(c, d)` at the commas that are outside parentheses. */
function splitArguments(text) {
  const parts = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '(') depth++;
    else if (text[i] === ')') depth--;
    else if (text[i] === ',' && depth === 0) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  parts.push(text.slice(start));
  return parts.map((part) => part.replace(/\s+/g, ' ').trim());
}

/** The text between the parenthesis at `open` and its partner. */
function parenthesised(text, open) {
  let depth = 0;
  for (let i = open; i < text.length; i++) {
    if (text[i] === '(') depth++;
    else if (text[i] === ')' && --depth === 0) return text.slice(open + 1, i);
  }
  throw new Error('unbalanced parenthesis in a SYSCALL_DEFINE');
}

/** Conditions (`#if` …) that hold at each line; `#else` and `#elif` negate what came before. */
function conditionsByLine(text) {
  const stack = [];
  return text.split('\n').map((line) => {
    const [, word, rest = ''] = /^\s*#\s*(ifdef|ifndef|if|elif|else|endif)\b(.*)/.exec(line) ?? [];
    const condition = rest.replace(/\/\*.*?\*\/|\/\/.*/g, '').trim();
    const top = stack.at(-1);
    if (word === 'ifdef') stack.push([`defined(${condition})`]);
    else if (word === 'ifndef') stack.push([`!defined(${condition})`]);
    else if (word === 'if') stack.push([condition]);
    else if (word === 'elif' || word === 'else') {
      top[top.length - 1] = `!(${top.at(-1)})`;
      if (word === 'elif') top.push(condition);
    } else if (word === 'endif') stack.pop();
    return stack.flat();
  });
}

function parseParameters(text) {
  const expanded = text.replace(
    /\b(?:compat_arg_u64_dual|arg_u32p|SC_ARG64)\s*\(\s*(\w+)\s*\)/g,
    'u32, $1_lo, u32, $1_hi',
  );
  const parts = splitArguments(expanded);
  const parameters = [];
  for (let i = 0; i + 1 < parts.length; i += 2)
    parameters.push({ type: parts[i], name: parts[i + 1] });
  return parameters;
}

/**
 * Every definition in the kernel's source.
 *
 * @returns a map from the entry point (`sys_read`, `compat_sys_open`) to its definitions, each
 *   `{ path, conditions, parameters: [{ type, name }] }`
 */
export function readDefinitions(source) {
  const definitions = new Map();
  for (const path of sourceFiles(source)) {
    const text = readFileSync(path, 'utf8');
    if (!text.includes('SYSCALL')) continue;
    let conditions;
    for (const match of text.matchAll(DEFINE)) {
      const line = text.slice(0, match.index).split('\n').length - 1;
      if (/^\s*#/.test(text.split('\n')[line])) continue;
      conditions ??= conditionsByLine(text);
      const inside = parenthesised(text, match.index + match[0].length - 1);
      const comma = inside.indexOf(',');
      const name = (comma < 0 ? inside : inside.slice(0, comma)).trim();
      const compat = match[1] !== 'SYSCALL_DEFINE';
      const entry = `${compat ? 'compat_sys_' : 'sys_'}${name}`;
      const parameters = comma < 0 ? [] : parseParameters(inside.slice(comma + 1));
      if (parameters.length !== Number(match[2]) && !/\b(arg|SC)_\w*\(/.test(inside)) {
        if (!/u64_dual|arg_u32p|SC_ARG64/.test(inside))
          throw new Error(`${path}: ${entry} has ${parameters.length} parameters`);
      }
      const list = definitions.get(entry) ?? [];
      list.push({ path: relative(source, path), conditions: conditions[line], parameters });
      definitions.set(entry, list);
    }
  }
  return definitions;
}

/** The preprocessor's value of one condition; unlisted macros count as set. */
function holds(condition, known) {
  const value = (name) => known[name] ?? (/^(CONFIG|__ARCH_WANT)/.test(name) ? 1 : 0);
  const expression = condition
    .replace(/\bdefined\s*\(\s*(\w+)\s*\)|\bdefined\s+(\w+)/g, (_, a, b) => ` ${value(a ?? b)} `)
    .replace(/\bIS_ENABLED\s*\(\s*(\w+)\s*\)/g, (_, a) => ` ${value(a)} `)
    .replace(/\b[A-Za-z_]\w*\b/g, (name) => ` ${value(name)} `);
  if (!/^[\d\s()!&|=<>+-]*$/.test(expression)) return true;
  return Boolean(Function(`return (${expression})`)());
}

/**
 * Configuration of a kernel for this architecture, as far as a prototype depends on it. `bits` is
 * the kernel's own width: 64 also for the compat entries of a 32-bit architecture.
 */
function configuration(architecture, bits) {
  return {
    CONFIG_64BIT: Number(bits === 64),
    CONFIG_CLONE_BACKWARDS: Number(architecture.clone === 1),
    CONFIG_CLONE_BACKWARDS2: Number(architecture.clone === 2),
    CONFIG_CLONE_BACKWARDS3: 0,
    CONFIG_CPU_BIG_ENDIAN: 0,
    CONFIG_X86_32: 0,
    CONFIG_PPC32: 0,
    CONFIG_ODD_RT_SIGACTION: 0,
    CONFIG_ARCH_SPLIT_ARG64: 0,
    BITS_PER_LONG: bits,
  };
}

/** The definition of `entry` that a kernel for this architecture contains. */
function definitionFor(definitions, entry, architecture, bits) {
  const known = configuration(architecture, bits);
  const usable = (definitions.get(entry) ?? []).filter(({ path, conditions }) => {
    const [, folder] = /^arch\/(\w+)\//.exec(path) ?? [];
    if (folder !== undefined && folder !== architecture.folder) return false;
    return conditions.every((condition) => holds(condition, known));
  });
  const own = usable.find(({ path }) => path.startsWith(`arch/${architecture.folder}/`));
  return own ?? usable[0];
}

/** Entry points that are spelled unlike their definition. */
const SPELLINGS = [
  [/^__sys_/, 'sys_'],
  [/^sysm_/, 'sys_'],
  [/_wrapper$/, ''],
  [/^sys_ia32_/, 'compat_sys_ia32_'],
  [/^compat_sys_ia32_/, 'sys_ia32_'],
  [/^compat_sys_/, 'sys_'],
];

/**
 * The parameters of an entry point on an architecture.
 *
 * A call that this architecture only reserves a number for is described by whichever architecture
 * implements it.
 *
 * @returns undefined where the kernel has no such function (sys_ni_syscall), or where it is
 *   written in assembler
 */
export function parametersOf(definitions, entry, architecture, bits) {
  const names = [entry];
  for (const [from, to] of SPELLINGS) if (from.test(entry)) names.push(entry.replace(from, to));
  for (const name of names) {
    const definition = definitionFor(definitions, name, architecture, bits);
    if (definition !== undefined) return definition.parameters;
  }
  for (const name of names) {
    const elsewhere = definitions.get(name)?.find(({ path }) => path.startsWith('arch/'));
    if (elsewhere !== undefined) return elsewhere.parameters;
  }
  return undefined;
}

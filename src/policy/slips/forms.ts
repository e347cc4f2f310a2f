/**
 * Lists forms that people write who know another tool's policies, and how the policy language has it. Each form
 * is tried at the place of an error only, so it never changes what a policy means.
 */
import { usualArchitecture } from '../architecture-names.js';
import { argumentFor, argumentNames, isCall } from './names.js';

export interface Form {
  /** The text at the place of the error; `d` gives the places of its parts. */
  readonly pattern: RegExp;
  /** Returns what stands there instead; undefined: it is something else after all. */
  readonly instead?: (match: RegExpExecArray) => string | undefined;
  /** The text to say, before the corrected line where there is one. */
  readonly say?: string;
}

/** `socket(AF_UNIX, _)`: the values as conditions, by the names of the arguments. */
function called(call: string, list: string): string | undefined {
  if (!isCall(call)) return undefined;
  const names = argumentNames(call);
  const values = list.split(',').map((value) => value.trim());
  if (values.length > names.length && list.trim() !== '') return undefined;
  const tests = values.flatMap((value, at) =>
    /^(?:|_|\*|\.\.\.|any)$/.test(value) ? [] : [`${names[at]} == ${value}`],
  );
  return tests.length === 0 ? call : `${call} where ${tests.join(' and ')}`;
}

const actions = 'allow|deny|log|notify|trap|kill|kill_thread|kill_process|errno|trace';

const otherWords: Readonly<Record<string, string>> = {
  permit: 'allow',
  accept: 'allow',
  pass: 'allow',
  whitelist: 'allow',
  allowlist: 'allow',
  block: 'deny',
  reject: 'deny',
  refuse: 'deny',
  forbid: 'deny',
  disallow: 'deny',
  drop: 'deny',
  blacklist: 'deny',
  denylist: 'deny',
};

const kernelWords: Readonly<Record<string, string>> = {
  ALLOW: 'allow',
  ERRNO: 'deny',
  LOG: 'log',
  NOTIFY: 'notify',
  USER_NOTIF: 'notify',
  TRACE: 'trace(0)',
  TRAP: 'trap',
  KILL: 'kill_thread',
  KILL_THREAD: 'kill_thread',
  KILL_PROCESS: 'kill_process',
};

const comparisons: Readonly<Record<string, string>> = {
  is: '==',
  equals: '==',
  eq: '==',
  'is not': '!=',
  ne: '!=',
  has: '&',
  includes: '&',
  contains: '&',
};

const imported = (what: string, from: string) =>
  `This looks like ${what}. To read it: wasbox policy import --from ${from} FILE`;

/** Files of other tools, known by how they begin. */
const foreign: readonly Form[] = [
  { pattern: /^\s*(?:\{|\[(?![A-Z]))/, say: imported('JSON, as Docker has it', 'oci') },
  { pattern: /^\s*(?:apiVersion|kind|spec)\s*:/, say: imported('a SeccompProfile', 'spo') },
  {
    pattern: /^\s*(?:POLICY\b|USE\b|(?:ALLOW|DENY|KILL|LOG|ERRNO\s*\(\s*\w+\s*\))\s*\{)/,
    say: imported("kafel's format", 'kafel'),
  },
  {
    pattern: /^\s*(?:SystemCall\w+\s*=|\[[A-Z]\w+\])/,
    say: imported("systemd's format", 'systemd'),
  },
  { pattern: /^\s*seccomp(?:\.\w+|\s)/, say: imported("firejail's format", 'firejail') },
  {
    pattern: /^\s*(?:\{[\w, ]+\}|[a-z]\w+)\s*:\s*(?:1\s*$|allow|return|kill|trap|arg\d)/,
    say: imported("minijail's format", 'minijail'),
  },
];

/** Statements and rules as a whole. */
const statements: readonly Form[] = [
  {
    pattern: /\/\*\s*(.*?)\s*(?:\*\/|$)|\/\/\s*(.*)$/,
    instead: ([, block, line]) => `# ${block ?? line}`,
    say: 'A comment begins with #.',
  },
  { pattern: /\s*;\s*$/, instead: () => '', say: 'A rule ends with its line.' },
  {
    pattern: /^(\s*(?:default|unknown|foreign|target|include)\b)\s*[:=]\s*/,
    instead: ([, word]) => `${word} `,
  },
  {
    pattern: /^(\s*include\s+)<?([\w./-]+)>?\s*$/,
    instead: ([, head, file]) => `${head}"${file}"`,
  },
  { pattern: /\bkernel\s*(?:=|==|>)?\s*(\d+\.\d+)/, instead: ([, v]) => `kernel >= ${v}` },
  {
    pattern: /\b(?:deny|errno|block)\s+(E[A-Z0-9]+)\b/,
    instead: ([, name]) => `deny(${name})`,
  },
  { pattern: /\((?:errno\s*)?-(E[A-Z]+|\d+)\)/, instead: ([, name]) => `(${name})` },
  {
    pattern: /\b(?:SCMP_ACT|SECCOMP_RET)_([A-Z_]+)/,
    instead: ([, name = '']) => (Object.hasOwn(kernelWords, name) ? kernelWords[name] : undefined),
  },
  {
    pattern: /^(\s*)([A-Za-z]\w*)\b/,
    instead: ([, indent, word = '']) =>
      Object.hasOwn(otherWords, word.toLowerCase())
        ? `${indent}${otherWords[word.toLowerCase()]}`
        : undefined,
  },
  {
    pattern: new RegExp(`^(\\s*(?:${actions})(?:\\([^)]*\\))?)\\s*:\\s*`),
    instead: ([, head]) => `${head} `,
  },
  { pattern: /\s*:\s*$/, instead: () => '' },
  {
    pattern: /^(\s*)(allow|deny|kill\w*|log|trap)\s+(?:\*|(?:all|any|everything|others?)\b.*)$/,
    instead: ([, indent, action]) => `${indent}default ${action}`,
  },
  {
    pattern: /^(\s*)allow\s+(?:[!~]|not\s+)\s*/,
    instead: ([, indent]) => `${indent}deny `,
    say: 'What a rule leaves out is written as a rule of its own, above.',
  },
  {
    pattern: /^(\s*default\s+\w+(?:\([^)]*\))?)\s+(?=[@a-z])[\w@, -]+$/,
    instead: ([, head]) => head,
    say: 'The default is for all calls without a rule, so it names none.',
  },
  {
    pattern: /^(\s*)(@?[a-z][\w-]*)(?=[\s,]|$)/,
    instead: ([, indent, word = '']) =>
      word.startsWith('@') || isCall(word) ? `${indent}allow ${word}` : undefined,
    say: 'A rule begins with its action.',
  },
];

/** Names of calls and architectures. */
const names: readonly Form[] = [
  {
    pattern: /\b(?:sys_|SYS_|__NR_|NR_)(\w+)/,
    instead: ([, call = '']) => (isCall(call) ? call : undefined),
  },
  {
    pattern: /[\w-]+/,
    instead: ([word]) => usualArchitecture(word),
  },
  {
    pattern: /\b([a-z_]\w+)\s*\(([^()]*)\)/,
    instead: ([, call = '', list = '']) => called(call, list),
  },
  { pattern: /(?:\s*,)?\s+and\s+(?=@?[a-z])/, instead: () => ' ' },
  { pattern: /[[{]\s*([a-z@][\w@,\s-]*?)\s*[\]}]/, instead: ([, list]) => list },
];

/** Conditions. */
const conditions: readonly Form[] = [
  {
    pattern: /\s(?:if|with|when)\s+(?!kernel)(\w+\s*(?=[=!<>&]|in\b|not\b))/,
    instead: ([, test]) => ` where ${test}`,
  },
  {
    pattern: /(\w+)\s*==\s*([^\s,]+)\s+(?:or|\|\|)\s+(?:(\w+)\s*==\s*)?([^\s,]+)\s*$/,
    instead: ([, arg, a, other, b]) =>
      other === undefined || other === arg ? `${arg} in [${a}, ${b}]` : undefined,
  },
  {
    pattern: /^\s*\S+ [^#]*?where .*?\s+(?:or|\|\|)\s/,
    say: 'Write a rule for each of the two conditions.',
  },
  {
    pattern: /(\w+)\s*==\s*(\w+(?:\s*,\s*\w+)+)\s*$/,
    instead: ([, arg, list]) => `${arg} in [${list}]`,
  },
  {
    pattern: /\bin\s*[({]([^()[\]{}]*)[)}]/,
    instead: ([, list]) => `in [${list}]`,
  },
  { pattern: /(?<![=!<>])=(?!=)/, instead: () => '==' },
  {
    pattern: /\b(is not|is|equals|eq|ne|has|includes|contains)\b/,
    instead: ([word]) => comparisons[word],
  },
  {
    pattern: /(?:\bnot\s+|!\s*)\(?\s*(\w+)\s*(==|in\b|&)\s*([^()]*?)\)?\s*$/,
    instead: ([, arg, op, value]) =>
      op === '=='
        ? `${arg} != ${value}`
        : op === '&'
          ? `${arg} & ${value} == 0`
          : `${arg} not in ${value}`,
  },
  { pattern: /\b(?:args?\[([0-5])\]|a([0-5])\b)/, instead: ([, a, b]) => `arg${a ?? b}` },
  { pattern: /"([A-Z][A-Z0-9_]*)"/, instead: ([, name]) => name },
  {
    pattern: /"[^"]*"/,
    say: 'A filter cannot read memory, so it never sees a path or a text. What files a program reaches is for --ro, --rw and --hide.',
  },
  {
    pattern: /\b(allow|deny|log|kill\w*)\s+([a-z]\w*)\s+where\s+([A-Z][A-Z0-9_]*)\s*$/,
    instead: ([, action, call = '', name = '']) => {
      const argument = argumentFor(call, name);
      return argument === undefined ? undefined : `${action} ${call} where ${argument} == ${name}`;
    },
  },
];

export const forms: readonly Form[] = [...foreign, ...statements, ...names, ...conditions];

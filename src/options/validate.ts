/** The library's options, checked against the option table as strictly as a command line. */
import { meansNoLimit, noLimitInLibrary, UsageError } from '../errors/index.js';
import { isRecord } from '../text/index.js';
import { foreignOption } from './foreign-options.js';
import { suggest } from './suggest.js';
import { type OptionEntry, runOptionTable } from './table.js';
import { readValue } from './values.js';

const table: readonly OptionEntry[] = runOptionTable;
/** Properties that are not options of the command line. */
const ownProperties = ['command', 'args'];
/** Properties of `spawn` and `run`, which say how to talk to the sandbox; checked there. */
export const callProperties: readonly string[] = [
  'signal',
  'stdio',
  'input',
  'maxOutputBytes',
  'onStdout',
  'onStderr',
  'all',
  'ask',
  'askTimeoutMs',
  'onPort',
];

/** How a wrong value is told where it is not an option of the library's sandbox. */
interface Told {
  /** @default the property */
  readonly shown: string;
  /** Says what to write for no limit. */
  readonly none: string;
}

/** @throws UsageError for a value that the types would not allow */
export function validateRunOptions(options: object, told?: Told): void {
  for (const [property, value] of Object.entries(options)) {
    if (value === undefined || callProperties.includes(property)) continue;
    if (property === 'command' || property === 'args') {
      checkOperand(property, value);
      continue;
    }
    const rows = table.filter((row) => row.property === property);
    if (rows.length === 0) throw unknownProperty(property);
    if (property === 'changes') {
      checkChanges(value);
      continue;
    }
    if (!rows.some((row) => isValue(row, value))) throw wrongValue(property, rows, value, told);
  }
}

function wrongValue(
  property: string,
  rows: readonly OptionEntry[],
  value: unknown,
  told: Told | undefined,
): UsageError {
  const [row] = rows;
  const entry = row && wrongEntry(row, value);
  const [where, given] = entry ?? ['', value];
  const form = row && entry ? expectedEntry(row) : expected(rows);
  const nul = typeof given === 'string' && given.includes('\0') ? ', without NUL' : '';
  // An array of several needs more than what is right for one entry.
  const isOfSeveral = Array.isArray(value) && value.length > 1 && entry !== undefined;
  const write = row === undefined || nul !== '' || isOfSeveral ? undefined : meantValue(row, given);
  const isNone = row?.unlimited === true && meansNoLimit(given);
  const none = isNone ? ` ${told?.none ?? noLimitInLibrary(property)}` : '';
  return new UsageError(
    'ERR_OPTION_VALUE',
    `${told?.shown ?? `option ${property}`}${where}: ${form}${nul}`,
    {
      hint: `Got ${describeValue(given)}.${write === undefined ? '' : ` Write { ${property}: ${write} }`}${none}`,
    },
  );
}

/** Returns where in an object or array a wrong entry stands, and that entry; undefined where the value itself is wrong. */
function wrongEntry(
  row: OptionEntry,
  value: unknown,
): readonly [where: string, entry: unknown] | undefined {
  if (row.kind === 'variable' && isRecord(value)) {
    const isWrong = (one: unknown): boolean => one !== undefined && one !== true && !isText(one);
    const wrong = Object.entries(value).find(([, one]) => isWrong(one));
    return wrong && [`.${wrong[0]}`, wrong[1]];
  }
  const isList = row.repeatable === true || row.kind === 'network';
  if (!isList || !Array.isArray(value)) return undefined;
  const at = value.findIndex((one) => (row.kind === 'network' ? !isText(one) : !isOne(row, one)));
  return at < 0 ? undefined : [`[${at}]`, value[at]];
}

/** Returns the value that was probably meant, as JavaScript has it; undefined where that cannot be told. */
function meantValue(row: OptionEntry, given: unknown): string | undefined {
  const isPlain = typeof given === 'string' || typeof given === 'number';
  switch (row.kind) {
    case 'variable':
      return "{ NAME: 'VALUE' }";
    case 'network':
      return given === true ? "'internet'" : given === false ? "'none'" : "'example.com:443'";
    case 'choice':
      return nearest(row, given);
    case 'integer':
    case 'duration':
    case 'size':
      return meantNumber(row, given);
    default:
  }
  if (row.repeatable === true && isPlain && given !== '') return `[${quoted(String(given))}]`;
  const isList =
    row.kind === 'text' && !row.repeatable && Array.isArray(given) && given.every(isText);
  return isList && given.length > 0
    ? quoted(given.filter((one) => one !== '').join(','))
    : undefined;
}

function nearest({ choices = [] }: OptionEntry, given: unknown): string | undefined {
  const near = suggest(String(given), choices);
  return near === undefined ? undefined : quoted(near);
}

const quoted = (text: string): string =>
  text.includes("'") ? JSON.stringify(text.slice(0, 100)) : `'${text.slice(0, 100)}'`;

/** Reads a number that was given as the command line has it: `512M`, `30s`. */
function meantNumber(row: OptionEntry, given: unknown): string | undefined {
  if (typeof given !== 'string') return undefined;
  try {
    const read = readValue(row, row.property, given);
    return typeof read === 'number' ? String(read) : undefined;
  } catch {
    return undefined; // no form of a number
  }
}

function checkOperand(property: string, value: unknown): void {
  const good = property === 'command' ? isText(value) : Array.isArray(value) && value.every(isText);
  if (good) return;
  const form = property === 'command' ? 'a string' : 'an array of strings';
  throw new UsageError('ERR_OPTION_VALUE', `option ${property}: expected ${form} without NUL`, {
    hint: `Got ${describeValue(value)}.`,
  });
}

function checkChanges(value: unknown): void {
  const words = ['keep', 'apply', 'discard'];
  if (words.includes(value as string)) return;
  if (isRecord(value)) {
    const { success, failure, ...others } = value;
    const known =
      words.includes(success as string) && ['keep', 'discard'].includes(failure as string);
    if (known && Object.keys(others).length === 0) return;
  }
  throw new UsageError('ERR_OPTION_VALUE', 'option changes: expected keep, apply or discard', {
    hint: "By how the run ends: { success: 'apply', failure: 'keep' }.",
  });
}

/** A value as a message shows it: short, and only what kind it is where it may be long. */
export function describeValue(value: unknown): string {
  if (value === null || typeof value === 'number' || typeof value === 'boolean')
    return String(value);
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'string'
    ? JSON.stringify(value.slice(0, 100))
    : typeof value === 'object'
      ? 'an object'
      : `a value of type ${typeof value}`;
}

const files =
  'ro: [PATH] mounts a path read-only, rw: [PATH] mounts it writable, cow: [PATH] saves its changes for review.';

const gpu = foreignOption('gpu') ?? '';
const display =
  "A sandbox has no display: the host's would let it read what you type. For an invisible one: command: 'xvfb-run', args: ['-a', COMMAND].";

/** Options of `child_process`, execa and other sandboxes, and what does the same here. */
const foreign: Readonly<Record<string, string>> = {
  cwd: 'workdir is the directory that the program sees and works in; chdir is where in it the program starts.',
  shell: "No shell is started for a command. For a shell's code: { code: 'make | tail' }.",
  maxBuffer: 'Did you mean maxOutputBytes?',
  memory: 'Did you mean memoryBytes?',
  memoryLimit: 'Did you mean memoryBytes?',
  processes: 'Did you mean pids?',
  maxProcesses: 'Did you mean pids?',
  timeLimit: 'Did you mean timeoutMs?',
  packages: 'Did you mean with?',
  gpu,
  gpus: gpu,
  device: gpu,
  devices: gpu,
  display,
  x11: display,
  browser:
    'Leave it out: a browser that is installed runs with its own sandbox turned off, and net for its hosts.',
  publishPort: 'Did you mean publish?',
  ports: 'Did you mean publish?',
  stdin: 'run() takes input; spawn() has a stream stdin.',
  encoding: 'stdout is text, stdoutBytes has the bytes.',
  killSignal: 'timeoutMs sends SIGTERM, and SIGKILL after graceMs.',
  network:
    "Did you mean net? net: 'internet' allows the internet, net: ['example.org:443'] one host.",
  language: 'Did you mean lang?',
  environment: 'Did you mean env?',
  readOnly: files,
  mounts: files,
  volumes: files,
  keep: "Did you mean changes: 'keep'?",
  concurrency:
    'run() queues calls by itself; setMaxConcurrency() sets how many run at once. A pool has size and maxRunning.',
};

function unknownProperty(property: string): UsageError {
  if (Object.hasOwn(foreign, property)) {
    return new UsageError('ERR_OPTION_UNKNOWN', `unknown option ${property}`, {
      hint: foreign[property],
    });
  }
  const names = [...ownProperties, ...callProperties, ...table.map((row) => row.property)];
  const near = suggest(property, names);
  return new UsageError('ERR_OPTION_UNKNOWN', `unknown option ${property}`, {
    hint: near === undefined ? undefined : `Did you mean ${near}?`,
  });
}

const isText = (value: unknown): value is string =>
  typeof value === 'string' && !value.includes('\0');

function isValue(row: OptionEntry, value: unknown): boolean {
  if (row.kind === 'variable') {
    const items = isRecord(value) ? Object.values(value) : [0];
    return items.every((item) => item === undefined || item === true || isText(item));
  }
  if (row.repeatable === true) {
    return Array.isArray(value) && value.every((item) => isOne(row, item));
  }
  return isOne(row, value);
}

function isOne(row: OptionEntry, value: unknown): boolean {
  switch (row.kind) {
    case 'flag':
      return row.value === undefined ? typeof value === 'boolean' : value === row.value;
    case 'choice':
      return row.choices?.includes(value as string) === true;
    case 'integer':
    case 'duration':
    case 'size':
      return (
        (row.unlimited === true && value === Number.POSITIVE_INFINITY) ||
        (Number.isSafeInteger(value) && isInRange(row, value as number))
      );
    case 'mapping':
      if (isRecord(value)) {
        const { path, dest, within } = value;
        const others = [dest, within];
        return (
          isText(path) && path !== '' && others.every((one) => one === undefined || isText(one))
        );
      }
      return isText(value) && value !== '';
    case 'network':
      return isText(value) || (Array.isArray(value) && value.every(isText));
    case 'path':
      return isText(value) && value !== '';
    case 'sink':
      return isText(value) || Number.isSafeInteger(value);
    default:
      return isText(value);
  }
}

function isInRange(row: OptionEntry, value: number): boolean {
  return value >= (row.min ?? 0) && value <= (row.max ?? Number.MAX_SAFE_INTEGER);
}

const mappingForm = "'PATH[:DEST]' or { path, dest, within }";

const expectedEntry = ({ kind }: OptionEntry): string =>
  kind === 'variable'
    ? 'expected a string, or true to pass it on'
    : `expected ${kind === 'mapping' ? mappingForm : 'a string'}`;

function expected(rows: readonly OptionEntry[]): string {
  const [row] = rows;
  if (row === undefined) return 'invalid';
  const most = `${row.max ?? 'any'}${row.unlimited === true ? ', or Infinity' : ''}`;
  const forms: Record<OptionEntry['kind'], string> = {
    flag: row.value === undefined ? 'true or false' : rows.map((one) => one.value).join(' or '),
    choice: (row.choices ?? []).join(' or '),
    text: 'a string',
    path: 'a path',
    mapping: mappingForm,
    integer: `a whole number from ${row.min ?? 0} to ${most}`,
    duration: `whole milliseconds from ${row.min ?? 0} to ${most}`,
    network: 'a string of rules, or an array of them',
    size: `whole bytes from ${row.min ?? 0} to ${most}`,
    variable: 'an object with strings, or true to pass a variable on',
    sink: 'a file name or a descriptor',
  };
  if (row.repeatable !== true || row.kind === 'variable') return `expected ${forms[row.kind]}`;
  return `expected an array of ${row.kind === 'mapping' ? mappingForm : 'strings'}`;
}

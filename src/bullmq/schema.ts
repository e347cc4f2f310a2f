/** Checks that the data of a job are a {@link SandboxJob}: they are untrusted, and their size has bounds. */
import * as z from 'zod/mini';
import { UsageError } from '../index.js';
import { jobLimits, netWords, validateRunOptions } from '../options/index.js';
import { displayText } from '../text/index.js';
import type { SandboxJob } from './job.js';

/** How large a job may be. */
export interface JobSize {
  /** Bytes of code, arguments, variables, input and files together. */
  readonly maxBytes: number;
  readonly maxFiles: number;
}

/** Arguments and variables each; the kernel takes 2 MiB of both together. */
const maxWords = 4096;

const text = z
  .string()
  .check(z.refine((value) => !value.includes('\0'), 'must not contain a NUL character'));
const base64 = z.base64();
const variable = z.string().check(z.regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'is not a variable name'));

/** Their values are checked as those of a run. */
const limits = z.strictObject(
  Object.fromEntries(Object.keys(jobLimits).map((name) => [name, z.optional(z.unknown())])),
);

const executable = z.optional(z.boolean());
const file = z.union([
  z.string(),
  z.strictObject({ text: z.string(), executable }),
  z.strictObject({ base64, executable }),
]);

const rules = z.array(z.string().check(z.maxLength(300))).check(z.maxLength(256));
const common = {
  files: z.optional(z.record(z.string(), file)),
  stdin: z.optional(z.union([z.string(), z.strictObject({ base64 })])),
  env: z.optional(z.record(variable, text)),
  limits: z.optional(limits),
  net: z.optional(z.union([z.enum(netWords), rules])),
  encoding: z.optional(z.enum(['utf8', 'base64'])),
  stream: z.optional(z.boolean()),
};

const words = z.array(text).check(z.maxLength(maxWords));
const isProgram = ([first]: string[]): boolean => first !== '' && first?.startsWith('-') !== true;

const program = {
  code: z.strictObject({
    ...common,
    code: text,
    lang: z.optional(
      z.string().check(z.regex(/^[a-z0-9+#-]{1,32}$/i, 'is not the name of a language')),
    ),
    args: z.optional(words),
  }),
  argv: z.strictObject({
    ...common,
    argv: words.check(z.minLength(1), z.refine(isProgram, 'must begin with a program')),
  }),
};

/** Everything that grows with what the sender chose, and is not bounded by its type. */
function sizeOf(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (typeof value !== 'object' || value === null) return 8;
  return Object.entries(value).reduce((sum, [key, one]) => sum + key.length + sizeOf(one), 0);
}

/** A path below the working directory, in the only form that means the same to every reader. */
export function isPlainPath(path: string): boolean {
  if (path === '' || path.includes('\0') || Buffer.byteLength(path) > 1024) return false;
  return path
    .split('/')
    .every(
      (part) => part !== '' && part !== '.' && part !== '..' && Buffer.byteLength(part) <= 255,
    );
}

/** Returns a problem in words; those of the library would bring its texts in all languages. */
function problemOf(issue: z.core.$ZodIssue | undefined): string {
  switch (issue?.code) {
    case 'invalid_type':
      return `must be ${issue.expected}`;
    case 'too_big':
      return `must be at most ${issue.maximum}`;
    case 'too_small':
      return `must be at least ${issue.minimum}`;
    case 'unrecognized_keys':
      return `unknown property ${issue.keys.map((key) => JSON.stringify(key)).join(', ')}`;
    case 'invalid_value':
      return `must be one of ${issue.values.join(', ')}`;
    case 'custom':
      return issue.message;
    case 'invalid_format':
      return issue.format === 'regex' ? issue.message : `must be ${issue.format}`;
    case 'invalid_key':
      return problemOf(issue.issues[0]);
    default:
      return 'is malformed';
  }
}

/** Names of the sender are in it: escaped, and cut. */
export const invalidJob = (problem: string): UsageError =>
  new UsageError('ERR_JOB', `invalid job: ${displayText(problem.slice(0, 300))}`);

/** @throws UsageError as `run` does, with what the sender wrote escaped */
function checkLimits({ limits = {} }: SandboxJob): void {
  try {
    validateRunOptions(limits);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const hint = error.hint === undefined ? undefined : displayText(error.hint);
    throw new UsageError(error.code, displayText(error.message), { hint });
  }
}

const record = (data: unknown): data is Readonly<Record<string, unknown>> =>
  typeof data === 'object' && data !== null && !Array.isArray(data);

/**
 * @throws UsageError `ERR_JOB`; as `run` for a limit that cannot be
 */
export function readJob(data: unknown, { maxBytes, maxFiles }: JobSize): SandboxJob {
  if (!record(data)) throw invalidJob('its data must be an object with code or argv');
  if (data.argv !== undefined && data.code !== undefined) {
    throw invalidJob('it has both code and argv');
  }
  let size: number;
  try {
    size = sizeOf(data);
  } catch (error) {
    if (error instanceof RangeError) throw invalidJob('it is nested too deep');
    throw error;
  }
  if (size > maxBytes) {
    throw invalidJob(`it has ${size} bytes; this worker takes ${maxBytes}`);
  }
  const parsed = (data.argv === undefined ? program.code : program.argv).safeParse(data, {
    jitless: true,
  });
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where = issue?.path.map(String).join('.') ?? '';
    throw invalidJob(`${where === '' ? '' : `${where}: `}${problemOf(issue)}`);
  }
  const job = parsed.data as SandboxJob;
  checkLimits(job);
  const paths = Object.keys(job.files ?? {});
  if (paths.length > maxFiles) {
    throw invalidJob(`it has ${paths.length} files; this worker takes ${maxFiles}`);
  }
  const wrong = paths.find((path) => !isPlainPath(path));
  if (wrong !== undefined) {
    throw invalidJob(`files: ${JSON.stringify(wrong)} is not a path below the working directory`);
  }
  return job;
}

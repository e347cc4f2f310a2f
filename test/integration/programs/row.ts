/** One row of the table of programs: what runs, with which files, and what counts as having run. */
import type { Files } from '../../support/project.js';

export interface Program {
  readonly name: string;
  /** Debian packages that it needs, beside those of a plain system. */
  readonly packages: readonly string[];
  readonly argv: readonly string[];
  readonly files?: Files;
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Exit status outside, and so inside. @default 0 */
  readonly status?: number;
  /** Text that must be in stdout, so that a program that did nothing is noticed. */
  readonly prints?: string | RegExp;
  /** Files that it must have written. */
  readonly writes?: readonly string[];
  /**
   * The sandbox forbids what this program is for: inside, it must end by itself with a status other
   * than 0 and say this on stdout or stderr.
   */
  readonly refused?: RegExp;
  /**
   * The control of a refused program: what runs outside to show that it works there, and must change nothing, not even
   * as root: a mount, for instance, only in a namespace of its own. @default argv
   */
  readonly control?: readonly string[];
  /** It makes something that --apply never applies: the run ends with 3. */
  readonly unapplied?: true;
  /** Host directories that the run needs and a default run hides. */
  readonly options?: readonly string[];
}

/** A row whose program is a shell script, for what needs several commands. */
export function shell(
  name: string,
  packages: readonly string[],
  script: string,
  rest: Omit<Program, 'name' | 'packages' | 'argv'> = {},
): Program {
  return { name, packages, argv: ['sh', '-eu', '-c', script], ...rest };
}

/** A row whose program is a file in the project. */
export function file(
  name: string,
  packages: readonly string[],
  argv: readonly string[],
  path: string,
  content: string,
  rest: Omit<Program, 'name' | 'packages' | 'argv'> = {},
): Program {
  return { name, packages, argv, ...rest, files: { ...rest.files, [path]: content } };
}

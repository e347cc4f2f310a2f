/**
 * The typed options of a run, derived from the option table, so that the library and
 * the command line cannot drift apart.
 */
import type { runOptionTable } from './table.js';
import type { TableOptions } from './table-options.generated.js';
import type { NetworkOption, PathMapping, VariableMap } from './value-types.js';

type Row = (typeof runOptionTable)[number];

type OneValue<R extends Row> = R extends { kind: 'flag'; shortValue: infer S }
  ? boolean | S
  : R extends { kind: 'flag'; value: infer V }
    ? V
    : R extends { kind: 'flag' }
      ? boolean
      : R extends { kind: 'choice'; choices: readonly (infer C)[] }
        ? C
        : R extends { kind: 'integer' | 'duration' | 'size' }
          ? number
          : R extends { kind: 'network' }
            ? NetworkOption
            : R extends { kind: 'sink' }
              ? string | number
              : R extends { kind: 'mapping' }
                ? PathMapping
                : string;

type ValueOf<R extends Row> = R extends { kind: 'variable' }
  ? VariableMap
  : R extends { repeatable: true }
    ? readonly OneValue<R>[]
    : OneValue<R>;

/** The properties of some rows. Those of the sandbox are written out in `TableOptions`, with documentation. */
export type PropertiesOf<R extends Row> = {
  readonly [P in R['property']]?: ValueOf<Extract<R, { property: P }>> | undefined;
};

/** Options that only the command line has: how to report, not what to run. */
export type ProcessOptions = PropertiesOf<Extract<Row, { scope: 'cli' }>>;

/** Says what becomes of a run's changes, by how it ends. */
export interface ChangesPolicy {
  /** Applies after exit status 0 within the limits. */
  readonly success: 'keep' | 'apply' | 'discard';
  /** Applies after any other end: another status, a signal, a limit, an abort. */
  readonly failure: 'keep' | 'discard';
}

/** Says what to run, and in which sandbox. The command line's options are the same. */
export interface RunOptions extends Omit<TableOptions, 'changes'> {
  /** A script's path, a command that PATH finds, or `-` for a script on stdin. */
  readonly command?: string | undefined;
  /** Its arguments, passed on as they are. */
  readonly args?: readonly string[] | undefined;
  /**
   * Says what becomes of the changes. One word counts for a run that ends with 0; those of any other are kept.
   * @default 'keep'
   */
  readonly changes?: 'keep' | TableOptions['changes'] | ChangesPolicy;
}

/** The size of a terminal in character cells; each number is from 1 to 65535. */
export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

/** Input of resolving: the options, and whether a user or program answers questions. */
export interface ResolveOptions extends RunOptions {
  /** The size of a terminal that the library's caller shows by itself; `tty` is `always` then. */
  readonly terminalSize?: TerminalSize | undefined;
  /** Set for the run that installs the packages of `with`: the directory that they go to, and where it is inside. */
  readonly install?: { readonly source: string; readonly target: string } | undefined;
  /** `--ask`, or the callback of the library: what matters here is that it is there. */
  readonly ask?: unknown;
}

/** Returns whether a user or program decides about what the sandbox would refuse. */
export const asksQuestions = ({ ask }: ResolveOptions): boolean =>
  ask !== undefined && ask !== false;

/** A parsed command line of `wasbox run`. */
export interface RunArguments extends RunOptions, ProcessOptions {}

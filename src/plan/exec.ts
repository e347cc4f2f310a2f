/** A program of a session becomes the bytes that init executes (wire.h, `wb_exec`). */
import type { TerminalSize } from '../options/index.js';
import {
  execLayout,
  execSize,
  WB_ARGS_MAX,
  WB_EXEC_MAGIC,
  WB_EXEC_MAX,
  WB_EXEC_PROGRAM,
  WB_WIRE_VERSION,
} from './wire.generated.js';
import { PlanWriter } from './writer.js';

/** A size as the wire has it; 0 for none. */
export const sizeWord = (size: TerminalSize | undefined): number =>
  size === undefined ? 0 : ((size.rows << 16) | size.columns) >>> 0;

/** The limits that a program of a session may have for itself. */
export const ownLimitNames = ['memoryBytes', 'cpuMs', 'fileSizeBytes', 'openFiles'] as const;

/** The limits of one program of a session, with all that comes from it. */
export type OwnLimits = {
  readonly [name in (typeof ownLimitNames)[number]]?: number | undefined;
};

export interface ExecPlan {
  /** Executables to try, one after the other, as the sandbox sees them. */
  readonly paths: readonly string[];
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** WB_EXEC_*: a program, or what is to be done with the file that argv names. @default a program */
  readonly kind?: number | undefined;
  /** @default the directory that the session began in */
  readonly cwd?: string | undefined;
  /** Size of a terminal of its own. @default none */
  readonly terminal?: TerminalSize | undefined;
  /** @default those of the session */
  readonly limits?: OwnLimits | undefined;
}

/** @returns undefined where it is too long */
export function buildExec({
  paths,
  argv,
  env,
  cwd,
  kind = WB_EXEC_PROGRAM,
  terminal,
  limits = {},
}: ExecPlan): Uint8Array | undefined {
  if (argv.length >= WB_ARGS_MAX || Object.keys(env).length >= WB_ARGS_MAX) return undefined;
  const writer = new PlanWriter();
  const header = writer.reserve(execSize);
  const environment = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  writer.fields(header, execLayout, {
    magic: WB_EXEC_MAGIC,
    version: WB_WIRE_VERSION,
    paths: writer.vector(paths),
    pathCount: paths.length,
    argv: writer.vector(argv),
    argc: argv.length,
    envp: writer.vector(environment),
    envc: environment.length,
    kind,
    cwd: cwd === undefined ? 0 : writer.string(cwd),
    terminal: sizeWord(terminal),
    memoryBytes: limits.memoryBytes ?? 0,
    cpuUs: Math.ceil((limits.cpuMs ?? 0) * 1000),
    fileBytes: limits.fileSizeBytes ?? 0,
    openFiles: limits.openFiles ?? 0,
  });
  const bytes = writer.finish();
  if (bytes.length > WB_EXEC_MAX) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  view.setUint32(header + execLayout.size.offset, bytes.length, true);
  return bytes;
}

/**
 * Long output for a person: through a pager where stdout is a terminal, as git does it.
 *
 * `GIT_PAGER`, `PAGER`, else `less` where it is installed; an empty value or `cat` means none. git's
 * own configuration is not read: the directory's would be the sandboxed code's to write.
 */
import { accessSync, constants } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { isTerminal, write } from './terminal.js';

function hasProgram(name: string, env: NodeJS.ProcessEnv): boolean {
  return (env.PATH ?? '').split(':').some((directory) => {
    // A relative entry would lead into a directory that is not trusted.
    if (!isAbsolute(directory)) return false;
    try {
      accessSync(join(directory, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** The pager's command line for sh(1); undefined where there is to be none. */
export function pagerCommand(env: NodeJS.ProcessEnv): string | undefined {
  const chosen = env.GIT_PAGER ?? env.PAGER;
  if (chosen !== undefined) return ['', 'cat'].includes(chosen.trim()) ? undefined : chosen;
  if (env.TERM === 'dumb') return undefined;
  return hasProgram('less', env) ? 'less' : undefined;
}

/** sh(1)'s statuses for what it could not execute. */
const notExecuted = [126, 127];

/** Feeds a pager; false where it could not be started, so that nothing was shown. */
async function feed(
  command: string,
  chunks: Iterable<string>,
  env: NodeJS.ProcessEnv,
): Promise<boolean> {
  const { spawn } = process.getBuiltinModule('node:child_process');
  const pager = spawn('/bin/sh', ['-c', command], {
    stdio: ['pipe', 'inherit', 'inherit'],
    // Git sets the same: quit on one screen, colours, no clearing; a user's own setting wins.
    env: { LESS: 'FRX', LV: '-c', ...env },
  });
  const ended = new Promise<number | null>((resolve) => {
    pager.on('error', () => resolve(127));
    pager.on('close', resolve);
  });
  let open = true;
  const closed = new Promise<void>((resolve) => {
    pager.stdin.on('error', () => resolve()); // the reader has seen enough
    pager.stdin.on('close', () => resolve());
  }).then(() => {
    open = false;
  });
  // ^C is the pager's to understand.
  const ignore = (): void => {};
  process.on('SIGINT', ignore);
  try {
    for (const chunk of chunks) {
      if (!open) break;
      if (pager.stdin.write(chunk)) continue;
      await Promise.race([closed, new Promise((resolve) => pager.stdin.once('drain', resolve))]);
    }
    pager.stdin.end();
    const status = await ended;
    return status === null || !notExecuted.includes(status);
  } finally {
    process.off('SIGINT', ignore);
  }
}

/**
 * Prints on stdout, through the pager where that is a terminal.
 *
 * @param produce called again where the pager could not be started
 */
export async function page(
  produce: () => Iterable<string>,
  env: NodeJS.ProcessEnv = process.env,
): Promise<void> {
  const command = isTerminal(1) ? pagerCommand(env) : undefined;
  if (command !== undefined && (await feed(command, produce(), env))) return;
  for (const chunk of produce()) write(1, chunk);
}

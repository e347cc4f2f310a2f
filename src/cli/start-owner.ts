/** Starts the process that holds a session, and waits until that runs. */
import { spawn } from 'node:child_process';
import { LaunchError } from '../errors/index.js';
import { fromRemote, type OwnedSession, type RemoteError } from '../owner/index.js';

/** Number of the descriptor on which an owner says that it is ready. */
export const readyVariable = 'WASBOX_SESSION_READY';

/** The message of an owner to the process that started it. */
export type Answer = { readonly session: OwnedSession } | { readonly error: RemoteError };

/**
 * @param argv what follows `wasbox session`
 * @throws the error of the owner; LaunchError where it ended without one
 */
export async function startOwner(argv: readonly string[]): Promise<OwnedSession> {
  const [, script = ''] = process.argv;
  const words = [...process.execArgv, script, 'session', '--foreground', ...argv];
  const child = spawn(process.execPath, words, {
    detached: true, // a session of its own: no signal of this terminal reaches it
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    env: { ...process.env, [readyVariable]: '3' },
  });
  let text = '';
  const answer = child.stdio[3] as NodeJS.ReadableStream;
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    answer.on('data', (chunk: Buffer) => {
      text += String(chunk);
    });
    answer.once('end', resolve);
  });
  child.unref();
  const said = text === '' ? undefined : (JSON.parse(text) as Answer);
  if (said !== undefined && 'session' in said) return said.session;
  if (said === undefined) {
    throw new LaunchError('ERR_SETUP', 'the process of the session ended before it could be used', {
      hint: 'To see why: wasbox session start --foreground …',
    });
  }
  throw fromRemote(said.error);
}

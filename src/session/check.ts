/** Checks the options that callers pass to a session and its programs. */
import { misuse, UsageError } from '../errors/index.js';
import { checkCall, checkOptions } from '../launch/index.js';
import { suggest } from '../options/index.js';
import { ownLimitNames } from '../plan/index.js';
import type { ExecOptions } from './options.js';
import { preloadedOf } from './preloaded.js';

/** @throws UsageError */
export function checkSession(options: unknown): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw misuse('createSession(options): options must be an object');
  }
  const given = options as Readonly<Record<string, unknown>>;
  for (const name of ['command', 'args', 'code', 'tty', 'outputBytes']) {
    if (given[name] === undefined) continue;
    throw new UsageError('ERR_OPTION_UNKNOWN', `createSession() has no option ${name}`, {
      hint:
        name === 'outputBytes'
          ? 'Limit what is kept of each program: session.exec(argv, { maxOutputBytes })'
          : 'A session is given its programs with session.exec().',
    });
  }
  const { idleMs, preload, ...sandbox } = given;
  preloadedOf(sandbox.lang, preload);
  checkOptions('createSession', { idleMs });
  checkCall('createSession', sandbox);
}

const execNames = new Set([
  ...['env', 'cwd', 'timeoutMs', 'signal', 'input', 'maxOutputBytes'],
  ...['onStdout', 'onStderr', 'all', 'tty', ...ownLimitNames],
]);
const spawnNames = new Set(['env', 'cwd', 'timeoutMs', 'signal', 'tty', ...ownLimitNames]);

function near(name: string, names: ReadonlySet<string>): string {
  const found = suggest(name, [...names]) ?? [...names].find((one) => one.startsWith(name));
  return found === undefined ? '' : `Did you mean ${found}? `;
}

/** @throws UsageError */
export function checkExec(call: 'exec' | 'spawn', options: unknown): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw misuse(`session.${call}(program, options): options must be an object`);
  }
  const names = call === 'exec' ? execNames : spawnNames;
  for (const name of Object.keys(options)) {
    if (names.has(name)) continue;
    throw new UsageError('ERR_OPTION_UNKNOWN', `session.${call}() has no option ${name}`, {
      hint: `${near(name, names)}Options: ${[...names].join(', ')}. What the sandbox has is an option of createSession().`,
    });
  }
  const { env, cwd, ...rest } = options as ExecOptions;
  if (env !== undefined && (typeof env !== 'object' || env === null || Array.isArray(env))) {
    throw misuse(`session.${call}: env must be an object, such as { NAME: 'VALUE' }`);
  }
  checkOptions('session.exec', { ...rest });
}

/**
 * The payload's environment: a short list of what programs need and what cannot hold
 * a secret, then `--env`.
 */

import { UsageError } from '../errors/index.js';
import type { RunOptions } from '../options/index.js';
import { isVariableName, spoken } from '../options/index.js';
import { displayText } from '../text/index.js';
import type { Draft } from './draft.js';
import { withBeside } from './home-programs.js';
import { toolRoots } from './installations.js';
import { pathEntries } from './path-entries.js';
import type { View } from './spec.js';
import { fallbackPath } from './system.js';
import { terminalVariables } from './terminal.js';

/** Passed on as they are. */
const passed = [
  'TERM',
  'COLORTERM',
  'LANG',
  'LANGUAGE',
  // Each category of locale(7) by its name: what is asked for is what a run depends on (src/fastpath).
  'LC_ALL',
  'LC_ADDRESS',
  'LC_COLLATE',
  'LC_CTYPE',
  'LC_IDENTIFICATION',
  'LC_MEASUREMENT',
  'LC_MESSAGES',
  'LC_MONETARY',
  'LC_NAME',
  'LC_NUMERIC',
  'LC_PAPER',
  'LC_TELEPHONE',
  'LC_TIME',
  'TZ',
  'COLUMNS',
  'LINES',
  'NO_COLOR',
  'FORCE_COLOR',
  'CLICOLOR',
  'CLICOLOR_FORCE',
  'PYENV_VERSION',
  'RBENV_VERSION',
  'NODENV_VERSION',
  'RUSTUP_TOOLCHAIN',
  'CONDA_DEFAULT_ENV',
];

/** Passed on where the directory that they name is there inside. */
const placeVariables = ['VIRTUAL_ENV', 'CONDA_PREFIX', 'JAVA_HOME', 'GOROOT', 'NVM_BIN'];

/** Passed on to an image, whose locales and time zones need not be the host's: about the terminal. */
const passedToImage = passed.filter(
  (name) => !/^(?:LANG|LC_|TZ|[A-Z]+_VERSION|RUSTUP|CONDA)/.test(name),
);

/** @param start the directory inside that the program starts in */
export function resolveEnv(draft: Draft, start: string): Record<string, string> {
  const { host, identity, tree, image } = draft;
  const env: Record<string, string> = Object.create(null);
  for (const name of image === undefined ? passed : passedToImage) {
    const value = host.env[name];
    if (value !== undefined && !value.includes('\0')) env[name] = value;
  }
  if (draft.options.terminalSize !== undefined) {
    for (const [name, value] of Object.entries(terminalVariables(env))) {
      if (value === undefined) delete env[name];
      else env[name] = value;
    }
  }
  for (const one of image?.config.env ?? []) {
    const equals = one.indexOf('=');
    env[one.slice(0, equals)] = one.slice(equals + 1);
  }
  const places = [...placeVariables, ...toolRoots.flatMap((root) => root.variable ?? [])];
  for (const name of image === undefined ? places : []) {
    const value = host.env[name];
    if (value?.startsWith('/') && tree.locate(value).kind === 'directory') env[name] = value;
  }
  env.PATH = image === undefined ? pathInside(draft) : (env.PATH ?? fallbackPath);
  env.HOME = homeInside(draft, env.HOME);
  env.USER = identity.name;
  env.LOGNAME = identity.name;
  env.PWD = start;
  env.XDG_RUNTIME_DIR = runtimeDirectory(identity.uid);
  const shell = image === undefined ? host.env.SHELL : '/bin/bash';
  env.SHELL = shell?.startsWith('/') && tree.locate(shell).kind === 'file' ? shell : '/bin/sh';
  env.WASBOX = '1';
  // perf(1) takes the first sysfs in the mount table for all of it, and that is a part (visibility.ts).
  if (usesCounters(draft.options)) env.SYSFS_PATH = '/sys';
  // The leak checker of -fsanitize=address traces its own threads, which would let it read and steer any process inside.
  if (!allowsTracing(draft.options)) env.LSAN_OPTIONS = 'detect_leaks=0';
  addAsked(draft, env);
  return env;
}

/** Returns PATH inside. A program that is installed into an empty home is found there, as it would be outside. */
function pathInside(draft: Draft): string {
  const { tree } = draft;
  const path = pathEntries(draft).filter(
    (entry) => tree.locate(entry).kind === 'directory' || isEmptyHome(tree.over(entry)),
  );
  return path.length > 0 ? withBeside(draft, path).join(':') : fallbackPath;
}

/** Returns the home of the image's user where wasbox has none of its own. */
function homeInside({ image, identity, options }: Draft, named: string | undefined): string {
  if (image === undefined || options.home !== 'none') return identity.home;
  return named ?? image.user.home ?? '/';
}

const isEmptyHome = (view: View | undefined): boolean =>
  view?.type === 'private' && view.persistence === 'kept';

/** Returns whether the kernel's counters may be read, as perf(1) does. */
export const usesCounters = ({ allow = [] }: RunOptions): boolean =>
  allow.some((rule) => /\bperf_event_open\b/.test(rule));

/** Returns whether ptrace(2) is allowed: then leaks can be looked for. */
const allowsTracing = ({ allow = [], policy }: RunOptions): boolean =>
  policy !== undefined || allow.some((rule) => /\bptrace\b/.test(rule));

export function runtimeDirectory(uid: number): string {
  return `/run/user/${uid}`;
}

function addAsked(draft: Draft, env: Record<string, string>): void {
  for (const [name, value] of Object.entries(draft.options.env ?? {})) {
    if (value === undefined) continue;
    if (!isVariableName(name)) {
      const shown = displayText(name);
      throw new UsageError('ERR_OPTION_VALUE', spoken`--env: invalid variable name "${shown}"`, {
        hint: spoken`Write --env NAME to pass a variable, or --env NAME=VALUE to set it.`,
      });
    }
    const given = value === true ? draft.host.env[name] : value;
    if (given === undefined) draft.note(spoken`--env ${name}: not set, so nothing was passed`);
    else env[name] = given;
  }
}

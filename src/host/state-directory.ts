/** Where wasbox's state directory is: `wasbox` in `$XDG_STATE_HOME`, else in `~/.local/state`. */
import { basename, dirname, isAbsolute, join } from 'node:path';
import { ChangesError } from '../errors/index.js';
import type { Host } from './interface.js';

export interface StateDirectory {
  /** Absolute path without symbolic links: init follows none. */
  readonly directory: string;
  /** The directory by the name that the environment gives it. */
  readonly named: string;
}

export const elsewhereHint =
  'Choose a directory that you can write to:\n  export XDG_STATE_HOME=$(mktemp -d -p /var/tmp)';

type Asked = Pick<Host, 'env' | 'uid' | 'userById'> & {
  readonly files: Pick<Host['files'], 'stat' | 'realpath'>;
};

/** @throws ChangesError where the user has no home */
export function stateDirectory(host: Asked): StateDirectory {
  const state = host.env.XDG_STATE_HOME;
  const base = state !== undefined && isAbsolute(state) ? state : stateIn(ownHome(host));
  return namedState(host, join(base, 'wasbox'));
}

const stateIn = (home: string): string => join(home, '.local', 'state');

/** The state directory that a home has where no variable says otherwise. */
export const homeState = (host: Asked, home: string): StateDirectory =>
  namedState(host, join(stateIn(home), 'wasbox'));

/** The directory's own name may be no link: a planted one would choose where the runs are. */
export const namedState = ({ files }: Pick<Asked, 'files'>, named: string): StateDirectory => ({
  directory: join(resolveExisting(files, dirname(named)), basename(named)),
  named,
});

/** `~`, unless `$HOME` belongs to another user, as under plain sudo. */
function ownHome({ env, uid, files, userById }: Asked): string {
  const home = env.HOME !== undefined && isAbsolute(env.HOME) ? env.HOME : undefined;
  if (home !== undefined && files.stat(home)?.uid === uid) return home;
  const own = userById(uid)?.home ?? home; // a uid without an account
  if (own !== undefined) return own;
  throw new ChangesError(
    'ERR_STATE_DIR',
    `Cannot save changes: HOME is not set, and user ${uid} has no account.`,
    { hint: elsewhereHint },
  );
}

/** The real path of what exists of a path, the rest as it is. */
function resolveExisting(files: Pick<Host['files'], 'realpath'>, path: string): string {
  const real = files.realpath(path);
  if (real !== undefined) return real;
  const parent = dirname(path);
  return parent === path ? path : join(resolveExisting(files, parent), basename(path));
}

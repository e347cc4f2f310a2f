/**
 * Installs packages for scripts: once for each set, in a sandbox of its own that reaches the index alone and sees
 * nothing of the project. A set gets its final name only when it is whole; a lock keeps two from making the same one.
 */
import * as fs from 'node:fs';
import { join, posix } from 'node:path';
import {
  makeCache,
  makeStateDirectory,
  openStore,
  removeDirectory,
  type Store,
} from '../changes/index.js';
import { SupportError } from '../errors/index.js';
import { realHost } from '../host/index.js';
import { loadNative, type Native } from '../native/index.js';
import { type ResolveOptions, spokenOption } from '../options/index.js';
import {
  damagedText,
  ownDirectory,
  type PackageSet,
  packagesName,
  resolveSpec,
  type SetMark,
  stateOfSet,
  unfinishedName,
  wholeMark,
  withName,
  withoutHint,
} from '../resolve/index.js';
import { displayText } from '../text/index.js';
import { launch } from './launch.js';
import type { LaunchResult } from './types.js';

const minuteMs = 60_000;
/** An index that does not answer is given up sooner than the tools would. */
const limits = { timeoutMs: 30 * minuteMs, fileSizeBytes: 64 * 1024 ** 3 };
/** How many of the installer's lines a message has: the first ones, and the last. */
const [firstLines, lastLines] = [3, 3];
const lockPauseMs = 100;

const common = `set -e
d=$1 with=$2; shift 2
export TMPDIR="$d/tmp" HOME="$d/tmp"
mkdir "$TMPDIR"; cd "$d"
`;
const finish = `rm -rf "$TMPDIR"
sync -f "$d" 2>/dev/null || sync
`;

/** Each gets the directory, the interpreter and the packages. Debian's pip allows a directory of its own (PEP 668). */
const scripts: Readonly<Record<PackageSet['tool'], string>> = {
  pip: `${common}pip=$with
if ! "$with" -m pip --version >/dev/null 2>&1; then
  "$with" -m venv "$TMPDIR/venv" || exit 127
  pip=$TMPDIR/venv/bin/python
fi
"$pip" -m pip install -q --no-input --no-cache-dir --no-warn-script-location --target "$d/site" -- "$@"
${finish}`,
  uv: `${common}uv pip install -q --no-cache --compile-bytecode --python "$with" --target "$d/site" -- "$@"
${finish}`,
  npm: `${common}echo '{"private":true}' >package.json
npm install --no-audit --no-fund --no-save --loglevel=error --logs-max=0 --cache "$TMPDIR/npm" -- "$@"
mkdir -p node_modules
${finish}`,
};

const env = {
  PIP_RETRIES: '1',
  PIP_DEFAULT_TIMEOUT: '30',
  UV_HTTP_TIMEOUT: '30',
  npm_config_fetch_retries: '1',
  npm_config_fetch_timeout: '30000',
};

/** Makes the directory of a set and waits for its lock, which goes with the descriptor. */
async function lockSet(
  store: Store,
  set: PackageSet,
  say: (text: string) => void,
): Promise<number> {
  for (let told = false; ; ) {
    makeCache(store, [withName, set.key]);
    const lock = fs.openSync(join(set.directory, 'lock'), 'a', 0o600);
    const isLocked = store.native.tryLock(lock);
    // Another process may have removed the directory meanwhile.
    if (isLocked && fs.fstatSync(lock).nlink > 0) return lock;
    fs.closeSync(lock);
    if (isLocked) continue;
    if (!told) say('another wasbox installs the same packages: waiting for it');
    told = true;
    await new Promise((resolve) => setTimeout(resolve, lockPauseMs));
  }
}

/** Returns what the installer wrote at last, safe to show. */
function wordsOf(log: string): string {
  const fd = fs.openSync(log, 'r');
  try {
    const bytes = Buffer.alloc(16_384);
    const from = Math.max(0, fs.fstatSync(fd).size - bytes.length);
    const text = bytes.subarray(0, fs.readSync(fd, bytes, 0, bytes.length, from)).toString('utf8');
    const lines = text.split('\n').filter((line) => line.trim() !== '');
    const shown =
      lines.length > firstLines + lastLines
        ? [...lines.slice(0, firstLines), '…', ...lines.slice(-lastLines)]
        : lines;
    return shown.map((line) => `  ${displayText(line.slice(0, 300))}\n`).join('');
  } finally {
    fs.closeSync(fd);
  }
}

async function install(
  native: Native,
  { set, options, log }: { set: PackageSet; options: ResolveOptions; log: string },
): Promise<LaunchResult> {
  const source = join(set.directory, unfinishedName);
  const target = posix.join(ownDirectory, packagesName);
  // A directory with nothing in it: what packages run while they are installed sees no project.
  const empty = fs.mkdtempSync(join(process.env.TMPDIR ?? '/tmp', 'wasbox-with-'));
  const stdin = fs.openSync('/dev/null', 'r');
  const out = fs.openSync(log, 'a', 0o600);
  try {
    const stdio = [stdin, out, out] as const;
    const host = { ...realHost({ native, stdio }), cwd: () => fs.realpathSync(empty) };
    const spec = resolveSpec(
      {
        ...limits,
        command: 'sh',
        args: ['-c', scripts[set.tool], withName, target, set.interpreter, ...set.words],
        workdir: empty,
        install: { source, target },
        for: set.tool,
        ...(options.net === undefined || options.net === 'none' ? {} : { net: options.net }),
        isolation: 'namespaces',
        env,
        changes: { success: 'discard', failure: 'discard' },
      },
      host,
    );
    return await (await launch(spec, { stdio })).done;
  } finally {
    fs.closeSync(stdin);
    fs.closeSync(out);
    fs.rmSync(empty, { recursive: true, force: true });
  }
}

function failed(
  set: PackageSet,
  { outcome }: LaunchResult,
  words: string,
  wasDamaged: boolean,
): SupportError {
  const names = set.words.join(', ');
  const what = outcome.timedOut
    ? `took longer than ${limits.timeoutMs / minuteMs} minutes`
    : outcome.signal !== 0
      ? `was killed by signal ${outcome.signal}`
      : `exited ${outcome.exitCode}`;
  const said = words === '' ? '' : `\nIt said:\n${words.trimEnd()}`;
  const out = set.by === undefined ? '' : ` ${withoutHint()}`;
  return new SupportError(
    'ERR_PACKAGES',
    `${set.by ?? spokenOption('--with')} ${names}: ${set.tool} ${what}`,
    {
      hint: `${wasDamaged ? 'What was cached was damaged and has been removed. ' : ''}Nothing was installed, and the script did not run. Check the names, their versions and the index.${out}${said}`,
    },
  );
}

/** @throws SupportError where not all of the set can be read: later starts could not tell whether it is whole */
function writeMark({ words, interpreter, directory }: PackageSet, tree: string | undefined): void {
  if (tree === undefined) {
    throw new SupportError('ERR_PACKAGES', `cannot read all of ${words.join(', ')}`, {
      hint: `A package has a directory that you may not read, or directories too deep, below ${directory}.`,
    });
  }
  const mark: SetMark = { words, interpreter, tree };
  const fd = fs.openSync(join(directory, wholeMark), 'wx', 0o600);
  try {
    fs.writeFileSync(fd, `${JSON.stringify(mark)}\n`);
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/** Says what is fetched, from where, and who asked for it. */
function startText({ words, tool, hosts, by }: PackageSet): string {
  const asked = by === undefined ? '' : ` (${by} asks for ${words.length === 1 ? 'it' : 'them'})`;
  return `installing ${words.join(', ')} with ${tool} from ${hosts.join(', ')}, once${asked}`;
}

/**
 * Installs a set, unless another process did meanwhile.
 * @param options of the run that asks for it, whose `net` may name more hosts of the index
 * @param say shows a line of progress
 * @throws SupportError where they cannot be installed; then nothing of them is left
 */
export async function installPackages(
  set: PackageSet,
  options: ResolveOptions,
  say: (text: string) => void = () => {},
): Promise<void> {
  const { native } = loadNative();
  const store = openStore(native);
  makeStateDirectory(store);
  const within = (name: string): string => join(set.directory, name);
  const lock = await lockSet(store, set, say);
  try {
    const { files } = realHost({ native });
    const state = stateOfSet(set.directory, files);
    if (state === 'whole') return;
    // These are left of an installation that was cut short, or of a set that was damaged since.
    for (const name of [wholeMark, packagesName, unfinishedName, 'log']) {
      removeDirectory(native, within(name));
    }
    if (state === 'damaged') say(`${damagedText(set)} and cannot be used`);
    say(startText(set));
    const ended = await install(native, { set, options, log: within('log') });
    if (ended.outcome.signal !== 0 || ended.outcome.exitCode !== 0) {
      throw failed(set, ended, wordsOf(within('log')), state === 'damaged');
    }
    removeDirectory(native, within('log'));
    fs.renameSync(within(unfinishedName), within(packagesName));
    writeMark(set, files.treeDigest(within(packagesName)));
  } catch (error) {
    removeDirectory(native, set.directory);
    throw error;
  } finally {
    fs.closeSync(lock);
  }
}

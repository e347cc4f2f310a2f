/**
 * The shell scripts that pnpm writes to `node_modules/.bin`, with @zkochan/cmd-shim 5 to 8. A script is known only if it
 * is, byte for byte, what that makes for its target: the text is made anew and compared.
 */
import { posix } from 'node:path';
import { type Names, namesIn } from '../files/path.js';
import type { MergedTree } from '../merged-tree/tree.js';

const top = `#!/bin/sh
basedir=$(dirname "$(echo "$0" | sed -e 's,\\\\,/,g')")

case \`uname\` in
`;

/** A script begins with one of these texts: the first is of versions 5 and 6, the second of 7 and 8. */
const tops: readonly string[] = [
  `${top}    *CYGWIN*) basedir=\`cygpath -w "$basedir"\`;;
esac

`,
  `${top}    *CYGWIN*|*MINGW*|*MSYS*)
        if command -v cygpath > /dev/null 2>&1; then
            basedir=\`cygpath -w "$basedir"\`
        fi
    ;;
esac

`,
];

/** Characters that mean nothing to a shell between double quotes. */
const quotable = /^[\w@%+=:,./ ()-]+$/;
/** A program and its options: characters that mean nothing to a shell at all. */
const plainProgram = /^[\w./+-]+$/;
const plainOptions = /^[\w@%+=:,./ -]*$/;

/** Programs for files without a first line that names one. */
const byEnding: Readonly<Record<string, string>> = {
  '.js': 'node',
  '.cjs': 'node',
  '.mjs': 'node',
  '.sh': 'sh',
};

/** The last command of a script, with what is behind `$basedir/`. */
const lastCommand = /"\$basedir\/([^"\n]+)" "\$@"\nfi\n$/;

/**
 * Returns where a script leads, if that is in the same `node_modules`; undefined if it is no such script.
 *
 * @param place the names of the `node_modules` with the `.bin` in which it is
 */
export function shimTarget(text: string, place: Names): Names | undefined {
  const [, target = ''] = lastCommand.exec(text) ?? [];
  const path = posix.join(...place, '.bin', target);
  const outermost = place.slice(0, place.indexOf('node_modules') + 1).join('/');
  if (!quotable.test(target) || !path.startsWith(`${outermost}/`)) return undefined;
  return namesIn(path);
}

/** The program and its options by a file's first line or its ending, as cmd-shim finds them; undefined for other forms. */
function runnerOf(target: string, program: string): readonly [string, string] | undefined {
  const [first = ''] = program.trim().split(/\r*\n/);
  const [, own = '', options = ''] =
    /^#!\s*(?:\/usr\/bin\/env(?:\s+-S\s*)?)?\s*([^ \t]+)(.*)$/.exec(first) ?? [];
  const runner = own === '' ? byEnding[posix.extname(target)] : own;
  if (runner === undefined || !plainProgram.test(runner) || !plainOptions.test(options)) {
    return undefined;
  }
  return [runner, options];
}

/** Returns whether the directories are some in which Node.js finds packages of the tree. */
function areOfTree(tree: MergedTree, directories: string): boolean {
  const root = tree.workdir.toString('latin1').replace(/\/$/, '');
  return directories.split(':').every((directory) => {
    const names = namesIn(directory.slice(root.length));
    return (
      directory.startsWith(`${root}/`) &&
      quotable.test(directory) &&
      directory === posix.normalize(directory) &&
      names.at(-1) === 'node_modules' &&
      names.every((name) => name === '.pnpm' || !name.startsWith('.'))
    );
  });
}

/**
 * Returns whether a script is what is written for its target.
 *
 * @param program the target's text
 */
export function shimText(tree: MergedTree, text: string, program: string): boolean {
  const [, target = ''] = lastCommand.exec(text) ?? [];
  const [runner, options] = runnerOf(target, program) ?? [];
  if (runner === undefined) return false;
  const [, directories] = /^ {2}export NODE_PATH="([^"\n]*)"$/m.exec(text) ?? [];
  if (directories !== undefined && !areOfTree(tree, directories)) return false;
  const modules =
    directories === undefined
      ? ''
      : `if [ -z "$NODE_PATH" ]; then
  export NODE_PATH="${directories}"
else
  export NODE_PATH="${directories}:$NODE_PATH"
fi
`;
  const rest = `${options} "$basedir/${target}" "$@"`;
  const commands = `if [ -x "$basedir/${runner}" ]; then
  exec "$basedir/${runner}" ${rest}
else
  exec ${runner} ${rest}
fi
`;
  return tops.some((one) => text === one + modules + commands);
}

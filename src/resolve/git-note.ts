/**
 * A working directory whose git directory lies elsewhere, as that of a worktree and of
 * a submodule does: git inside finds no repository there, and a note says how to fix it.
 *
 * The `.git` file is the untrusted directory's own, so what it names is only printed, never shown.
 */
import { posix } from 'node:path';
import { shellQuote } from '../options/index.js';
import type { Draft } from './draft.js';

const limit = 4096;

function textOf(draft: Draft, path: string): string | undefined {
  const bytes = draft.host.files.read(path, limit);
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
}

/** The git directory that the tree's `.git` file names, or the one that it shares with others. */
function gitDirectoryOf(draft: Draft): string | undefined {
  const { path } = draft.workdir;
  const { files } = draft.host;
  const file = posix.join(path, '.git');
  if (files.lstat(file)?.kind !== 'file') return undefined;
  const named = /^gitdir: (.+)$/m.exec(textOf(draft, file) ?? '')?.[1];
  const own = named === undefined ? undefined : files.realpath(posix.resolve(path, named));
  if (own === undefined) return undefined;
  const common = textOf(draft, posix.join(own, 'commondir'))?.trim();
  return common === undefined ? own : (files.realpath(posix.resolve(own, common)) ?? own);
}

export function noteGitElsewhere(draft: Draft): void {
  const directory = gitDirectoryOf(draft);
  if (directory === undefined || draft.tree.locate(directory).kind !== undefined) return;
  const word = shellQuote(directory);
  draft.note(
    `git finds no repository inside: its directory ${directory} is not mounted. Use --ro ${word} so that git can read it, or --cow ${word} so that it can commit`,
  );
}

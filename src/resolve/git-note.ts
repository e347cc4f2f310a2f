/**
 * A working directory whose git directory lies elsewhere, as that of a worktree and of
 * a submodule does: git inside finds no repository there, and a note says how to fix it.
 *
 * The `.git` file is the untrusted directory's own and may name anything (`gitdir: ~/.ssh`). So the note
 * advises to mount a directory only if that is a git directory which names this one as its worktree.
 */
import { posix } from 'node:path';
import { pathOption } from '../options/index.js';
import type { Draft } from './draft.js';
import { secretOf } from './secret-path.js';

const limit = 4096;

function textOf(draft: Draft, path: string): string | undefined {
  const bytes = draft.host.files.read(path, limit);
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
}

interface Elsewhere {
  /** The path that the `.git` file names. */
  readonly own: string;
  /** The git directory itself, or for a worktree the git directory that it shares with others. */
  readonly shared: string;
}

/** The git directory that the tree's `.git` file names. */
function gitDirectoryOf(draft: Draft, file: string): Elsewhere | undefined {
  const { files } = draft.host;
  if (files.lstat(file)?.kind !== 'file') return undefined;
  const named = /^gitdir: (.+)$/m.exec(textOf(draft, file) ?? '')?.[1];
  const own =
    named === undefined ? undefined : files.realpath(posix.resolve(posix.dirname(file), named));
  if (own === undefined) return undefined;
  const common = textOf(draft, posix.join(own, 'commondir'))?.trim();
  const shared = common === undefined ? own : files.realpath(posix.resolve(own, common));
  return { own, shared: shared ?? own };
}

/** Returns whether git would take it for a git directory; see is_git_directory() in git's setup.c. */
function looksLikeGit(draft: Draft, directory: string): boolean {
  const kindOf = (name: string) => draft.host.files.stat(posix.join(directory, name))?.kind;
  const parts = kindOf('objects') === 'directory' && kindOf('refs') === 'directory';
  return parts && kindOf('HEAD') === 'file';
}

/**
 * Returns whether a git directory names the `.git` file or its directory: a worktree's in `gitdir`, a submodule's
 * in `core.worktree`. The tree cannot make one that it does not contain say so.
 */
function namesBack(draft: Draft, own: string, file: string): boolean {
  const { files } = draft.host;
  const leadsTo = (named: string | undefined, path: string): boolean => {
    const found = named === undefined ? undefined : files.realpath(posix.resolve(own, named));
    return found !== undefined && found === files.realpath(path);
  };
  if (leadsTo(textOf(draft, posix.join(own, 'gitdir'))?.trim(), file)) return true;
  const config = textOf(draft, posix.join(own, 'config')) ?? '';
  const worktree = /^\s*worktree\s*=\s*"?(.*?)"?\s*$/im.exec(config)?.[1];
  return leadsTo(worktree, posix.dirname(file));
}

export function noteGitElsewhere(draft: Draft): void {
  const file = posix.join(draft.workdir.path, '.git');
  const found = gitDirectoryOf(draft, file);
  if (found === undefined || draft.tree.locate(found.shared).kind !== undefined) return;
  const { own, shared } = found;
  const isShown = draft.tree.locate(own).kind !== undefined; // then it may be made up, too
  const isOwn = !isShown && looksLikeGit(draft, shared) && namesBack(draft, own, file);
  if (!isOwn || secretOf(own) !== undefined || secretOf(shared) !== undefined) {
    draft.note(
      `git finds no repository inside: .git names ${shared}, which is not mounted, and which does not name this directory as its worktree`,
    );
    return;
  }
  const [read, commit] = [pathOption('--ro', shared), pathOption('--cow', shared)];
  const fix =
    read === undefined || commit === undefined
      ? 'No option can mount a path of that name'
      : `Use ${read} so that git can read it, or ${commit} so that it can commit`;
  draft.note(`git finds no repository inside: its directory ${shared} is not mounted. ${fix}`);
}

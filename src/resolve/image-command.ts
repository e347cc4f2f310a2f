/**
 * Finds what is executed of an image, as Docker has it: the image's Entrypoint, and behind it the command that was
 * given, or else the image's Cmd. A script or code of the user's is run by its interpreter alone.
 */
import { posix } from 'node:path';
import { UsageError } from '../errors/index.js';
import { spoken, suggest } from '../options/index.js';
import type { Draft } from './draft.js';
import { findInImage, isProgram } from './image-programs.js';
import { startsInImage } from './image-start.js';
import { pathEntries } from './path-entries.js';
import type { CommandSpec } from './spec.js';

/** A path that a program of the image uses, from where it starts. */
export function imagePath(draft: Draft, path: string): string {
  const { image, workdir } = draft;
  const start = startsInImage(draft) ? image?.config.workingDir : workdir.start.path;
  return posix.resolve(start ?? '/', path);
}

/** The words of the image and of the user, and the program that the first of them names. */
export function imageCommand(draft: Draft, given: readonly string[] | undefined): CommandSpec {
  const { image, options } = draft;
  const { entrypoint, cmd } = image?.config ?? { entrypoint: [], cmd: [] };
  // As in Docker, another entry point takes the image's arguments with it.
  const [entry, rest] =
    options.entrypoint === undefined
      ? [entrypoint, cmd]
      : [options.entrypoint === '' ? [] : [options.entrypoint], []];
  const argv = [...entry, ...(given ?? rest)];
  const [program] = argv;
  if (program === undefined || program === '') {
    throw new UsageError('ERR_NO_OPERAND', 'the image names no command, and none was given', {
      hint: spoken`Example: wasbox run --image ${options.image} -- /bin/sh`,
    });
  }
  return { path: programPath(draft, program), argv, display: given?.[0] ?? program };
}

function programPath(draft: Draft, program: string): string {
  if (program.includes('/')) {
    const path = imagePath(draft, program);
    const place = draft.tree.locate(path);
    if (isProgram(draft, place)) return path;
    if (place.kind === undefined) throw notInImage(draft, program);
    const what = place.kind === 'file' ? 'permission denied' : 'not a program';
    throw new UsageError('ERR_SCRIPT_UNREADABLE', `${program}: ${what} (in the image)`);
  }
  const path = findInImage(draft, program);
  if (path === undefined) throw notInImage(draft, program);
  return path;
}

function notInImage(draft: Draft, program: string): UsageError {
  const { tree, host } = draft;
  const bare = !program.includes('/');
  const names = bare
    ? pathEntries(draft).flatMap((directory) => {
        const { hostPath } = tree.locate(directory);
        return hostPath === undefined ? [] : host.files.list(hostPath);
      })
    : [];
  const near = suggest(program, names);
  return new UsageError(
    'ERR_SCRIPT_NOT_FOUND',
    bare
      ? `${program}: not found, neither as a file here nor in the image's PATH`
      : `${program}: no such file in the image`,
    near === undefined ? {} : { hint: `Did you mean ${near}?` },
  );
}

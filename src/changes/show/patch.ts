/**
 * A difference for `git apply`: unescaped bytes, so never for a terminal. Lines that start with `#|` show what
 * `apply` would refuse, or git does not accept in a patch.
 */
import { displayText, gitPath, Tally, visibleBytes } from '../../text/index.js';
import { shownPath } from '../files/path.js';
import type { Change } from '../model/index.js';
import type { FileDiff, FilePart } from './diff.js';
import { entryHeader, fileNames, hunkHeader } from './entry.js';
import { formatUnified } from './format.js';
import { notesOf } from './notes.js';

const pathOf = ({ path }: Change): string => gitPath(path);

/**
 * Names that git refuses in a patch, including those that mean `.git` on other file systems
 * (core.protectNTFS is on everywhere); for links there are more.
 */
function refusedName({ path, type }: Change): boolean {
  const names = path.toString('latin1').split(/[/\\]/);
  const refused =
    type === 'symlink'
      ? /^(\.git|git~1|\.gitmodules|gitmod~\d|gi7eb[0-9a-f~]*)[ .]*(:.*)?$/i
      : /^(\.git|git~1)[ .]*(:.*)?$/i;
  return names.some((name) => refused.test(name));
}

/** Why a path is not in the patch; undefined if it is. */
function leftOut({ change, from, parts, refused }: FileDiff): string | undefined {
  if (refused !== undefined) return refused;
  if (refusedName(change) || (from !== undefined && refusedName(from))) {
    return 'git does not accept this name in a patch';
  }
  const { before, after } = change;
  const special = before !== undefined && !['file', 'directory', 'symlink'].includes(before.type);
  if (special && after !== undefined) return 'git cannot replace a device, FIFO or socket';
  const whole = parts.every(({ hashes, binary }) => hashes === undefined || binary !== undefined);
  return whole ? undefined : 'it is too large, or cannot be read';
}

function partLines(diff: FileDiff, part: FilePart, tally: Tally): string[] {
  const out = entryHeader(diff, part, pathOf).map(toBytes);
  if (out.length === 1 && part.hunks.length === 0 && part.hashes === undefined) return [];
  if (part.hunks.length > 0) {
    const [old, now] = fileNames(diff, part, pathOf);
    out.push(toBytes(`--- ${old}`), toBytes(`+++ ${now}`));
  }
  for (const hunk of part.hunks) {
    out.push(hunkHeader(hunk));
    for (const line of hunk.lines) {
      out.push(line);
      visibleBytes(Buffer.from(line, 'latin1'), tally);
    }
  }
  return [...out, ...(part.binary ?? [])];
}

/** One character per byte, like the lines of a hunk. */
const toBytes = (text: string): string => Buffer.from(text).toString('latin1');

/** The difference of one path, made by `diffRun` with `patch`, in bytes. */
export function formatPatch(diff: FileDiff): Buffer {
  const path = shownPath(diff.change);
  const why = leftOut(diff);
  if (why !== undefined) {
    const shown = formatUnified(diff).slice(0, -1).replaceAll('\n', '\n#| ');
    return Buffer.from(`${displayText(`# ${path}: not in this patch: ${why}`)}\n#| ${shown}\n`);
  }
  const tally = new Tally();
  const lines = diff.parts.flatMap((part) => partLines(diff, part, tally));
  const counted = tally.notes('not escaped here:').map((note) => `${path}: ${note}`);
  const notes = [...notesOf(diff), ...counted].map((note) => toBytes(`# ${displayText(note)}`));
  return Buffer.from([...notes, ...lines].map((line) => `${line}\n`).join(''), 'latin1');
}

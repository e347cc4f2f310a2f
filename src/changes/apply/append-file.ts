/** Writes the run's text behind the host's, of a file that the run did not see. */
import { openToRead, stateOfFd, withFd } from '../files/fdtree.js';
import type { Change } from '../model/index.js';
import { sameHost } from '../store/base.js';
import type { Session } from '../store/session.js';
import { placeText, textIn } from './merge-file.js';
import { hostChanged, unseen } from './refusal.js';
import type { Placer, Target } from './target.js';

const ended = (text: string): string => (text === '' || text.endsWith('\n') ? text : `${text}\n`);

/** Returns whether the host's file has the run's lines already, one after the other. */
const holds = (ours: string, theirs: string): boolean =>
  `\n${ended(ours)}`.includes(`\n${ended(theirs)}`);

/**
 * @param upper the layer's directory that holds the run's version
 * @returns false if the host's file has the run's lines already
 * @throws RefusedError if either is not a text file up to 1 MiB
 */
export function appendFile(
  session: Session,
  placer: Placer,
  change: Change,
  target: Target,
  upper: number,
): boolean {
  const { before, after } = change;
  if (before?.type !== 'file' || after?.type !== 'file') throw unseen(change);
  const ours = withFd(openToRead(session.native, target.fd, target.name), (fd) => {
    if (!sameHost(stateOfFd(fd), before)) throw hostChanged();
    return textIn(fd);
  });
  const theirs = withFd(session.layer.openFile(upper, target.name), textIn);
  if (holds(ours, theirs)) return false;
  const text = ended(ours) + theirs;
  placeText(session, placer, target, { before, after, text, mode: before.mode & 0o777 });
  return true;
}

/**
 * Words that other tools have for the same purpose, with what to write here. Used for the hint of a first word that is
 * no verb and names nothing to run: none of them is accepted.
 *
 * Sources: docker(1), podman(1), git(1), uv, npm, systemctl(1).
 */
import { runOptionTable } from '../options/index.js';

const rows: readonly (readonly [words: string, hint: string])[] = [
  [
    'list history log logs status changes results all last',
    'To list runs with saved changes: wasbox runs\nTo list what runs now: wasbox ps',
  ],
  ['running top jobs processes containers sandboxes', 'To list what runs now: wasbox ps'],
  ['show view inspect see changed review patch', 'To show what a run changed: wasbox diff'],
  [
    'undo revert rollback reset restore remove delete drop reject forget abandon',
    "To drop a run's changes, of which nothing was applied: wasbox discard",
  ],
  [
    'accept commit save merge keep approve confirm push sync export',
    "To write a run's changes to your files: wasbox apply",
  ],
  ['clean cleanup prune gc purge', 'To drop the changes of all runs: wasbox discard --all'],
  ['cancel terminate abort end halt down', 'To stop what runs: wasbox stop'],
  ['start up create new open begin', 'To start a sandbox that stays: wasbox session start'],
  ['attach enter connect join', 'To run a command in a session: wasbox exec NAME -- COMMAND'],
  ['shell terminal console interactive', 'To start a shell inside: wasbox run -- bash'],
  [
    'add packages dependencies requirements',
    'To install packages for a script: wasbox run --with requests,rich SCRIPT',
  ],
  ['pull images', 'For images: wasbox image'],
  ['explain reason diagnose debug trace', 'To see what the last run here lacked: wasbox why'],
  ['verify selftest info', 'To check this machine: wasbox doctor'],
  ['init setup login register config configure', 'Not needed: wasbox run SCRIPT'],
  ['ver version', 'To show the version: wasbox --version'],
  ['usage commands manual', 'To list the commands: wasbox --help'],
  ['python', 'To run code: wasbox run --lang python -c CODE'],
];

const hints = new Map(rows.flatMap(([words, hint]) => words.split(' ').map((one) => [one, hint])));

/** An option that stands where a verb would, as `wasbox with`. */
function ofOption(word: string): string | undefined {
  const found = runOptionTable.find(({ name }) => name === word);
  if (found === undefined) return undefined;
  if (found.name === 'code') return 'To run code: wasbox run -c CODE';
  const value = 'metavar' in found ? ` ${found.metavar}` : '';
  return `--${word} is an option: wasbox run --${word}${value} SCRIPT`;
}

/** Returns what to write here for a word; undefined where none is known. */
export const foreignVerb = (word: string): string | undefined => hints.get(word) ?? ofOption(word);

/** All hints, for the test that holds them to the verbs and options that there are. */
export const foreignVerbHints: readonly string[] = rows.map(([, hint]) => hint);

/** Words that completions ask for when they are needed: run ids, calls, groups. */
import { listRuns } from '../../changes/index.js';
import { builtinNames, init, listGroups } from '../../policy/index.js';
import { displayText } from '../../text/index.js';
import { userStore } from '../verb.js';

export const wordLists = ['runs', 'calls', 'groups', 'policies'] as const;
export type WordList = (typeof wordLists)[number];

export const isWordList = (name: unknown): name is WordList =>
  wordLists.some((list) => list === name);

/** The words of a list, and what stands beside each in shells that show it. */
export async function wordsOf(list: WordList): Promise<[word: string, about: string][]> {
  if (list === 'runs') {
    return listRuns(userStore()).map(({ id, argv }) => [id, displayText(argv.join(' '))]);
  }
  if (list === 'policies') return builtinNames().map((name) => [name, 'built-in policy']);
  await init();
  const groups = listGroups();
  if (list === 'groups') {
    return [...groups].map(([name, members]) => [`@${name}`, `${members.length} calls`]);
  }
  return (groups.get('known') ?? []).map((name) => [name, '']);
}

/** The options of `wasbox session`. */
import { type OptionEntry, runOptionTable } from '../options/index.js';
import { flag, type VerbDescription } from './verb.js';

/** Options about one program, its terminal and its report. */
const left = new Set([
  ...['code', 'ask', 'report', 'html', 'json', 'dryRun', 'tty', 'quiet', 'verbose', 'help'],
  ...['version', 'audit', 'changes', 'outputBytes', 'lang'],
]);

export const defaultIdleMs = 60 * 60 * 1000;

const own: readonly OptionEntry[] = [
  {
    name: 'name',
    kind: 'text',
    metavar: 'NAME',
    group: 'Program',
    help: 'start, fork: call it NAME',
    default: 'the ID of its run',
    property: 'name',
    scope: 'cli',
  },
  {
    name: 'snapshot',
    kind: 'text',
    metavar: 'SNAPSHOT',
    group: 'Program',
    help: 'fork: start from this snapshot',
    default: 'the current state',
    property: 'snapshot',
    scope: 'cli',
  },
  {
    name: 'idle',
    kind: 'duration',
    metavar: 'TIME',
    min: 100,
    max: 24 * 24 * 3600 * 1000,
    unlimited: true,
    group: 'Limits',
    help: 'end it after TIME without a command; none: never',
    default: '1h',
    property: 'idleMs',
    scope: 'cli',
  },
  {
    ...flag('foreground', 'hold it in this process, in the foreground'),
    group: 'Program',
  },
  { ...flag('quiet', 'print its name only'), short: 'q' },
  flag('json', 'ls, publish: print them as JSON'),
];

/** `lang` shows an installation in the home, so it is the session's. */
const ofRuns = (runOptionTable as readonly OptionEntry[]).filter(
  ({ property }) => property === 'lang' || !left.has(property),
);

export const sessionDescription: VerbDescription = {
  name: 'session',
  what: 'Start a sandbox that stays for several commands, list running ones, and go back to an earlier state of the files or fork it. `wasbox exec` runs a command in it, `wasbox session stop NAME`, or `wasbox stop NAME`, ends it; it also ends after a time without a command. What it changed is saved as a run, for `wasbox diff`, `wasbox apply` and `wasbox discard`. A process of its own holds it, which needs Node.js. snapshot records the state of the files under a label; rollback restores the last snapshot or the one you name; release drops a snapshot. fork starts a separate session from the current state or from a snapshot. publish lets this machine reach a port inside, as the option --publish does from the start, and without a port lists them; unpublish ends that. Snapshots do not include processes: taking one ends what commands have left running.',
  usage:
    'start|ls|stop|snapshot|rollback|fork|release|publish|unpublish [options] [NAME [SNAPSHOT|PORT]]',
  options: [
    ...own,
    ...ofRuns.map((entry) =>
      entry.property === 'lang'
        ? { ...entry, help: 'show the installation of this language, if it is in your home' }
        : entry,
    ),
  ],
  maxOperands: 3,
};

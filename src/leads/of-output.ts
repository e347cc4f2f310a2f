/**
 * Says what a program of the library, of a session or of an agent may have lacked, by what it wrote last: its output
 * passes through wasbox anyway, and nothing else of the program is read.
 */
import { posix } from 'node:path';
import type { Host } from '../host/index.js';
import { spoken } from '../options/index.js';
import type { SandboxSpec } from '../resolve/index.js';
import { type Language, languageOf } from './languages.js';
import { lastOutputOf } from './last-output.js';
import { withheld } from './leads.js';
import { namedLimits } from './named-limits.js';
import { localServers } from './named-ports.js';
import { pathOf } from './on-path.js';
import { packagesLacked } from './told-packages.js';

/** A program that failed. */
interface Program {
  readonly argv: readonly string[];
  /** Names of its variables. */
  readonly passed: ReadonlySet<string>;
  /** The command that starts another sandbox with an option, where the program's own start does not take it. */
  readonly start?: string | undefined;
}

/**
 * Lines in the words of the interface in use.
 * @param tail the end of its output
 * @param host of the program that uses the library
 */
export function leadsOfOutput(
  spec: SandboxSpec,
  { argv, passed, start }: Program,
  tail: Uint8Array,
  host: Host,
): string[] {
  const last = lastOutputOf(tail);
  const [word = spec.command.path] = argv;
  const inside = { ...host, env: { PATH: spec.env.PATH } };
  const path = word.includes('/') ? word : (pathOf(inside, word) ?? word);
  const installed: Language = languageOf(spec.command.path) ?? 'Python';
  const run = {
    spec: { ...spec, command: { ...spec.command, path } },
    report: { argv: [], command: word },
    text: '',
    script: posix.join(host.cwd() ?? '/', 'code'),
    words: undefined,
    offered: { packages: [], options: [], secrets: [] },
    start,
    again(language: Language, names: readonly string[]): string {
      if (language !== installed || language === 'Ruby') return '';
      const what = `with ${names.length === 1 ? 'it' : 'them'}`;
      return start === undefined
        ? spoken`. To run ${what}: --with ${names.join(',')}`
        : `. To start one ${what}: ${start} --with ${names.join(',')}`;
    },
  };
  return [
    ...withheld((name) => last.words.has(name) && !passed.has(name), run, host),
    ...packagesLacked(run, last, host),
    ...localServers(run, last.ports),
    ...namedLimits(spec, [], last, start),
  ];
}

/**
 * The first part of `wasbox run` without Node: from the command line to a start that the native command
 * makes (src/fastpath/entry.ts). What goes beyond one plain run, and what fails, is the command line's, which the
 * native command then has carried out.
 */
import { newRecord, type TreeIdentity, withHome } from '../changes/index.js';
import { LeaveToNode } from '../errors/index.js';
import {
  argumentCount,
  type Entry,
  type EntryParts,
  encodeEntry,
  entryPlan,
  fitsEntry,
  mayHoldSecret,
  WB_ENTRY_MAX,
} from '../fastpath/index.js';
import { recordedHost } from '../host/index.js';
import { privateRootUnmade } from '../launch/index.js';
import { parseRunArguments, type RunArguments } from '../options/index.js';
import { compileFilters } from '../plan/index.js';
import { keptTrees, resolveSpec } from '../resolve/index.js';
import { bytesOfHex } from '../text/index.js';
import { birthOf, engineHost } from './host.js';

declare const machine: {
  check(bytes: ArrayBufferLike, from: number, size: number): number;
};

const checkInC = ({ buffer, byteOffset, byteLength }: Uint8Array): number =>
  machine.check(buffer, byteOffset, byteLength);

/**
 * Options that make a run Node's from its start: more is told of it than the native command can. addon/fastpath/beyond.c
 * knows them, too, so as not to ask here.
 */
const beyond = [
  'help',
  'version',
  'dryRun',
  'report',
  'html',
  'json',
  'verbose',
  'audit',
  'ask',
] as const;

/** So many names are searched in a moment; the command line says at a terminal how far a longer search is. */
const longSearch = 200_000;

function plainOptions(argv: readonly string[]): RunArguments {
  const options = parseRunArguments(argv, (text) => {
    throw new LeaveToNode(text);
  });
  const found = beyond.find((name) => options[name as keyof RunArguments] !== undefined);
  if (found !== undefined) throw new LeaveToNode(found);
  if (options.continue !== undefined) throw new LeaveToNode('continue');
  if (options.home === 'cow') throw new LeaveToNode('home');
  return options;
}

/** Takes an entry, and whether its start may be made again: its questions were all recorded. */
export type HandOver = (bytes: ArrayBuffer, lasting: boolean) => void;

/**
 * Hands over first what the start needs, then, while the sandbox is made, the whole entry. A rejection is left to the
 * command line.
 */
export async function startOf(
  given: readonly (string | undefined)[],
  key: string,
  handOver: HandOver,
): Promise<void> {
  const argv = given.filter((word) => word !== undefined);
  if (argv.length < given.length) throw new LeaveToNode('words that are not UTF-8');
  const [verb = '', ...rest] = argv;
  // The rule is that of addon/fastpath/main.c: a word with a dot or a slash is no verb, but what to run.
  if (verb !== 'run' && !/^[^-].*[./]|^[./]/.test(verb)) throw new LeaveToNode('another verb');
  const words = verb === 'run' ? rest : argv;
  const host = engineHost();
  if (host.env.WASBOX !== undefined) throw new LeaveToNode('perhaps inside a sandbox');
  const options = plainOptions(words);
  const recording = recordedHost(host);
  // This is not recorded: it only says who searches.
  const watched = host.stream(2) === 'terminal';
  const spec = resolveSpec(options, recording.host, {
    terminal: 'auto',
    tellsPorts: options.quiet !== true,
    onSearch: (names) => {
      if (watched && names > longSearch) throw new LeaveToNode('a search that shows its progress');
    },
  });
  if (!fitsEntry(spec)) throw new LeaveToNode('more than an entry holds');
  const [workdir, ...homes] = keptTrees(spec.views).map((tree): TreeIdentity => {
    const info = host.files.stat(tree.path);
    if (info === undefined) throw new LeaveToNode('the working directory or the home is gone');
    const [dev, ino] = [info.dev.toString(), info.ino.toString()];
    const identity = { path: tree.path, dev, ino, birthNs: birthOf(tree.path) };
    return withHome(identity, tree);
  });
  if (workdir === undefined) throw new LeaveToNode('no working directory');
  const { limits, command } = spec;
  const filters = await compileFilters(spec);
  const line = { argv, argumentCount: argumentCount(options) };
  const record = newRecord({
    command: command.display,
    argv: command.argv,
    trees: [workdir, ...homes],
    discard: spec.changes === 'discard',
  });
  const entry: Entry = {
    cacheKey: bytesOfHex(key) ?? new Uint8Array(),
    ...line,
    reads: recording.reads(),
    plan: entryPlan(line, spec, { ...filters, privateRoot: privateRootUnmade(spec) }),
    record,
    reportContext: { spec, quiet: options.quiet === true, verbose: false },
    timeoutMs: limits.timeoutMs ?? 0,
    graceMs: limits.graceMs,
    madeAt: new Date(),
  };
  const encode = (parts: EntryParts) => encodeEntry(entry, parts, checkInC)?.slice().buffer;
  const start = encode('start');
  // A large start may be too large with its report.
  const isLarge = (start?.byteLength ?? 0) > WB_ENTRY_MAX / 8;
  if (start === undefined || (isLarge && encode('without-reads') === undefined)) {
    throw new LeaveToNode('no form for it');
  }
  handOver(start, false);
  // The entry cannot be whole with too many questions, say: the start is made, and not saved.
  const whole = encode('all');
  if (whole !== undefined) {
    handOver(whole, recording.obstacle() === undefined && !mayHoldSecret(options, spec));
    return;
  }
  const unsaved = encode('without-reads');
  if (unsaved !== undefined) handOver(unsaved, false);
  throw new LeaveToNode('no form for its questions');
}

/**
 * Compares the engine's starts with Node's, for random inputs. Bundled beside an installation's cli.js and
 * run as the user; writes what it found as JSON to stdout.
 *
 *   peer STARTER ENGINE PLACE SEED COUNT
 */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { cacheKeySize, entryLayout } from '../../../src/fastpath/entry.generated.js';
import {
  argumentCount,
  encodeEntry,
  entryPlan,
  fitsEntry,
  mayHoldSecret,
} from '../../../src/fastpath/index.js';
import { landlockMinimumAbi, realHost, recordedHost } from '../../../src/host/index.js';
import type { PlannedStart } from '../../../src/launch/index.js';
import { launch } from '../../../src/launch/launch.js';
import { loadNative } from '../../../src/native/locate.js';
import { parseRunArguments } from '../../../src/options/index.js';
import { resolveSpec } from '../../../src/resolve/index.js';
import { type Input, Inputs } from './inputs.js';
import { Random } from './random.js';
import { Starter } from './starter.js';
import { Tree } from './tree.js';

export interface Found {
  equal: number;
  /** The number of inputs that both refuse, in the same words. */
  refused: number;
  /** The number of inputs that the engine leaves, or Node does in another way than a plain start. */
  left: number;
  /** The inputs that the engine left to Node, which would have started it: why, and how often. */
  readonly needless: Record<string, number>;
  /** Node could not make the run's directory. */
  unmade: number;
  readonly differences: { readonly index: number; readonly what: string; readonly input: Input }[];
}

const [program = '', engine = '', place = '', seed = '', count = ''] = process.argv.slice(2);
const perTree = 20;
const planned = new Error('planned');
const left = new Error('to be left to Node');
const { native } = loadNative();

/** Opens what streams may be: each opened once, and the same for both. */
function openStreams(): readonly number[] {
  const file = join(place, 'stream');
  fs.writeFileSync(file, 'x');
  const fifo = join(place, 'fifo');
  spawnSync('mkfifo', [fifo]);
  return [
    fs.openSync('/dev/null', 'r+'),
    fs.openSync(file, 'r'),
    fs.openSync(fifo, 'r+'),
    fs.openSync('/dev/ptmx', fs.constants.O_RDWR | fs.constants.O_NOCTTY),
  ];
}

const streams = openStreams();
const out = fs.openSync(join(place, 'out'), 'a+');

const starter = new Starter([program, engine], place, [out, ...streams]);

/** Does what `wasbox run` does: parse, resolve, plan, record. */
async function inNode({
  cwd,
  words,
  env,
  streams: kinds,
}: Input): Promise<{ readonly entry: Uint8Array; readonly lasting: boolean } | 'unmade'> {
  for (const name of Object.keys(process.env)) delete process.env[name];
  for (const [name, value] of Object.entries(env)) process.env[name] = value;
  process.chdir(cwd);
  const stdio = [streams[kinds[0]] ?? 0, out, streams[kinds[1]] ?? 2] as const;
  const options = parseRunArguments(words);
  const { help, version, dryRun, report, html, json, verbose, audit, ask } = options;
  const more = [help, version, dryRun, report, html, json, verbose, audit, ask];
  if (more.some((value) => value !== undefined)) throw left;
  const host = realHost({ native, stdio });
  const recording = recordedHost(host);
  const spec = resolveSpec(options, recording.host, {
    terminal: 'auto',
    tellsPorts: options.quiet !== true,
  });
  if (spec.net === 'rules' || spec.landlockAbi < landlockMinimumAbi) throw left;
  if (!fitsEntry(spec)) throw left;
  let start: PlannedStart | undefined;
  try {
    await launch(spec, {
      stdio: [...stdio],
      onPlan(made) {
        start = made;
        throw planned;
      },
    });
  } catch (error) {
    if (error instanceof Error && error.name === 'PolicyError') throw error; // before anything is made
    if (error !== planned) return 'unmade';
  }
  const { inputs, run } = start ?? {};
  if (inputs === undefined || run === undefined) throw left;
  const line = { argv: ['run', ...words], argumentCount: argumentCount(options) };
  const { id: _id, started: _started, baselineNs: _baseline, ...record } = run.record;
  const entry = encodeEntry({
    ...line,
    cacheKey: new Uint8Array(cacheKeySize),
    reads: recording.reads(),
    plan: entryPlan(line, spec, inputs),
    record: { ...record, status: 'running' },
    reportContext: { spec, quiet: options.quiet === true, verbose: false },
    timeoutMs: spec.limits.timeoutMs ?? 0,
    graceMs: spec.limits.graceMs,
    madeAt: new Date(),
  });
  if (entry === undefined) throw left;
  return { entry, lasting: recording.obstacle() === undefined && !mayHoldSecret(options, spec) };
}

/** Zeros where two starts differ: the time, and the sum over all. */
function masked(bytes: Uint8Array): Buffer {
  const entry = Buffer.from(bytes);
  entry.fill(0, entryLayout.check.offset, entryLayout.check.offset + 4);
  entry.fill(0, entryLayout.madeS.offset, entryLayout.madeS.offset + 8);
  return entry;
}

/** The part of an entry that a byte lies in, and what stands around it in both. */
function around(a: Buffer, b: Buffer): string {
  const at = a.findIndex((byte, i) => byte !== b[i]);
  const starts = ['recordedReads', 'argv', 'plan', 'record', 'reportContext'] as const;
  const part = starts
    .map((name) => ({ name, from: a.readUInt32LE(entryLayout[name].offset) }))
    .filter(({ from }) => from <= at)
    .sort((x, y) => y.from - x.from)[0]?.name;
  const texts = ['plan', 'record', 'reportContext'] as const;
  const text = texts.flatMap((name) => {
    const slices = [a, b].map((whole) => {
      const from = whole.readUInt32LE(entryLayout[name].offset);
      return whole.subarray(from, from + whole.readUInt32LE(entryLayout[`${name}Size`].offset));
    });
    const [x = a, y = b] = slices;
    const first = x.findIndex((byte, i) => byte !== y[i]);
    if (first < 0 && x.length === y.length) return [];
    const near = (one: Buffer) => one.toString('latin1', Math.max(0, first - 80), first + 120);
    return [`${name} at ${first}: ${JSON.stringify(near(x))} / ${JSON.stringify(near(y))}`];
  });
  const near = (one: Buffer) => one.toString('latin1', at - 80, at + 80);
  return `${text.join('; ')}; ${part} at ${at}: ${JSON.stringify(near(a))} / ${JSON.stringify(near(b))}`;
}

/** Returns the words that src/engine/main.ts has for an error. */
const wordsOf = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error);

/** Returns whether the engine left it: that is no error of wasbox, whose classes have names. */
const isLeft = (why: string): boolean => why.startsWith('Error: ');

async function compare(input: Input, found: Found): Promise<string | undefined> {
  const made = starter.make(input);
  let expected: Awaited<ReturnType<typeof inNode>>;
  try {
    expected = await inNode(input);
  } catch (error) {
    if (!('why' in made)) return `started by the engine, but in Node: ${error}`;
    if (error === left || isLeft(made.why)) {
      found.left += 1;
      return undefined;
    }
    const said = wordsOf(error);
    if (made.why !== said) return `refused: ${JSON.stringify(made.why)} / ${JSON.stringify(said)}`;
    found.refused += 1;
    return undefined;
  }
  if ('why' in made) {
    found.left += 1;
    found.needless[made.why] = (found.needless[made.why] ?? 0) + 1;
    return undefined;
  }
  if (expected === 'unmade') {
    found.unmade += 1;
    return undefined;
  }
  const [a, b] = [masked(made.entry), masked(expected.entry)];
  if (made.lasting !== expected.lasting) return `lasting: ${made.lasting} / ${expected.lasting}`;
  if (!a.equals(b)) return around(a, b);
  found.equal += 1;
  return undefined;
}

const found: Found = { equal: 0, refused: 0, left: 0, needless: {}, unmade: 0, differences: [] };
for (let index = 0, trees = 0; index < Number(count); trees++) {
  const random = new Random(Number(seed) + trees);
  const root = join(place, `tree-${trees}`);
  const tree = new Tree(random, root);
  const inputs = new Inputs(random, tree, join(root, 'state'));
  for (let i = 0; i < perTree && index < Number(count); i++, index++) {
    const input = inputs.make();
    const what = await compare(input, found);
    if (what !== undefined && found.differences.length < 100) {
      found.differences.push({ index, what, input });
    }
  }
  tree.open();
  process.chdir('/');
  fs.rmSync(root, { recursive: true, force: true });
}
starter.end();
process.stdout.write(JSON.stringify(found));

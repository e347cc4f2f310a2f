/**
 * Resolving for a program that makes many runs with the same options: what they resolved
 * to holds as long as the host answers each question of the first time as it did then, as for the
 * native command (host/recorded.ts).
 *
 * Answers about what only root can change hold for a second (host/cached.ts); all others are asked
 * for each run.
 */
import {
  answersSo,
  cachedHost,
  type Host,
  isSystemPath,
  memoryMs,
  type RecordedRead,
  type RepeatedHost,
  recordedHost,
} from '../host/index.js';
import { asksQuestions, callProperties, type ResolveOptions } from '../options/index.js';
import { drawAgain, hasDrawnBlock } from './identity.js';
import { resolveSpec } from './resolve.js';
import type { SandboxSpec } from './spec.js';

/** Sets of options that are remembered at most; and their size as JSON. */
const maxKnown = 64;
const maxKeyLength = 16_384;

/** Tells whether the host answers questions as it did. */
type Agreement = (host: Host) => boolean;

interface Known {
  readonly spec: SandboxSpec;
  /** The host is asked these again for each run; of `lasting`, an answer from a second ago is good enough. */
  readonly asked: Agreement;
  readonly lasting: Agreement;
  /** When the lasting ones were last asked, by the clock. */
  since: number;
}

/** `once`: seen for the first time; `never`: not to be recorded. */
type Memory = Known | 'once' | 'never';

export class SpecCache {
  readonly #now: () => number;
  readonly #known = new Map<string, Memory>();

  /** @param now milliseconds; @default the monotonic clock */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /**
   * Does what {@link resolveSpec} does. For equal options on an equal host it gives the same object, but that a run as
   * root has ids of its own.
   * @throws UsageError where the options ask for something that cannot be
   */
  resolve(options: ResolveOptions, host: RepeatedHost): SandboxSpec {
    const key = keyOf(options, host);
    const known = key === undefined ? 'never' : this.#known.get(key);
    if (key === undefined || known === 'never') return resolveSpec(options, cachedHost(host));
    if (known === undefined) {
      // Recording takes longer: not for what is never asked again.
      const spec = resolveSpec(options, cachedHost(host));
      this.#remember(key, 'once');
      return spec;
    }
    if (known !== 'once' && this.#holds(known, host)) {
      const spec = forAnotherRun(known.spec, host);
      if (spec !== undefined) return spec;
    }
    this.#known.delete(key);
    const since = this.#now();
    const recording = recordedHost(host);
    let drew = false;
    const random = (below: number): number => {
      drew = true;
      return host.random(below);
    };
    // This is not a copy: to read all properties would be to ask for all.
    const recorded: Host = Object.create(recording.host, { random: { value: random } });
    const spec = resolveSpec(options, recorded);
    const reads = recording.reads();
    const lasting = agreementOf(reads.filter(isLasting), host);
    const asked = agreementOf(
      reads.filter((read) => !isLasting(read)),
      host,
    );
    const repeatable =
      recording.obstacle() === undefined && (!drew || hasDrawnBlock(spec.identity));
    this.#remember(key, repeatable ? { spec, asked, lasting, since } : 'never');
    return spec;
  }

  #remember(key: string, memory: Memory): void {
    for (const oldest of this.#known.keys()) {
      if (this.#known.size < maxKnown) break;
      this.#known.delete(oldest);
    }
    this.#known.set(key, memory);
  }

  #holds(known: Known, host: Host): boolean {
    const now = this.#now();
    if (!known.asked(host)) return false;
    if (now - known.since <= memoryMs) return true;
    known.since = now;
    return known.lasting(host);
  }
}

/** Asks as many at once as the host can. */
function agreementOf(reads: readonly RecordedRead[], host: RepeatedHost): Agreement {
  const together = host.agreement?.(reads);
  const single = together === undefined ? reads : together.rest;
  return (now) =>
    single.every((read) => answersSo(now, read)) && (together === undefined || together.holds());
}

/** Returns the spec for another run; undefined where it must be resolved again. */
function forAnotherRun(spec: SandboxSpec, host: Host): SandboxSpec | undefined {
  if (!hasDrawnBlock(spec.identity)) return spec;
  const identity = drawAgain(spec.identity, host);
  return identity && { ...spec, identity };
}

/** Returns whether an old answer is good enough for a moment: about what is there, and root's. */
function isLasting(read: RecordedRead): boolean {
  if (read.kind === 'mounts' || read.kind === 'proc-mounts') return true;
  if (read.kind === 'landlock') return true;
  if (!('path' in read) || read.kind === 'list') return false;
  return isSystemPath(read.path) && read.answer !== undefined && read.answer !== false;
}

/** Returns a run's options and the process's identity as text; undefined if they are not plain data. */
function keyOf(options: ResolveOptions, host: Host): string | undefined {
  const { uid, gid, nested } = host;
  const own: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || callProperties.includes(name)) continue;
    if (!isPlain(value)) return undefined;
    own[name] = value;
  }
  const ask = asksQuestions(options);
  // Streams are not of the host but of the call: runs with other streams have their own entries.
  const streams = ([0, 1, 2] as const).map((index) => host.stream(index));
  const key = JSON.stringify([uid, gid, nested, ask, streams, own]);
  return key.length > maxKeyLength ? undefined : key;
}

function isPlain(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value === 'string' || typeof value === 'boolean') return true;
  if (Array.isArray(value)) return value.every(isPlain);
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  return Object.values(value).every((item) => item === undefined || isPlain(item));
}

const specs = new SpecCache();

/** Resolves with the memory that all runs of this process share. */
export const resolveWithCache = (options: ResolveOptions, host: RepeatedHost): SandboxSpec =>
  specs.resolve(options, host);

/**
 * Records a start that came through the native command, so that the next one like it
 * needs no Node. The native command says so in an environment variable, with the cache key.
 */

import { type Host, type Recording, recordedHost } from '../host/index.js';
import type { PlannedStart } from '../launch/index.js';
import type { SandboxSpec } from '../resolve/index.js';
import { bytesOfHex } from '../text/index.js';
import { type CommandLine, entryWords, openCount } from './command-line.js';
import { cacheKeySize } from './entry.generated.js';
import { encodeEntry, entryName, entryPlan } from './entry.js';
import { fitsEntry } from './fits.js';
import { saveEntry } from './save.js';
import { fastpathVariable } from './variable.js';

/** The cache key that the native command passed on; it is for this process alone. */
export function takeCacheKey(env: NodeJS.ProcessEnv = process.env): Uint8Array | undefined {
  const text = env[fastpathVariable];
  delete env[fastpathVariable];
  const key = text === undefined ? undefined : bytesOfHex(text);
  return key?.length === cacheKeySize ? key : undefined;
}

/** How much is reported about a run. Where more is wanted than a summary, Node runs each time. */
export interface TellingOptions {
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** A report is written, or anything else that the native command knows nothing of. */
  readonly report: boolean;
}

export class Recorder {
  readonly #cacheKey: Uint8Array;
  readonly #line: CommandLine;
  readonly #recording: Recording;
  #start:
    | {
        readonly spec: SandboxSpec;
        readonly planned: PlannedStart;
      }
    | undefined;

  constructor(cacheKey: Uint8Array, line: CommandLine, host: Host) {
    this.#cacheKey = cacheKey;
    this.#line = line;
    this.#recording = recordedHost(host);
  }

  /** The host to resolve with. */
  get host(): Host {
    return this.#recording.host;
  }

  /** Why the start cannot be made again; undefined where nothing that was asked keeps it from that. */
  get obstacle(): string | undefined {
    return this.#recording.obstacle();
  }

  /** Returns whether a start of this spec can be made again. */
  repeats(spec: SandboxSpec): boolean {
    return fitsEntry(spec) && this.obstacle === undefined;
  }

  /** Notes what the start is made of. */
  started(spec: SandboxSpec, planned: PlannedStart): void {
    this.#start = { spec, planned };
  }

  /** Saves the start if it can be made again. After the payload's end, so that nothing waits for it. */
  save(telling: TellingOptions): boolean {
    const { planned, spec } = this.#start ?? {};
    if (planned === undefined || spec === undefined || telling.report || telling.verbose) {
      return false;
    }
    const { run, inputs } = planned;
    if (run === undefined || !this.repeats(spec)) return false;
    const { limits, state } = spec;
    const { id: _id, started: _started, baselineNs: _baseline, ...record } = run.record;
    const { argv } = this.#line;
    const line = { argv, argumentCount: openCount(this.#line, run.record.argv) };
    const bytes = encodeEntry({
      cacheKey: this.#cacheKey,
      ...line,
      reads: this.#recording.reads(),
      plan: entryPlan(line, spec, inputs),
      record: { ...record, status: 'running' },
      reportContext: { spec, quiet: telling.quiet, verbose: telling.verbose },
      timeoutMs: limits.timeoutMs ?? 0,
      graceMs: limits.graceMs,
      madeAt: new Date(),
    });
    const name = entryName(this.#cacheKey, entryWords(line));
    return bytes !== undefined && saveEntry(state.directory, name, bytes);
  }
}

/**
 * The only user of the module's memory. Each function is one call: it resets the
 * arena, writes the input, and copies the result out before anything else can run.
 */
import { WasboxError } from '../errors/index.js';
import type { CoreInstance } from './exports.js';
import * as layout from './layout.generated.js';
import { core, discardInstance } from './load.js';
import type {
  CoreComparison,
  CoreDiagnostic,
  CoreEvent,
  CoreRequest,
  CoreResult,
  CoreRun,
  OwnBytes,
} from './types.js';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Words and bytes of the memory. */
export class Memory {
  readonly #core: CoreInstance;

  constructor(core: CoreInstance) {
    this.#core = core;
  }

  get exports(): CoreInstance['exports'] {
    return this.#core.exports;
  }

  bytes(at: number, size: number): OwnBytes {
    return this.#core.read(at, size);
  }

  words(at: number, count: number): Uint32Array {
    return new Uint32Array(this.#core.read(at, count * 4).buffer);
  }

  text(at: number, size: number): string {
    return decoder.decode(this.bytes(at, size));
  }

  put(bytes: Uint8Array): number {
    return this.#core.put(bytes);
  }

  putWords(words: ArrayLike<number>): number {
    return this.put(new Uint8Array(Uint32Array.from(words).buffer));
  }

  /** A `wb_name`, or undefined for 0. */
  name(at: number): string | undefined {
    if (at === 0) return undefined;
    const words = this.words(at, layout.nameWords.size);
    return this.text(words[0] ?? 0, words[1] ?? 0);
  }
}

/** Runs one call of the module with a fresh arena. */
export function call<T>(body: (memory: Memory) => T): T {
  try {
    const instance = core();
    instance.reset();
    return body(new Memory(instance));
  } catch (cause) {
    if (cause instanceof WasboxError) throw cause;
    discardInstance();
    if ((cause as { readonly code?: unknown } | null)?.code === 'ENOMEM') {
      throw new WasboxError('ERR_POLICY_INTERNAL', 'there is no memory for the policy core', {
        hint: 'It needs 512 MiB of address space: raise the limit (ulimit -v).',
        cause,
      });
    }
    throw new WasboxError('ERR_POLICY_INTERNAL', 'the policy core broke off', {
      hint: 'This is a bug in wasbox; please report it with the policy that caused it.',
      cause,
    });
  }
}

type Layout = Readonly<Record<string, number>> & { readonly size: number };

/** Reads a structure into a record of its first words. */
function read<L extends Layout>(memory: Memory, at: number, of: L): Record<keyof L, number> {
  const words = memory.words(at, of.size);
  const entries = Object.entries(of).map(([field, word]) => [field, words[word] ?? 0]);
  return Object.fromEntries(entries) as Record<keyof L, number>;
}

function list<L extends Layout>(memory: Memory, at: number, count: number, of: L) {
  return Array.from({ length: count }, (_, i) => read(memory, at + i * of.size * 4, of));
}

export function encodeEvent(event: CoreEvent): number[] {
  const words = [event.arch, event.nr];
  for (let i = 0; i < 6; i++) {
    const value = BigInt.asUintN(64, event.args[i] ?? 0n);
    words.push(Number(value & 0xffff_ffffn), Number(value >> 32n));
  }
  return words;
}

function readDiagnostic(memory: Memory, at: number): CoreDiagnostic {
  const d = read(memory, at, layout.diagnosticWords);
  return {
    code: d.code,
    file: d.file,
    start: d.start,
    end: d.end,
    related: d.hasRelated
      ? { file: d.relatedFile, start: d.relatedStart, end: d.relatedEnd }
      : undefined,
    number: d.number,
    detail: memory.text(d.detail, d.detailSize),
    suggestion: memory.text(d.suggestion, d.suggestionSize),
  };
}

function readResult(memory: Memory, at: number): CoreResult {
  const r = read(memory, at, layout.resultWords);
  const size = layout.diagnosticWords.size * 4;
  return {
    ok: r.ok === 1,
    diagnostics: Array.from({ length: r.diagnosticCount }, (_, i) =>
      readDiagnostic(memory, r.diagnostics + i * size),
    ),
    files: list(memory, r.files, r.fileCount, layout.fileWords).map((file) => ({
      name: memory.text(file.name, file.nameSize),
      text: memory.bytes(file.text, file.textSize),
    })),
    program: memory.bytes(r.program, r.programCount * 8),
    origins: memory.words(r.origins, r.programCount),
    rules: list(memory, r.rules, r.ruleCount, layout.ruleInfoWords),
    decisions: list(memory, r.decisions, r.decisionCount, layout.decisionWords).map((d) => ({
      action: d.action,
      rule: d.rule,
      path: memory.words(d.path, d.executed),
    })),
    widths: list(memory, r.widths, r.widthCount, layout.widthInForceWords),
    numbers: r,
    witness: memory.words(at + layout.resultWords.witness * 4, 16),
  };
}

/** Writes a request, and lets `include` find its files. Returns its address. */
export function putRequest(memory: Memory, request: CoreRequest): number {
  setIncludes(request.includes);
  return writeRequest(memory, request);
}

function writeRequest(memory: Memory, request: CoreRequest): number {
  const fields: number[] = [];
  for (const text of [request.name, request.text, request.weights]) {
    const bytes = encoder.encode(text);
    fields.push(memory.put(bytes), bytes.length);
  }
  const events = request.events ?? [];
  const at = memory.putWords(events.flatMap(encodeEvent));
  return memory.putWords([...fields, request.targets, request.kernel, at, events.length]);
}

function setIncludes(includes: Readonly<Record<string, string>>): void {
  core().setFiles(
    new Map(Object.entries(includes).map(([name, text]) => [name, encoder.encode(text)])),
  );
}

/** Compiles and proves a policy, and judges the events if there are any. */
export function compile(request: CoreRequest): CoreResult {
  return call((memory) => {
    const input = putRequest(memory, request);
    const judge = (request.events?.length ?? 0) > 0;
    const { exports } = memory;
    return readResult(
      memory,
      (judge ? exports.wb_explain(input) : exports.wb_compile(input)) >>> 0,
    );
  });
}

/** Compares two policies by meaning. Their includes must not contradict one another. */
export function compare(first: CoreRequest, second: CoreRequest): CoreComparison {
  return call((memory) => {
    setIncludes({ ...first.includes, ...second.includes });
    const { wb_compare } = memory.exports;
    const at = wb_compare(writeRequest(memory, first), writeRequest(memory, second)) >>> 0;
    const c = read(memory, at, layout.comparisonWords);
    const { size, args } = layout.differenceWords;
    return {
      first: readResult(memory, c.first),
      second: readResult(memory, c.second),
      differences: Array.from({ length: c.differenceCount }, (_, i) => {
        const place = c.differences + i * size * 4;
        const d = read(memory, place, layout.differenceWords);
        const words = memory.words(place + args * 4, 12);
        const values = Array.from(
          { length: 6 },
          (_, n) => BigInt(words[2 * n] ?? 0) | (BigInt(words[2 * n + 1] ?? 0) << 32n),
        );
        return {
          event: { arch: d.arch, nr: d.nrLow, args: values },
          lastNr: d.nrHigh,
          first: d.first,
          second: d.second,
          byArguments: d.byArguments === 1,
        };
      }),
    };
  });
}

/** Runs any program on one call. */
export function simulateProgram(program: Uint8Array, big: boolean, event: CoreEvent): CoreRun {
  return call((memory) => {
    const code = memory.put(program);
    const data = memory.putWords(encodeEvent(event));
    const at = memory.exports.wb_simulate(code, program.length, big ? 1 : 0, data) >>> 0;
    const run = read(memory, at, layout.runWords);
    const returned = layout.runStatusNames[run.status] === 'returned';
    return {
      action: returned ? run.action : undefined,
      path: returned ? memory.words(run.path, run.executed) : new Uint32Array(),
      badInstruction: run.badInstruction,
    };
  });
}

export type CoreInstruction = Readonly<Record<keyof typeof layout.insnWords, number>>;

/** Decodes any bytes. */
export function decodeProgram(program: Uint8Array, big: boolean) {
  return call((memory) => {
    const at = memory.exports.wb_decode(memory.put(program), program.length, big ? 1 : 0) >>> 0;
    const { valid, badInstruction, insns, insnCount } = read(memory, at, layout.listingWords);
    return {
      valid: valid === 1,
      badInstruction,
      instructions: list(memory, insns, insnCount, layout.insnWords) as CoreInstruction[],
    };
  });
}

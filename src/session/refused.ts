/** Returns what a sandbox of a session was denied while a program ran, where nothing is asked. */
import { loadNative, readRefusals } from '../native/index.js';
import { builtinVerdicts, ownArchitecture } from '../plan/index.js';
import { type Denial, type Refused, refusedSoFar } from '../report/index.js';
import type { SandboxSpec } from '../resolve/index.js';
import type { LiveSandbox } from './sandbox.js';

const isSame = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

async function decoded(spec: SandboxSpec, refusals: Uint8Array): Promise<Refused[]> {
  if (refusals.length === 0) return [];
  const verdicts = spec.policy.builtin ? undefined : await builtinVerdicts();
  const counted = {
    refusals,
    watched: true,
    watchErrno: 0,
    refusalsTotal: 0,
    refusalsDropped: 0,
  };
  const records = await readRefusals(loadNative().native, ownArchitecture(), counted, verdicts);
  return refusedSoFar(spec, records);
}

const keyOf = ({ kind, what }: Refused): string => `${kind}\n${what}`;

/** @returns what tells, each once, what was denied since now */
export function watchRefused(
  spec: SandboxSpec,
  { begun: { launched } }: LiveSandbox,
): () => Promise<Denial[]> {
  const before = launched.refusals();
  return async () => {
    const now = launched.refusals();
    // At the sandbox's end, the table is gone: the result of the session has it.
    if (now.length === 0 || isSame(before, now)) return [];
    const counts = new Map<string, number>();
    for (const one of await decoded(spec, before)) counts.set(keyOf(one), one.count);
    const all = await decoded(spec, now);
    return all.flatMap((one): Denial[] => {
      const count = one.count - (counts.get(keyOf(one)) ?? 0);
      return count > 0 ? [{ ...one, count, verdict: 'unasked', executable: '' }] : [];
    });
  };
}

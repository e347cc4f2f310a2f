/** The program of an engine that answers cases of the policy core instead of starting anything: `engine run FILE`. */
import { init } from '../../../src/policy/index.js';
import { type PolicyCase, textOf } from './policy-case.js';

declare const machine: { read(path: string, limit: number): number | ArrayBuffer };

async function answers(path: string): Promise<string> {
  const bytes = machine.read(path, 1 << 28);
  if (typeof bytes === 'number') throw new Error(`${path}: errno ${-bytes}`);
  await init();
  const cases = JSON.parse(new TextDecoder().decode(new Uint8Array(bytes))) as PolicyCase[];
  return cases.map(textOf).join('\n');
}

type HandOver = (bytes: ArrayBuffer, lasting: boolean) => void;

(globalThis as unknown as { start: unknown }).start = (
  [, path = '']: string[],
  _key: string,
  handOver: HandOver,
) => {
  const outcome: { why?: string } = {};
  answers(path).then(
    (text) => handOver(new TextEncoder().encode(text).buffer, true),
    (error: unknown) => {
      outcome.why = String(error);
    },
  );
  return outcome;
};

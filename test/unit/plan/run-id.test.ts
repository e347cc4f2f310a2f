import { describe, expect, it } from 'vitest';
import { PlanWriter, runIdMark } from '../../../src/plan/writer.js';

const textAt = (bytes: Uint8Array, at: number): string =>
  new TextDecoder().decode(bytes.subarray(at, bytes.indexOf(0, at)));

describe('a path in a run that does not exist yet', () => {
  it('has zeros for the id, and the writer knows where', () => {
    const writer = new PlanWriter();
    const path = `/ä/runs/${runIdMark}/live`;
    const at = writer.string(`A=${path}:/x:${path}/tmp`);
    const zeros = '/ä/runs/000000000/live';
    const bytes = writer.finish();
    expect(textAt(bytes, at)).toBe(`A=${zeros}:/x:${zeros}/tmp`);
    expect(writer.runIds.map((id) => textAt(bytes, id).slice(0, 14))).toEqual(
      Array(2).fill('000000000/live'),
    );
  });

  it('is written once, and so are its places', () => {
    const writer = new PlanWriter();
    const path = `/runs/${runIdMark}`;
    expect(writer.string(path)).toBe(writer.string(path));
    expect(writer.runIds).toHaveLength(1);
  });

  it('is no other text: zeros of the user stay, and a NUL is refused', () => {
    const writer = new PlanWriter();
    writer.string('/runs/000000000/live');
    expect(writer.runIds).toEqual([]);
    for (const text of ['a\0b', `${runIdMark}\0`, '\0'.repeat(8)])
      expect(() => writer.string(text)).toThrow(RangeError);
  });
});

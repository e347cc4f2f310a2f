import { expect, test } from 'vitest';
import { progressLine } from '../../../src/cli/progress.js';

function make(visible: boolean) {
  let now = 0;
  const written: string[] = [];
  const line = progressLine({ visible, now: () => now, write: (text) => written.push(text) });
  const at = (ms: number, done: number, total?: number): void => {
    now = ms;
    line.show?.({ stage: 'apply', done, total });
  };
  return { line, written, at };
}

test('nothing is written of what is over soon', () => {
  const { line, written, at } = make(true);
  at(0, 1);
  at(600, 2);
  line.end();
  expect(written).toEqual([]);
});

test('one line, some ten times a second, and gone at the end', () => {
  const { line, written, at } = make(true);
  for (let ms = 0; ms < 2000; ms++) at(ms, ms, 2000);
  line.end();
  at(5000, 1, 2000);
  expect(written[0]).toBe('\r\x1b[Kwasbox: applying: 700 of 2000');
  expect(written.length).toBeGreaterThan(10);
  expect(written.length).toBeLessThan(20);
  expect(written.at(-1)).toBe('\r\x1b[K');
  expect(written.join('')).not.toContain('\n');
});

test('a line says what is searched before a run', () => {
  let now = 0;
  const written: string[] = [];
  const line = progressLine({ visible: true, now: () => now, write: (text) => written.push(text) });
  now = 900;
  line.show?.({ stage: 'hide', done: 123 });
  expect(written).toEqual(['\r\x1b[Kwasbox: looking for what to hide: 123 paths']);
});

test('a progress bar asks for nothing if it is not displayed', () => {
  expect(make(false).line.show).toBeUndefined();
});

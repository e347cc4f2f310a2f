import { expect, test } from 'vitest';
import { refuseOtherRuntimes } from '../../../src/native/runtime.js';

test('Node starts sandboxes, Bun and Deno are refused with the reason', () => {
  expect(() => refuseOtherRuntimes()).not.toThrow();
  for (const [key, name] of [
    ['bun', 'Bun 1.2.3'],
    ['deno', 'Deno 1.2.3'],
  ] as const) {
    expect(() => refuseOtherRuntimes({ ...process.versions, [key]: '1.2.3' })).toThrow(
      expect.objectContaining({ code: 'ERR_RUNTIME', message: expect.stringContaining(name) }),
    );
  }
});

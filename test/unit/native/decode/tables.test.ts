import { describe, expect, it } from 'vitest';
import { coreTables, shippedTables } from '../../../../src/native/decode/tables.js';

describe('the tables that are shipped', () => {
  it.each(['x86_64', 'aarch64'] as const)("are the core's, for %s", async (arch) => {
    const tables = await coreTables(arch);
    expect(tables.calls.size).toBeGreaterThan(250);
    expect(shippedTables(arch)).toEqual(tables);
  });
});

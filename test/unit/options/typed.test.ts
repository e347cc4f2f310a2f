import { expect, test } from 'vitest';
import type { PropertiesOf } from '../../../src/options/run-options.js';
import { runOptionTable } from '../../../src/options/table.js';
import type { TableOptions } from '../../../src/options/table-options.generated.js';

type Row = Extract<(typeof runOptionTable)[number], { scope: 'sandbox' }>;
type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

test('the declarations of the options are those of the table', () => {
  // The types are for the compiler; for this run, that it is the table of a sandbox.
  const properties: Same<
    { [P in keyof PropertiesOf<Row>]: PropertiesOf<Row>[P] },
    { [P in keyof TableOptions]: TableOptions[P] }
  > = true;
  expect(properties).toBe(true);
  expect(runOptionTable.some(({ scope }) => scope === 'sandbox')).toBe(true);
});

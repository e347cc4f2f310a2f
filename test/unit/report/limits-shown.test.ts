import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { runOptionTable } from '../../../src/options/table.js';
import { resolveSpec } from '../../../src/resolve/index.js';
import { fakeHost } from '../resolve/fake-host.js';

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');

/** A limit that is added must be told wherever limits are told. */
test('each limit of a spec stands in the schema of reports and in --dry-run', () => {
  const options = runOptionTable.filter(({ group }) => group === 'Limits');
  expect(options.length).toBeGreaterThan(9);
  const given = Object.fromEntries(
    options.map(({ property, kind }) => [
      property,
      kind === 'integer' ? 100 : kind === 'duration' ? 1000 : 1 << 24,
    ]),
  );
  const { limits } = resolveSpec({ code: 'true', ...given }, fakeHost());
  const { sandbox } = JSON.parse(read('src/report/report.schema.json')).properties;
  const told = Object.keys(sandbox.properties.limits.properties);
  const names = Object.keys(limits).filter((name) => name !== 'cgroup');
  expect(
    names.filter((name) => !told.includes(name)),
    'src/report/report.schema.json',
  ).toEqual([]);
  const shown = read('src/cli/dry-run.ts');
  expect(
    names.filter((name) => !shown.includes(`limits.${name}`)),
    'src/cli/dry-run.ts',
  ).toEqual([]);
});

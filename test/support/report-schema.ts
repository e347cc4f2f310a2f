/** The published schema of run reports, as a check that throws. */
import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';

/** Forbids what the schema does not describe: published it is open, so that fields can be added. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const entries = Object.entries(schema).map(([key, value]) => [key, closed(value)]);
  const made = Object.fromEntries(entries) as Record<string, unknown>;
  const object = made.type === 'object' && made.properties !== undefined;
  return object ? { ...made, additionalProperties: false } : made;
}

const text = readFileSync(new URL('../../src/report/report.schema.json', import.meta.url), 'utf8');
const validate = new Ajv({ allErrors: true }).compile(closed(JSON.parse(text)) as object);

/** @throws Error that says what is wrong if it is not a report. */
export function checkReport(report: unknown): void {
  if (validate(report)) return;
  throw new Error(JSON.stringify(validate.errors, null, 2));
}

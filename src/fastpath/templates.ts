/** Texts of an entry into which the native command puts a run's own values, and the payload's arguments. */
import type { RunRecord } from '../changes/index.js';
import { encodeReportContext, type ReportContext } from './report-context.js';

const encoder = new TextEncoder();

/** The place of arguments in a list of words: no word that a program can be given has this. */
const placeholder = '\0';

/** JSON in which arguments are left out, and the offset at which they belong in its bytes; 0 where they are in. */
function template(json: string): { readonly text: string; readonly at: number } {
  const found = /,\s*"\\u0000"/.exec(json);
  if (found === null) return { text: json, at: 0 };
  const before = json.slice(0, found.index);
  return {
    text: before + json.slice(found.index + found[0].length),
    at: encoder.encode(before).length,
  };
}

/** Words without the payload's arguments, which a placeholder stands for. */
const openWords = (words: readonly string[], count: number | undefined): readonly string[] =>
  count === undefined ? words : [...words.slice(0, words.length - count), placeholder];

/** The text of a journal entry, and where its own values stand. */
export function recordTemplate(record: RunRecord, count: number | undefined) {
  const open = { ...record, argv: openWords(record.argv, count) };
  const { text: whole, at } = template(`${JSON.stringify(open, null, 2)}\n`);
  const text = encoder.encode(whole);
  // The places are of bytes; what stands before them need not be ASCII.
  const bytesBefore = (index: number) => encoder.encode(whole.slice(0, index)).length;
  // The id stands before everything that a user chose, the times behind it.
  const idAt = whole.indexOf(`"id": "${record.id}"`);
  const startedAt = whole.lastIndexOf(`"started": "${record.started}"`);
  const baselineAt = whole.lastIndexOf(`"baselineNs": "${record.baselineNs}"`);
  const shaped = /^\d{4}-.{18}Z$/.test(record.started) && /^\d{19}$/.test(record.baselineNs);
  if (!shaped || idAt < 0 || startedAt < 0 || baselineAt < startedAt) return undefined;
  return {
    text,
    id: bytesBefore(idAt + 7),
    started: bytesBefore(startedAt + 12),
    baseline: bytesBefore(baselineAt + 15),
    arguments: at,
  };
}

/** What the report is made of, as JSON, and where arguments belong in it. */
export function contextTemplate(context: ReportContext, count: number | undefined) {
  const { command } = context.spec;
  const argv = openWords(command.argv, count);
  const open = { ...context, spec: { ...context.spec, command: { ...command, argv } } };
  const { text, at } = template(encodeReportContext(open));
  return { text: encoder.encode(text), arguments: at };
}

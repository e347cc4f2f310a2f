/** Policies of other tools, in and out of the module. */
import {
  conversionNoteWords,
  convertedWords,
  formatNames,
  noteKindNames,
} from './layout.generated.js';
import { call, type Memory, putRequest } from './marshal.js';
import type { CoreRequest } from './types.js';

export type NoteKind = (typeof noteKindNames)[number];

/** Something that an importer or exporter has to say; places are bytes of its input. */
export interface CoreNote {
  readonly kind: NoteKind;
  readonly start: number;
  readonly end: number;
  readonly detail: string;
  /** The rule that it conflicts with. */
  readonly other: { readonly start: number; readonly end: number } | undefined;
}

export interface CoreConversion {
  /** The policy; undefined where the input cannot be converted. */
  readonly text: string | undefined;
  readonly notes: readonly CoreNote[];
}

function readConversion(memory: Memory, at: number): CoreConversion {
  const words = memory.words(at, convertedWords.size);
  const word = (field: keyof typeof convertedWords) => words[convertedWords[field]] ?? 0;
  const notes = Array.from({ length: word('noteCount') }, (_, i): CoreNote => {
    const size = conversionNoteWords.size;
    const note = memory.words(word('notes') + i * size * 4, size);
    const part = (field: keyof typeof conversionNoteWords) => note[conversionNoteWords[field]] ?? 0;
    return {
      kind: noteKindNames[part('kind')] ?? 'shape',
      start: part('start'),
      end: part('end'),
      detail: memory.text(part('detail'), part('detailSize')),
      other:
        part('hasOther') === 0 ? undefined : { start: part('otherStart'), end: part('otherEnd') },
    };
  });
  const text = word('ok') === 1 ? memory.text(word('text'), word('textSize')) : undefined;
  return { text, notes };
}

/** An OCI profile as text in wasbox's language. `targets` are bits, 0 for its own. */
export function importText(
  bytes: Uint8Array,
  targets: number,
  capabilities: bigint,
): CoreConversion {
  return call((memory) => {
    const text = memory.put(bytes);
    const request = memory.putWords([
      formatNames.indexOf('oci'),
      text,
      bytes.length,
      targets,
      Number(capabilities & 0xffff_ffffn),
      Number((capabilities >> 32n) & 0xffff_ffffn),
    ]);
    return readConversion(memory, memory.exports.wb_import(request) >>> 0);
  });
}

/** A policy that compiles, as an OCI profile. */
export function exportText(request: CoreRequest): CoreConversion {
  return call((memory) => {
    const input = putRequest(memory, request);
    const format = formatNames.indexOf('oci');
    return readConversion(memory, memory.exports.wb_export(input, format) >>> 0);
  });
}

/** Kinds of files that are not text, by what they begin with, and what runs or loads them. */

/** [first bytes as latin1, offset, kind, what a program does with it] */
type Row = readonly [begin: string, at: number, kind: string, use?: string];

const rows: readonly Row[] = [
  ['\x7fELF', 0, 'ELF program or library', 'the system runs it, or programs load it'],
  ['MZ', 0, 'Windows program', 'Wine or mono runs it'],
  ['\xca\xfe\xba\xbe', 0, 'Java class or Mach-O', 'Java loads it'],
  ['\0asm', 0, 'WebAssembly module', 'programs load it'],
  ['!<arch>\n', 0, 'static library or package', 'linkers take code from it'],
  ['PK\x03\x04', 0, 'ZIP archive', 'Python and Java run code from one'],
  ['\x89PNG\r\n\x1a\n', 0, 'PNG image'],
  ['\xff\xd8\xff', 0, 'JPEG image'],
  ['GIF8', 0, 'GIF image'],
  ['RIFF', 0, 'RIFF media'],
  ['%PDF-', 0, 'PDF document'],
  ['\x1f\x8b', 0, 'gzip data'],
  ['BZh', 0, 'bzip2 data'],
  ['\xfd7zXZ\0', 0, 'xz data'],
  ['\x28\xb5\x2f\xfd', 0, 'zstd data'],
  ['7z\xbc\xaf\x27\x1c', 0, '7-Zip archive'],
  ['ustar', 257, 'tar archive'],
  ['SQLite format 3\0', 0, 'SQLite database'],
  ['DIRC', 0, 'index of git'],
  ['PACK', 0, 'pack of git'],
  ['CGPH', 0, 'commit graph of git'],
  ['MIDX', 0, 'index of packs of git'],
  ['\xfftOc', 0, 'pack index of git'],
  ['wOFF', 0, 'font'],
  ['wOF2', 0, 'font'],
  ['\0\x01\0\0\0', 0, 'font'],
  ['OTTO', 0, 'font'],
  ['ftyp', 4, 'MP4 media'],
  ['OggS', 0, 'Ogg media'],
  ['ID3', 0, 'MP3 audio'],
];

export interface BinaryKind {
  readonly kind: string;
  /** Completes "…": what may run or load it. */
  readonly use?: string | undefined;
}

/** The number of bytes that the kind depends on. */
export const kindBytes = 300;

/**
 * @param head the first bytes of a file
 * @returns undefined if they are of no kind that is known
 */
export function binaryKind(head: Buffer): BinaryKind | undefined {
  const text = head.toString('latin1', 0, kindBytes);
  const row = rows.find(([begin, at]) => text.startsWith(begin, at));
  // Python writes `\r\n` behind the two bytes of its version, so that no text is taken for it (PEP 552).
  if (row === undefined && text.slice(2, 4) === '\r\n')
    return { kind: 'Python bytecode', use: 'Python runs it' };
  return row === undefined ? undefined : { kind: row[2], use: row[3] };
}

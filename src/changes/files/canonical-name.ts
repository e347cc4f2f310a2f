/** Names as case-insensitive and normalizing file systems compare them. */

/**
 * A name as the most lenient file system compares it: ignoring case and Unicode's ignorable characters
 * (ext4 and f2fs with casefold, HFS+) and trailing dots and spaces (vfat, NTFS), on which `git~1` is
 * also `.git`. Git refuses to check out the same names (core.protectHFS, core.protectNTFS).
 *
 * @param name one character per byte
 */
export function canonicalName(name: string): string {
  let text = name;
  if (/[\x80-\xff]/.test(name)) {
    const decoded = Buffer.from(name, 'latin1').toString();
    if (!decoded.includes('\ufffd')) text = decoded.normalize('NFD');
    text = text.replace(/\p{Default_Ignorable_Code_Point}/gu, '').toUpperCase();
  }
  text = text.toLowerCase().replace(/[. ]+$/, '');
  return /^(?:git~\d|\.git[. ]*:.*)$/.test(text) ? '.git' : text;
}

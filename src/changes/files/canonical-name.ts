/** Names as file systems compare them that do not take each byte for itself. */

/**
 * A name as the most forgiving file system takes it: without regard to case and to what Unicode calls
 * ignorable (ext4 and f2fs with casefold, HFS+), and to dots and spaces at the end (vfat, NTFS), for
 * which `git~1` is `.git`, too. Git refuses the same names in what it checks out (core.protectHFS,
 * core.protectNTFS).
 *
 * @param name a byte a character
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

/**
 * Git's binary patch format: deflated, in base 85, up to 52 bytes per line (as in `git diff --binary`; the
 * alphabet is RFC 1924's).
 */
const alphabet =
  '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~';
const lineBytes = 52;

function encodeLine(bytes: Buffer): string {
  const { length } = bytes;
  const count = String.fromCharCode(length <= 26 ? 0x40 + length : 0x60 + length - 26);
  const padded = Buffer.alloc(Math.ceil(length / 4) * 4);
  bytes.copy(padded);
  let out = count;
  for (let at = 0; at < padded.length; at += 4) {
    let value = padded.readUInt32BE(at);
    let word = '';
    for (let digit = 0; digit < 5; digit++) {
      word = (alphabet[value % 85] as string) + word;
      value = Math.floor(value / 85);
    }
    out += word;
  }
  return out;
}

/** The lines of a binary patch that replaces a file's content by `content`. */
export function binaryPatch(content: Buffer): string[] {
  const deflated = process.getBuiltinModule('node:zlib').deflateSync(content);
  const lines = ['GIT binary patch', `literal ${content.length}`];
  for (let at = 0; at < deflated.length; at += lineBytes) {
    lines.push(encodeLine(deflated.subarray(at, at + lineBytes)));
  }
  return [...lines, ''];
}

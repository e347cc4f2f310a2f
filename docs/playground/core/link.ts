/**
 * Playground, core. What the page shows, as the part of its address behind the `#`: JSON, deflated,
 * in base64url. Anyone can write such an address, so its content is limited and checked.
 */
/** Everything that a link restores. */
export interface Shown {
  readonly text: string;
  /** Names of architectures, not checked. */
  readonly arch: string | undefined;
  readonly call: string;
  readonly args: readonly string[];
  /** Architecture of the call. */
  readonly on: string | undefined;
  readonly pane: string;
}

/** Longest address part that is made or read: browsers and chat programs cut longer ones. */
const longestLink = 24_000;
/** Most characters that a link may unpack to; the core takes policies up to 1 MiB. */
const longestState = 1 << 20;

const prefix = '#1.';

async function pump(
  bytes: Uint8Array<ArrayBuffer>,
  through: ReadableWritablePair<Uint8Array, BufferSource>,
  most: number,
) {
  const reader = new Blob([bytes]).stream().pipeThrough(through).getReader();
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > most) {
      void reader.cancel();
      throw new Error('it is too large for a policy');
    }
    parts.push(value as Uint8Array<ArrayBuffer>);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  if (!/^[\w-]+$/.test(text)) throw new Error('it has invalid characters');
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

/** The address part, or undefined where the policy is too long for one. */
export async function writeLink(shown: Shown): Promise<string | undefined> {
  const json = JSON.stringify(shown);
  if (json.length > longestState) return undefined;
  const bytes = new TextEncoder().encode(json);
  const packed = await pump(bytes, new CompressionStream('deflate-raw'), longestState);
  const link = prefix + toBase64(packed);
  return link.length > longestLink ? undefined : link;
}

const isText = (value: unknown): value is string => typeof value === 'string';

function check(value: unknown): Shown {
  const given = value as Record<keyof Shown, unknown>;
  const arch = (name: unknown) => (isText(name) && /^\w{1,16}$/.test(name) ? name : undefined);
  if (typeof given !== 'object' || given === null || !isText(given.text) || !isText(given.call))
    throw new Error('it contains no policy');
  const args = Array.isArray(given.args) ? given.args.filter(isText).slice(0, 6) : [];
  return {
    text: given.text,
    arch: arch(given.arch),
    call: given.call.slice(0, 64),
    args: args.map((text) => text.slice(0, 256)),
    on: arch(given.on),
    pane: isText(given.pane) ? given.pane : '',
  };
}

/**
 * Reads an address part; undefined where there is none.
 * @throws Error whose message says, as the end of a sentence, what is wrong with it
 */
export async function readLink(hash: string): Promise<Shown | undefined> {
  if (hash === '' || hash === '#') return undefined;
  if (!hash.startsWith(prefix)) throw new Error('it was not made by this playground');
  if (hash.length > longestLink) throw new Error('it is too long');
  let text: string;
  try {
    const bytes = fromBase64(hash.slice(prefix.length));
    const unpacked = await pump(bytes, new DecompressionStream('deflate-raw'), longestState);
    text = new TextDecoder('utf-8', { fatal: true }).decode(unpacked);
    return check(JSON.parse(text));
  } catch (error) {
    const said = error as Error;
    const ours = said.constructor === Error;
    throw ours ? said : new Error('part of it is missing or changed');
  }
}

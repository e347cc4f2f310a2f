/** Layers as archives: gzip and zstd by Node, recognised by their first bytes, whatever their media type says. */
import { pipeline, Readable } from 'node:stream';
import * as zlib from 'node:zlib';
import { SupportError } from '../../errors/index.js';
import { invalidImage } from '../../image/index.js';

type Compression = 'gzip' | 'zstd' | 'none';

function compressionOf(start: Buffer): Compression {
  if (start[0] === 0x1f && start[1] === 0x8b) return 'gzip';
  return start.length >= 4 && start.readUInt32LE(0) === 0xfd2fb528 ? 'zstd' : 'none';
}

/** Node has it since 22.15 and 23.8. */
function zstd(): NodeJS.ReadWriteStream {
  const { createZstdDecompress } = zlib as { createZstdDecompress?: () => NodeJS.ReadWriteStream };
  if (createZstdDecompress !== undefined) return createZstdDecompress();
  throw new SupportError('ERR_RUNTIME', `Node ${process.versions.node} cannot read zstd layers.`, {
    hint: 'Use Node 22.15 or newer, or convert the image:\n  skopeo copy --dest-compress-format gzip docker://IMAGE oci:DIRECTORY',
  });
}

async function* joinedTo(first: Buffer[], rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield* first;
  for (;;) {
    const { done, value } = await rest.next();
    if (done === true) return;
    yield value;
  }
}

export async function* decompressed(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const rest = source[Symbol.asyncIterator]();
  const first: Buffer[] = [];
  let length = 0;
  while (length < 4) {
    const { done, value } = await rest.next();
    if (done === true) break;
    first.push(value);
    length += value.length;
  }
  const compression = compressionOf(Buffer.concat(first));
  const whole = joinedTo(first, rest);
  if (compression === 'none') {
    yield* whole;
    return;
  }
  const decoder = compression === 'gzip' ? zlib.createGunzip() : zstd();
  let failure: unknown;
  const input = Readable.from(whole, { objectMode: false });
  input.once('error', (error) => {
    failure = error; // of the source, not of its format
  });
  pipeline(input, decoder, () => undefined);
  try {
    for await (const chunk of decoder as AsyncIterable<Buffer>) yield chunk;
  } catch (error) {
    if (failure !== undefined) throw failure;
    const { code } = error as { readonly code?: unknown };
    if (!/^(Z_|ZSTD_|ERR_ZSTD|ERR_ZLIB)/.test(String(code))) throw error;
    throw invalidImage(`a layer is not valid ${compression}`, { cause: error });
  }
}

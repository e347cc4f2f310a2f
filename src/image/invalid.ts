/** The errors about images. Texts from an image are quoted: the command line escapes what is invisible. */
import { ImageError, type WasboxErrorOptions } from '../errors/index.js';

/** An image that breaks its format, or a limit. */
export const invalidImage = (problem: string, options: WasboxErrorOptions = {}): ImageError =>
  new ImageError('ERR_IMAGE', `invalid image: ${problem}.`, options);

/** Names the image in what is wrong with it: what reads one knows only its parts. */
export function aboutImage(text: string, error: unknown): unknown {
  const isOfImage =
    error instanceof ImageError && (error.code === 'ERR_IMAGE' || error.code === 'ERR_IMAGE_LIMIT');
  if (!isOfImage) return error;
  const { code, message, hint, cause } = error;
  return new ImageError(code, `${text}: ${message}`, { hint, cause });
}

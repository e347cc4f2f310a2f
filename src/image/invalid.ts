/** The errors about images. Texts from an image are quoted: the command line escapes what is invisible. */
import { ImageError, type WasboxErrorOptions } from '../errors/index.js';

/** An image that breaks its format, or a limit. */
export const invalidImage = (problem: string, options: WasboxErrorOptions = {}): ImageError =>
  new ImageError('ERR_IMAGE', `Invalid image: ${problem}.`, options);

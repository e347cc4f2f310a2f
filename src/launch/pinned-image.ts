/** The image of a pool: every sandbox has the one that the first had, whatever becomes of its name. */
import type { ImageSpec, SandboxSpec } from '../resolve/index.js';
import { holdImage } from './image-hold.js';
import type { SandboxOptions } from './options.js';

export class PinnedImage {
  #image: ImageSpec | undefined;
  #letGo: () => void = () => {};
  #released = false;
  /** Equal options have the same spec: it stays so. */
  readonly #named = new WeakMap<SandboxSpec, SandboxSpec>();

  /** What the next sandbox is to be resolved from: the image by its ID once that is known. */
  options<O extends Pick<SandboxOptions, 'image'>>(options: O): O {
    const id = this.#image?.id;
    return id === undefined ? options : { ...options, image: id };
  }

  /**
   * To be called with what each sandbox resolved to; the first decides.
   * @returns it, with the image named as the caller did
   */
  resolved(spec: SandboxSpec): SandboxSpec {
    if (spec.image?.id === undefined) return spec;
    if (this.#image === undefined && !this.#released) {
      this.#image = spec.image;
      this.#letGo = holdImage(spec);
    }
    const { reference } = this.#image ?? spec.image;
    if (reference === spec.image.reference) return spec;
    const named = this.#named.get(spec) ?? { ...spec, image: { ...spec.image, reference } };
    this.#named.set(spec, named);
    return named;
  }

  /** To be called when the last sandbox is gone. */
  release(): void {
    this.#released = true;
    this.#letGo();
  }
}

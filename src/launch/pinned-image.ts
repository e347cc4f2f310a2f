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

  /**
   * Resolves the options of a sandbox: the first decides which image it is, the others ask for that by its ID.
   * @returns the spec, with the image named as the caller did
   */
  async resolve<O extends Pick<SandboxOptions, 'image'>>(
    options: O,
    ask: (options: O) => Promise<SandboxSpec>,
  ): Promise<SandboxSpec> {
    const spec = await ask(this.#pinned(options));
    const image = this.#pin(spec);
    // Several may have asked before there was a first; its name may lead elsewhere since.
    const same = spec.image?.id === image?.id ? spec : await ask(this.#pinned(options));
    return image === undefined ? same : this.#asNamed(same, image);
  }

  /** Lets go of the image once the last sandbox is gone. */
  release(): void {
    this.#released = true;
    this.#letGo();
  }

  #pinned<O extends Pick<SandboxOptions, 'image'>>(options: O): O {
    const id = this.#image?.id;
    return id === undefined ? options : { ...options, image: id };
  }

  #pin(spec: SandboxSpec): ImageSpec | undefined {
    if (this.#image === undefined && spec.image?.id !== undefined && !this.#released) {
      this.#image = spec.image;
      this.#letGo = holdImage(spec);
    }
    return this.#image;
  }

  #asNamed(spec: SandboxSpec, { reference }: ImageSpec): SandboxSpec {
    if (spec.image === undefined || spec.image.reference === reference) return spec;
    const named = this.#named.get(spec) ?? { ...spec, image: { ...spec.image, reference } };
    this.#named.set(spec, named);
    return named;
  }
}

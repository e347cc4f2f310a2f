/**
 * Holds together what several users in this process share, such as a lock: taken for the first, let go of after the
 * last.
 */
export class SharedHolds<Held> {
  readonly #all = new Map<string, { readonly held: Held; users: number }>();

  /**
   * @param take called for the first user; undefined where it cannot be had
   * @param release called after the last one
   * @returns lets go of it
   */
  hold(key: string, take: () => Held | undefined, release: (held: Held) => void): () => void {
    const one = this.#all.get(key) ?? this.#first(key, take());
    if (one === undefined) return () => {};
    one.users++;
    let holds = true;
    return () => {
      if (!holds) return;
      holds = false;
      if (--one.users > 0) return;
      this.#all.delete(key);
      release(one.held);
    };
  }

  #first(key: string, held: Held | undefined) {
    if (held === undefined) return undefined;
    const one = { held, users: 0 };
    this.#all.set(key, one);
    return one;
  }
}

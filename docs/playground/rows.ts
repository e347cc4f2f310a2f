/**
 * Playground. A list of thousands of rows of the same height, of which only those in view are in
 * the page. Rows that stay in view stay the same elements, so that the focus is not lost.
 */

/** Rows kept above and below the visible ones. */
const margin = 8;

export class Rows {
  readonly #host: HTMLElement;
  readonly #body: HTMLElement;
  #height: number;
  readonly #render: (index: number) => HTMLElement;
  readonly #shown = new Map<number, HTMLElement>();
  #count = 0;

  /**
   * @param host scrolls
   * @param body inside it, becomes as high as all rows together
   * @param height of a row in pixels
   */
  constructor(
    host: HTMLElement,
    body: HTMLElement,
    height: number,
    render: (index: number) => HTMLElement,
  ) {
    this.#host = host;
    this.#body = body;
    this.#height = height;
    this.#render = render;
    body.classList.add('rows');
    host.addEventListener('scroll', () => this.#fill(), { passive: true });
    new ResizeObserver(() => this.#fill()).observe(host);
  }

  /** Shows new content with this many rows. */
  reset(count: number, height: number = this.#height): void {
    this.#count = count;
    this.#height = height;
    this.#body.style.height = `${count * this.#height}px`;
    this.#body.replaceChildren();
    this.#shown.clear();
    this.#fill();
  }

  /** Scrolls the row into view if it is not visible. */
  reveal(index: number): void {
    const at = index * this.#height;
    const { scrollTop, clientHeight } = this.#host;
    const head = this.#body.offsetTop;
    if (at < scrollTop || at + this.#height > scrollTop + clientHeight - head)
      this.#host.scrollTop = Math.max(0, at - clientHeight / 3);
    this.#fill();
  }

  #fill(): void {
    const { scrollTop, clientHeight } = this.#host;
    if (clientHeight === 0) return;
    const first = Math.max(0, Math.floor(scrollTop / this.#height) - margin);
    const last = Math.min(
      this.#count - 1,
      Math.ceil((scrollTop + clientHeight) / this.#height) + margin,
    );
    for (const [index, row] of this.#shown) {
      if (index >= first && index <= last) continue;
      row.remove();
      this.#shown.delete(index);
    }
    let before: Element | null = this.#body.firstElementChild;
    for (let index = first; index <= last; index++) {
      const there = this.#shown.get(index);
      if (there !== undefined) {
        before = there.nextElementSibling;
        continue;
      }
      const row = this.#render(index);
      row.style.top = `${index * this.#height}px`;
      this.#shown.set(index, row);
      this.#body.insertBefore(row, before);
    }
  }
}

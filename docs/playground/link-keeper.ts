/** Playground. Keeps the page and its address in step. */
import { readLink, type Shown, writeLink } from './core/link.js';
import { byId } from './dom.js';

/** Milliseconds without a change before the address is updated. */
const quiet = 350;
/** Milliseconds that a success message stays. */
const brief = 6000;

export interface LinkSources {
  readonly shown: () => Shown;
  readonly show: (shown: Shown) => void;
}

export class LinkKeeper {
  readonly #sources: LinkSources;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #told: ReturnType<typeof setTimeout> | undefined;
  #open = false;
  #turn = 0;
  #written = '';

  constructor(sources: LinkSources) {
    this.#sources = sources;
    byId('share').addEventListener('click', () => void this.#copy());
    window.addEventListener('hashchange', () => {
      if (location.hash !== this.#written) void this.open();
    });
  }

  /** Shows a message that is not about the policy's text; with a time, only for that long. */
  tell(message: string, milliseconds?: number): void {
    const note = byId('note');
    note.textContent = message;
    note.hidden = message === '';
    clearTimeout(this.#told);
    if (milliseconds !== undefined) this.#told = setTimeout(() => this.tell(''), milliseconds);
  }

  /** Shows what the address says. A broken address gets a message and changes nothing. */
  async open(): Promise<void> {
    try {
      const shown = await readLink(location.hash);
      this.tell('');
      if (shown !== undefined) this.#sources.show(shown);
      this.#written = location.hash;
    } catch (error) {
      const instead = this.#open ? 'Nothing was changed.' : 'Showing an example instead.';
      this.tell(`Invalid link: ${(error as Error).message}. ${instead}`);
    }
    this.#open = true;
  }

  /** Call when something that a link holds has changed. */
  changed(): void {
    if (!this.#open) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#write(), quiet);
  }

  async #write(): Promise<string | undefined> {
    const turn = ++this.#turn;
    const link = await writeLink(this.#sources.shown());
    // Packing takes a moment, and a later call may have updated the address meanwhile.
    if (turn !== this.#turn) return link;
    this.#written = link ?? '';
    history.replaceState(null, '', link ?? location.pathname + location.search);
    return link;
  }

  async #copy(): Promise<void> {
    const link = await this.#write();
    if (link === undefined) {
      this.tell('This policy is too long for a link. Download it in the Export tab instead.');
      return;
    }
    try {
      await navigator.clipboard.writeText(new URL(link, location.href).href);
      this.tell('Link copied.', brief);
    } catch {
      this.tell('The browser blocked the clipboard. Copy the link from the address bar.');
    }
  }
}

/** Playground. Keeps the page's address true to what it shows, and the page to its address. */
import { readLink, type Shown, writeLink } from './core/link.js';
import { byId } from './dom.js';

/** Milliseconds of quiet before the address follows. */
const quiet = 350;
/** Milliseconds that a success is told for. */
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

  /** Says something that is not about the policy's text; with a time, for so long only. */
  tell(message: string, milliseconds?: number): void {
    const note = byId('note');
    note.textContent = message;
    note.hidden = message === '';
    clearTimeout(this.#told);
    if (milliseconds !== undefined) this.#told = setTimeout(() => this.tell(''), milliseconds);
  }

  /** Shows what the address says. A broken one is told, and changes nothing. */
  async open(): Promise<void> {
    try {
      const shown = await readLink(location.hash);
      this.tell('');
      if (shown !== undefined) this.#sources.show(shown);
      this.#written = location.hash;
    } catch (error) {
      const instead = this.#open ? 'Nothing was changed.' : 'This is an example instead.';
      this.tell(`The link could not be read: ${(error as Error).message}. ${instead}`);
    }
    this.#open = true;
  }

  /** Something has changed that a link holds. */
  changed(): void {
    if (!this.#open) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#write(), quiet);
  }

  async #write(): Promise<string | undefined> {
    const turn = ++this.#turn;
    const link = await writeLink(this.#sources.shown());
    // Packing takes a moment: what is shown may be in the address already.
    if (turn !== this.#turn) return link;
    this.#written = link ?? '';
    history.replaceState(null, '', link ?? location.pathname + location.search);
    return link;
  }

  async #copy(): Promise<void> {
    const link = await this.#write();
    if (link === undefined) {
      this.tell('This policy is too long for a link. Download it in the tab Export instead.');
      return;
    }
    try {
      await navigator.clipboard.writeText(new URL(link, location.href).href);
      this.tell('The link is in the clipboard.', brief);
    } catch {
      this.tell('The browser keeps the clipboard closed; the link is in the address bar.');
    }
  }
}

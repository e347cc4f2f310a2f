/** Playground. Tabs as the ARIA practices have them: arrow keys move, one is in the tab order. */

export class Tabs {
  readonly #tabs: readonly HTMLElement[];
  readonly #onShow: (name: string) => void;

  /** @param onShow gets the name of the tab: its id behind `tab-` */
  constructor(list: Element, onShow: (name: string) => void) {
    this.#tabs = [...list.querySelectorAll<HTMLElement>('[role=tab]')];
    this.#onShow = onShow;
    for (const tab of this.#tabs) tab.addEventListener('click', () => this.select(tab));
    list.addEventListener('keydown', (event) => this.#key(event as KeyboardEvent));
  }

  get current(): string {
    const tab = this.#tabs.find((one) => one.getAttribute('aria-selected') === 'true');
    return tab?.id.slice('tab-'.length) ?? '';
  }

  /** Shows the tab of this name, or else the first. */
  show(name: string): void {
    const tab = this.#tabs.find(({ id }) => id === `tab-${name}`) ?? this.#tabs[0];
    if (tab !== undefined) this.select(tab);
  }

  select(chosen: HTMLElement): void {
    for (const tab of this.#tabs) {
      const selected = tab === chosen;
      tab.setAttribute('aria-selected', String(selected));
      tab.tabIndex = selected ? 0 : -1;
      const pane = document.getElementById(tab.getAttribute('aria-controls') ?? '');
      if (pane !== null) pane.hidden = !selected;
    }
    this.#onShow(this.current);
  }

  #key(event: KeyboardEvent): void {
    const at = this.#tabs.indexOf(event.target as HTMLElement);
    const last = this.#tabs.length - 1;
    const moves: Readonly<Record<string, number>> = {
      ArrowRight: at === last ? 0 : at + 1,
      ArrowLeft: at === 0 ? last : at - 1,
      Home: 0,
      End: last,
    };
    const to = this.#tabs[moves[event.key] ?? -1];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    this.select(to);
    to.focus();
    to.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }
}

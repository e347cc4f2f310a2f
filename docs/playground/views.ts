/** Playground. The tabs over the filter. A hidden view is drawn when it is opened. */
import type { Architecture, Decision, ExplainedCall } from '../../src/policy.js';
import type { Compilation, Tables } from './core/protocol.js';
import { DecisionsPane } from './panes/decisions.js';
import { ListingPane } from './panes/listing.js';
import { TreePane } from './panes/tree.js';
import { Tabs } from './tabs.js';

export interface ViewHandlers {
  /** Name of the policy in the editor. */
  readonly main: string;
  readonly onGo: (line: number) => void;
  readonly onPick: (name: string, args: readonly bigint[]) => void;
  readonly onTab: () => void;
  readonly decisionsOn: () => Architecture | undefined;
  readonly tables: () => Tables | undefined;
  readonly explain: (on: Architecture) => Promise<readonly ExplainedCall[]>;
}

type Drawing = 'decisions' | 'tree' | 'listing' | 'tree-path' | 'listing-path';

export class Views {
  readonly #handlers: ViewHandlers;
  readonly #decisions: DecisionsPane;
  readonly #listing: ListingPane;
  readonly #tree: TreePane;
  readonly #tabs: Tabs;
  #compilation: Compilation | undefined;
  #decision: Decision | undefined;
  /** The views that are up to date. */
  readonly #drawn = new Set<Drawing>();

  constructor(handlers: ViewHandlers) {
    this.#handlers = handlers;
    this.#decisions = new DecisionsPane(handlers.onPick);
    this.#listing = new ListingPane(handlers.main, handlers.onGo);
    this.#tree = new TreePane((at) => {
      this.#tabs.show('listing');
      this.#listing.reveal(at);
    });
    this.#tabs = new Tabs(document.querySelector('.tabs') ?? document.body, () => {
      this.#draw();
      handlers.onTab();
    });
  }

  get current(): string {
    return this.#tabs.current;
  }

  open(name: string): void {
    this.#tabs.show(name);
  }

  showFilter(compilation: Compilation | undefined): void {
    this.#compilation = compilation;
    this.#drawn.clear();
  }

  showDecision(decision: Decision | undefined): void {
    this.#decision = decision;
    this.#drawn.delete('tree-path');
    this.#drawn.delete('listing-path');
    this.#draw();
  }

  /** Shows the decisions for another architecture. */
  showOther(): void {
    this.#drawn.delete('decisions');
    this.#draw();
  }

  /** Called when the names of arguments and constants arrive. */
  showNames(): void {
    this.#drawn.delete('tree');
    this.#drawn.delete('tree-path');
    this.#draw();
  }

  #once(name: Drawing, draw: () => void): void {
    if (this.#drawn.has(name)) return;
    this.#drawn.add(name);
    draw();
  }

  #draw(): void {
    const path = this.#decision?.path ?? [];
    switch (this.current) {
      case 'decisions':
        this.#once('decisions', () => void this.#explain());
        break;
      case 'tree':
        this.#once('tree', () =>
          this.#tree.show(this.#compilation?.instructions ?? [], this.#handlers.tables()),
        );
        this.#once('tree-path', () => this.#tree.mark(path, this.#decision?.actionText));
        break;
      case 'listing':
        this.#once('listing', () => this.#listing.show(this.#compilation));
        this.#once('listing-path', () => this.#listing.mark(path));
        break;
    }
  }

  async #explain(): Promise<void> {
    const of = this.#compilation;
    const on = this.#handlers.decisionsOn();
    if (of?.compiled === undefined || on === undefined) {
      this.#decisions.show(undefined);
      return;
    }
    try {
      const calls = await this.#handlers.explain(on);
      if (of !== this.#compilation) return;
      this.#decisions.show(calls);
      performance.mark('wasbox:decisions');
    } catch {
      // Cancelled: asks again with the next filter, or when the tab is opened again.
      this.#drawn.delete('decisions');
    }
  }
}

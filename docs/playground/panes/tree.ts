/** Playground, panes. The drawing of the filter with its buttons. */
import type { FilterInstruction } from '../../../src/policy.js';
import type { Tables } from '../core/protocol.js';
import { byId } from '../dom.js';
import { TreeDrawing } from '../tree/draw.js';

export class TreePane {
  readonly #drawing: TreeDrawing;

  constructor(onPick: (at: number) => void) {
    this.#drawing = new TreeDrawing(byId('tree'), onPick);
    byId('tree-smaller').addEventListener('click', () => this.#drawing.zoom(0.8));
    byId('tree-larger').addEventListener('click', () => this.#drawing.zoom(1.25));
    byId('tree-fit').addEventListener('click', () => this.#drawing.fit());
    byId('tree-path').addEventListener('click', () => this.#drawing.resetZoom());
  }

  /** @param tables of the architecture whose arguments are to have names */
  show(instructions: readonly FilterInstruction[], tables: Tables | undefined): void {
    this.#drawing.show(instructions, tables);
    const { tests } = this.#drawing;
    byId('tree-size').textContent = `${tests} tests; right means yes, down means no`;
  }

  mark(path: readonly number[], outcome: string | undefined): void {
    const said =
      outcome === undefined
        ? ''
        : ` The call runs ${path.length} instructions; outcome: ${outcome}.`;
    this.#drawing.mark(path, `Decision tree of ${this.#drawing.tests} tests.${said}`);
  }
}

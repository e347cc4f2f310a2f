/** Playground. The choices of architecture: to compile for, and to show. */
import type { Architecture } from '../../src/policy.js';
import { byId, el } from './dom.js';

export interface ChoiceHandlers {
  /** Called when the user picks another architecture to compile for. */
  readonly onTarget: () => void;
  /** Called when the user picks another architecture to show. */
  readonly onView: () => void;
}

const options = (names: readonly string[]): HTMLElement[] =>
  names.map((value) => el('option', { value }, value));

export class Choices {
  readonly #arch = byId<HTMLSelectElement>('arch');
  readonly #on = byId<HTMLSelectElement>('on');
  readonly #decisionsOn = byId<HTMLSelectElement>('decisions-on');
  #known: readonly Architecture[] = [];
  /** The choice that a link asks for, until there is something to choose from. */
  #wanted: { arch: string | undefined; on: string | undefined } | undefined;
  /** True if the user chose the architecture of the call; otherwise it follows the targets. */
  #chosen = false;

  constructor({ onTarget, onView }: ChoiceHandlers) {
    this.#arch.addEventListener('change', () => {
      this.#chosen = false;
      onTarget();
    });
    this.#on.addEventListener('change', () => {
      this.#chosen = true;
      this.#follow();
      onView();
    });
    this.#decisionsOn.addEventListener('change', () => {
      this.#on.value = this.#decisionsOn.value;
      this.#chosen = true;
      onView();
    });
  }

  /** The architecture that was chosen; undefined: the policy's own targets. */
  get arch(): Architecture | undefined {
    return (this.#arch.value || this.#wanted?.arch || undefined) as Architecture | undefined;
  }

  /** Architecture of the call; undefined: the first target. */
  get on(): Architecture | undefined {
    const chosen = this.#chosen ? this.#on.value : '';
    return (this.#wanted?.on ?? (chosen || undefined)) as Architecture | undefined;
  }

  /** Architecture of the decisions: a target. */
  get decisionsOn(): Architecture | undefined {
    return (this.#decisionsOn.value || undefined) as Architecture | undefined;
  }

  setKnown(architectures: readonly Architecture[]): void {
    this.#known = architectures;
    if (this.#arch.options.length < 2) this.#arch.append(...options(architectures));
    const known = (name: string | undefined) => architectures.find((one) => one === name);
    if (this.#wanted === undefined) return;
    this.#wanted = { arch: known(this.#wanted.arch), on: known(this.#wanted.on) };
    this.#arch.value = this.#wanted.arch ?? '';
  }

  /** Chooses what a link or an example says; undefined: what the policy says. */
  choose(arch: string | undefined, on: string | undefined): void {
    this.#wanted = { arch, on };
    this.#chosen = false;
    this.#arch.value = '';
    this.#on.value = '';
    if (this.#known.length > 0) this.setKnown(this.#known);
  }

  /** Offers a filter's targets; without a filter everything stays. */
  offer(targets: readonly Architecture[]): void {
    if (targets.length === 0 && this.#on.options.length > 0) {
      this.#on.selectedIndex = Math.max(0, this.#on.selectedIndex);
      return;
    }
    const offered = targets.length === 0 ? this.#known : targets;
    const wanted = this.on;
    const others = this.#known.filter((name) => !offered.includes(name));
    this.#on.replaceChildren(
      el('optgroup', { label: 'The policy’s targets' }, ...options(offered)),
      el('optgroup', { label: 'Other architectures' }, ...options(others)),
    );
    this.#decisionsOn.replaceChildren(...options(offered));
    this.#on.value = wanted ?? offered[0] ?? '';
    this.#chosen = wanted !== undefined;
    this.#wanted = undefined;
    this.#follow();
  }

  #follow(): void {
    const there = [...this.#decisionsOn.options].some(({ value }) => value === this.#on.value);
    if (there) this.#decisionsOn.value = this.#on.value;
  }
}

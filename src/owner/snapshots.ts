/** Snapshots of a session of the command line, by the labels that its clients know them under. */
import { LaunchError } from '../errors/index.js';
import type { OwnSession, Snapshot } from '../session/index.js';
import { checkLabel, type LabelledSnapshot } from './place.js';

/** Each holds what was written up to it. */
const maxSnapshots = 256;

export class Snapshots {
  readonly #session: OwnSession;
  readonly #name: string;
  readonly #onChange: (all: readonly LabelledSnapshot[]) => void;
  /** The snapshots in the order in which they were taken. */
  readonly #all = new Map<string, Snapshot>();
  #last = 0;

  /** @param onChange called with all that there are */
  constructor(
    session: OwnSession,
    name: string,
    onChange: (all: readonly LabelledSnapshot[]) => void,
  ) {
    this.#session = session;
    this.#name = name;
    this.#onChange = onChange;
  }

  /** @returns its label */
  async take(asked?: string): Promise<string> {
    if (asked !== undefined) checkLabel(asked);
    this.#checkRoom(asked);
    const taken = await this.#session.snapshot();
    try {
      this.#checkRoom(asked); // another client may have been faster
    } catch (error) {
      taken.release();
      throw error;
    }
    const label = asked ?? this.#nextLabel();
    this.#all.set(label, taken);
    this.#tell();
    return label;
  }

  /** @returns the label of the one that it went back to; @default the last one */
  async rollback(label = this.#lastLabel()): Promise<string> {
    await this.#session.rollback(this.find(label));
    return label;
  }

  release(label: string): string {
    this.find(label).release();
    this.#all.delete(label);
    this.#tell();
    return label;
  }

  /** @throws LaunchError ERR_SNAPSHOT */
  find(label: string): Snapshot {
    const found = this.#all.get(label);
    if (found !== undefined) return found;
    const labels = [...this.#all.keys()].join(', ');
    throw new LaunchError(
      'ERR_SNAPSHOT',
      `session ${this.#name} has no snapshot ${JSON.stringify(label)}`,
      { hint: labels === '' ? this.#howToTake() : `It has: ${labels}` },
    );
  }

  #howToTake(): string {
    return `To take one: wasbox session snapshot ${this.#name}`;
  }

  #lastLabel(): string {
    const last = [...this.#all.keys()].at(-1);
    if (last !== undefined) return last;
    throw new LaunchError('ERR_SNAPSHOT', `session ${this.#name} has no snapshot`, {
      hint: this.#howToTake(),
    });
  }

  #nextLabel(): string {
    let label: string;
    do label = `s${++this.#last}`;
    while (this.#all.has(label));
    return label;
  }

  #checkRoom(label: string | undefined): void {
    const name = this.#name;
    if (label !== undefined && this.#all.has(label)) {
      throw new LaunchError('ERR_SNAPSHOT', `session ${name} already has a snapshot ${label}`, {
        hint: `Choose another label, or release it: wasbox session release ${name} ${label}`,
      });
    }
    if (this.#all.size < maxSnapshots) return;
    throw new LaunchError('ERR_SNAPSHOT', `session ${name} has ${maxSnapshots} snapshots`, {
      hint: `To release one: wasbox session release ${name} SNAPSHOT`,
    });
  }

  #tell(): void {
    const all = [...this.#all].map(([label, { takenAt }]) => ({
      label,
      takenAt: takenAt.toISOString(),
    }));
    this.#onChange(all);
  }
}

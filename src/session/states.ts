/** The states of a session's files: snapshots, the way back to them, and forks that go on from one. */
import type { FrozenLayer } from '../changes/index.js';
import { LaunchError } from '../errors/index.js';
import { spoken } from '../options/index.js';
import type { SessionLayers } from './layers.js';
import type { Sandboxes } from './sandboxes.js';
import { layerOf, Snapshot } from './snapshot.js';
import type { Turns } from './turns.js';

/** The layers of sessions that have not ended: only their snapshots still exist. */
const alive = new WeakSet<SessionLayers>();
const isAlive = (layers: SessionLayers): boolean => alive.has(layers);

interface StatesOf {
  /** The session's layers; undefined where it can change nothing. */
  readonly layers: SessionLayers | undefined;
  readonly sandboxes: Sandboxes;
  readonly turns: Turns;
  /** @throws where the session takes no calls any more */
  readonly check: () => void;
}

export class States {
  readonly #of: StatesOf;

  constructor(of: StatesOf) {
    this.#of = of;
    if (of.layers !== undefined) alive.add(of.layers);
  }

  /** @throws LaunchError where there are none */
  layers(call: string): SessionLayers {
    const { layers } = this.#of;
    if (layers !== undefined) return layers;
    throw new LaunchError('ERR_SNAPSHOT', `session.${call}: the session cannot change any files`, {
      hint: spoken`It has no copy-on-write directory: start it with --workdir DIR`,
    });
  }

  snapshot(): Promise<Snapshot> {
    return this.#of.turns.alone('snapshot', () => this.#snapshot());
  }

  async rollback(snapshot: Snapshot): Promise<void> {
    const layers = this.layers('rollback');
    const check = () => layerOf('rollback', snapshot, layers, isAlive);
    check();
    await this.#of.turns.alone(undefined, async () => {
      const layer = check();
      await this.#of.sandboxes.suspend();
      layers.reset(layer);
    });
  }

  /** @param snapshot that the fork goes on from; @default the state of now */
  async fork<T>(
    snapshot: Snapshot | undefined,
    make: (layers: SessionLayers, layer: FrozenLayer) => T,
  ): Promise<T> {
    const layers = this.layers('fork');
    if (snapshot !== undefined) {
      this.#of.check();
      return make(layers, layerOf('fork', snapshot, layers, isAlive));
    }
    return this.#of.turns.alone('fork', async () => {
      using taken = await this.#snapshot();
      return make(layers, layerOf('fork', taken, layers, isAlive));
    });
  }

  /** The session has ended: its snapshots go with it. */
  end(): void {
    const { layers } = this.#of;
    if (layers === undefined) return;
    alive.delete(layers);
    try {
      layers.releaseAll();
    } catch {
      // The next look at the runs removes what is left.
    }
  }

  async #snapshot(): Promise<Snapshot> {
    const layers = this.layers('snapshot');
    const used = await this.#of.sandboxes.suspend();
    // Without a sandbox since the last one, nothing was written.
    const layer = used === undefined ? layers.top : undefined;
    return new Snapshot({ layers, layer: layer ?? layers.freeze(used ?? { bytes: 0, inodes: 0 }) });
  }
}

/** The files of a session: its run, and the frozen layers that this one lies on. */
import {
  applyOfSession,
  dropStacked,
  dropStackedSoon,
  emptyDropped,
  type FrozenLayer,
  forkRun,
  freezeRun,
  hasBase,
  holdLayer,
  type JsonDiff,
  lowerStack,
  namesOf,
  type OpenedView,
  openView,
  previewApply,
  type Run,
  releaseLayer,
  resetRun,
  type Store,
  type UnmadeFork,
  unmadeFork,
  withView,
} from '../changes/index.js';
import type { LimitsSpec, SandboxSpec } from '../resolve/index.js';
import {
  type ApplyChoice,
  checkedChoice,
  diffOf,
  type RunApplied,
  runApplied,
  type ShownChange,
  shownOf,
} from '../runs/index.js';

/** Layers that a stack has at most before they are merged: each look-up passes through all of them. */
const maxStack = 24;
/** The number that the plan has room for (wire.h), with the host's own directory. */
const maxLowers = 126;

/** How high a stack may grow below the views of a spec, which may be stacks themselves: those of images. */
function roomFor({ views }: SandboxSpec): number {
  const own = views.map((view) => (view.type === 'host' ? (view.lowers?.length ?? 0) : 0));
  return Math.max(1, Math.min(maxStack, maxLowers - Math.max(0, ...own)));
}

export class SessionLayers {
  readonly store: Store;
  /** The family is the same object for a session and its forks. */
  readonly family: object;
  readonly #room: number;
  /** Set for a fork in which nothing has run: it is made when it is needed. */
  #unmade: UnmadeFork | undefined;
  #run: Run | undefined;
  #top: FrozenLayer | undefined;
  #emptied: Promise<void> = Promise.resolve();
  readonly #views = new Set<OpenedView>();
  /** Names of the layers that the run holds, each with the number of snapshots that need it. */
  readonly #held = new Map<string, number>();

  constructor(
    store: Store,
    run: Run | UnmadeFork,
    spec: SandboxSpec,
    from: { readonly top?: FrozenLayer; readonly family: object } = { family: {} },
  ) {
    const { top, family } = from;
    this.store = store;
    this.family = family;
    if ('make' in run) this.#unmade = run;
    else this.#run = run;
    this.#room = roomFor(spec);
    this.#top = top;
    if (top !== undefined) this.#held.set(top.name, 0);
  }

  /** @throws ChangesError where it cannot be made */
  get run(): Run {
    if (this.#run === undefined) {
      if (this.#unmade === undefined) throw new TypeError('the fork has ended, and has no run');
      this.#run = this.#unmade.make();
      this.#unmade = undefined;
    }
    return this.#run;
  }

  /** Returns the ID of its run; undefined where it has ended without one. */
  get id(): string | undefined {
    return (this.#run ?? this.#unmade) ? this.run.record.id : undefined;
  }

  /** Returns its run, if it has one by now. */
  get madeRun(): Run | undefined {
    return this.#run;
  }

  /** The project whose files it has. */
  get workdir(): string | undefined {
    return (this.#run?.record ?? this.#unmade?.origin)?.workdir.path;
  }

  /** Returns what may still be written, of limits for the session as a whole. */
  rest(limits: LimitsSpec): Pick<LimitsSpec, 'diskBytes' | 'inodes'> {
    const { bytes = 0, inodes = 0 } = this.#top ?? {};
    return { diskBytes: left(limits.diskBytes, bytes), inodes: left(limits.inodes, inodes) };
  }

  /** The state of now, where nothing was written since it was frozen. */
  get top(): FrozenLayer | undefined {
    return this.#top;
  }

  /** Freezes what was written; no sandbox may write meanwhile. */
  freeze(used: { readonly bytes: number; readonly inodes: number }): FrozenLayer {
    const frozen = freezeRun(this.store, this.run, this.#top, used);
    const next =
      namesOf(frozen.layer).length > this.#room ? this.#lower(frozen.run, frozen.layer) : frozen;
    return this.#goOn(next.run, next.layer);
  }

  #lower(run: Run, layer: FrozenLayer) {
    this.#goOn(run, layer);
    return lowerStack(this.store, run, layer);
  }

  #goOn(run: Run, layer: FrozenLayer): FrozenLayer {
    this.#run = run;
    this.#top = layer;
    this.#held.set(layer.name, this.#held.get(layer.name) ?? 0);
    this.#releaseUnused();
    return layer;
  }

  #releaseUnused(): void {
    if (this.#run === undefined) return;
    for (const [name, snapshots] of this.#held) {
      if (snapshots > 0 || name === this.#top?.name) continue;
      this.#held.delete(name);
      releaseLayer(this.store, name, this.#run.record.id);
    }
  }

  /** Goes back to a layer, which someone holds. */
  reset(layer: FrozenLayer): void {
    const run = this.run;
    if (!this.#held.has(layer.name)) holdLayer(this.store, layer.name, run.record.id);
    this.#goOn(resetRun(this.store, run, layer), layer);
    const empty = (): Promise<void> => emptyDropped(this.store, run);
    // If it fails, the files go with the run.
    this.#emptied = this.#emptied.then(empty).catch(() => {});
  }

  /** Fulfilled when nothing is being removed. */
  get emptied(): Promise<void> {
    return this.#emptied;
  }

  /** A session's files that go on from a layer that is held. */
  fork(layer: FrozenLayer, spec: SandboxSpec): SessionLayers {
    const { store, family } = this;
    const origin = this.#run?.record ?? this.#unmade?.origin;
    // A fork needs what the run knows of the host's files as it is now.
    const run =
      origin === undefined || (this.#run !== undefined && hasBase(this.#run))
        ? forkRun(store, this.run, layer)
        : unmadeFork(store, origin, layer);
    return new SessionLayers(store, run, spec, { top: layer, family });
  }

  /** A snapshot needs a layer that the run holds. */
  keep({ name }: FrozenLayer): void {
    this.#held.set(name, (this.#held.get(name) ?? 0) + 1);
  }

  /** It needs it no more. */
  release({ name }: FrozenLayer): void {
    const snapshots = this.#held.get(name);
    if (snapshots === undefined) return;
    this.#held.set(name, snapshots - 1);
    this.#releaseUnused();
  }

  /** Shows another process what the files are now, until that has looked, or the session ends. */
  view(): OpenedView {
    const view = openView(this.store, this.run);
    this.#views.add(view);
    const close = (): void => {
      this.#views.delete(view);
      view.close();
    };
    return { ...view, close };
  }

  /** Called before the run ends: files of a view are names of its own. */
  closeViews(): void {
    for (const view of this.#views) view.close();
    this.#views.clear();
  }

  diff(paths: readonly string[] | undefined): JsonDiff[] {
    return withView(this.store, this.run, (view) => diffOf(this.store, view, paths));
  }

  show(paths: readonly string[] | undefined): ShownChange[] {
    return withView(this.store, this.run, (view) => shownOf(this.store, view, paths));
  }

  apply(choice: ApplyChoice | undefined): RunApplied {
    const { paths, conflicts, dryRun = false, ...deletions } = checkedChoice(choice);
    if (dryRun) {
      return runApplied(
        withView(this.store, this.run, (view) => previewApply(this.store, view, paths, deletions)),
      );
    }
    return runApplied(applyOfSession(this.store, this.run, { paths, conflicts, ...deletions }));
  }

  /** The session has ended, and its run with it: no layer is needed any more. */
  releaseAll(): void {
    this.#unmade?.drop();
    this.#unmade = undefined;
    const run = this.#run;
    if (run === undefined) return;
    for (const name of this.#held.keys()) releaseLayer(this.store, name, run.record.id);
    this.#held.clear();
  }

  /** Nothing ran on it: nothing of it is kept. */
  drop(): void {
    if (this.#run !== undefined) dropStacked(this.store, this.#run);
    this.releaseAll();
  }

  /** Drops them on another thread. */
  async dropSoon(): Promise<void> {
    if (this.#run !== undefined) await dropStackedSoon(this.store, this.#run);
    this.releaseAll();
  }
}

/** 0 would be no limit. */
const left = (limit: number | undefined, used: number): number | undefined =>
  limit === undefined ? undefined : Math.max(1, limit - used);

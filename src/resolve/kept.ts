/** Tells which directories of the host a spec's layers belong to. */
import { isWithin } from '../host/index.js';
import type { HostView, PrivateView, View } from './spec.js';
import { isCopied } from './views.js';

/** A directory of the host, and how what the payload writes for it is kept in a layer. */
export interface KeptTree {
  readonly path: string;
  /** Set if it is the user's home: `empty`, the payload saw nothing of it; `cow`, it saw it. */
  readonly home?: 'empty' | 'cow' | undefined;
  /**
   * Only of an empty home: paths below it at which the sandbox itself made mount points and links. A
   * path comes behind those that it is in.
   */
  readonly placed?: readonly string[] | undefined;
}

/** Names in the private root of a run without namespaces: the copy of the nth tree, and an empty home. */
export const privateCopyName = (index: number): string => `copy${index}`;
export const privateHomeName = 'home';

type KeptView = (HostView & { readonly access: 'copy-on-write' }) | PrivateView;

/** Returns whether what is written there goes to a layer of the run. */
export const isKept = (view: View): view is KeptView =>
  isCopied(view) || (view.type === 'private' && view.persistence === 'kept');

/** The directory of the host that a layer belongs to. */
export const hostOf = (view: KeptView): string =>
  view.type === 'host' ? view.source : (view.host ?? view.target);

function treeOf(view: KeptView, views: readonly View[]): KeptTree {
  const path = hostOf(view);
  if (view.type === 'private') return { path, home: 'empty', placed: placedIn(view.target, views) };
  return view.origin === 'home' ? { path, home: 'cow' } : { path };
}

/** Returns what lies in a place itself, and not in another view in it; each with the directories on the way. */
function placedIn(place: string, views: readonly View[]): string[] {
  const inside = views.filter(({ target }) => target !== place && isWithin(target, place));
  const found = new Set<string>();
  for (const { target } of inside) {
    if (inside.some((other) => other.target !== target && isWithin(target, other.target))) continue;
    const names = target.slice(place.length + 1).split('/');
    for (let end = 1; end <= names.length; end++) found.add(names.slice(0, end).join('/'));
  }
  return [...found].sort();
}

const rank = (view: KeptView): number =>
  view.origin === 'workdir' ? 0 : view.type === 'private' ? 2 : 1;

/** Trees of each spec's views: a program makes thousands of runs with the same. */
const treesOf = new WeakMap<readonly View[], readonly KeptTree[]>();

/**
 * The trees of a run in the order of their layers: the working directory first, an empty home last.
 * @param views of a spec, which do not change any more
 */
export function keptTrees(views: readonly View[]): readonly KeptTree[] {
  const known = treesOf.get(views);
  if (known !== undefined) return known;
  const trees = views
    .filter(isKept)
    .sort((a, b) => rank(a) - rank(b))
    .map((view) => treeOf(view, views));
  treesOf.set(views, trees);
  return trees;
}

/** The layer of a run's nth tree, below the run's directory. */
export const layerName = (index: number): string =>
  index === 0 ? 'layers/0' : `trees/${index}/layers/0`;

/** The layer of a view, in the directory of a run that is made for these views. */
export function layerOf(view: KeptView, views: readonly View[]): string {
  const path = hostOf(view);
  return view.layer ?? layerName(keptTrees(views).findIndex((tree) => tree.path === path));
}

/**
 * The views with the layers of a run that was made for others of the same trees.
 * @param trees of the run, and the frozen layers below what the payload writes to each: paths, the upper ones first
 */
export function viewsOfRun(
  views: readonly View[],
  trees: readonly { readonly path: string; readonly stack: readonly string[] }[],
): readonly View[] {
  return views.map((view) => {
    if (!isKept(view)) return view;
    const index = trees.findIndex(({ path }) => path === hostOf(view));
    if (index < 0) throw new TypeError(`no layer for ${hostOf(view)}`);
    const [source, ...frozen] = trees[index]?.stack ?? [];
    const stacked = source === undefined ? view : stackedView(view, source, frozen);
    return { ...stacked, layer: layerName(index) };
  });
}

function stackedView(view: KeptView, source: string, frozen: readonly string[]): HostView {
  const between = frozen.map((path) => ({ source: path }));
  if (view.type === 'host') {
    const { identity, lowers = [], ...rest } = view;
    const host = { source: view.source, identity };
    return { ...rest, source, lowers: [...between, host, ...lowers] };
  }
  const { target, origin } = view;
  return {
    type: 'host',
    source,
    ...(between.length === 0 ? {} : { lowers: between }),
    target,
    access: 'copy-on-write',
    persistence: 'kept',
    directory: true,
    origin,
    ownHome: true,
  };
}

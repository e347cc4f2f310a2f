/** Which directories of the host a spec's layers belong to. */
import { isWithin } from '../host/index.js';
import type { HostView, PrivateView, View } from './spec.js';
import { isCopied } from './views.js';

/** A directory of the host, and how what the payload writes for it is kept in a layer. */
export interface KeptTree {
  readonly path: string;
  /** Whether it is the user's home: `empty`, the payload saw nothing of it; `cow`, it saw it. */
  readonly home?: 'empty' | 'cow' | undefined;
  /**
   * Only of an empty home: paths below it at which the sandbox itself made mount points and links. A
   * path comes behind those that it is in.
   */
  readonly placed?: readonly string[] | undefined;
}

/** In the private root of a run without namespaces: the copy of the nth tree, and an empty home. */
export const privateCopyName = (index: number): string => `copy${index}`;
export const privateHomeName = 'home';

type KeptView = (HostView & { readonly access: 'copy-on-write' }) | PrivateView;

/** Whether what is written there goes to a layer of the run. */
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

/** What lies in a place itself, and not in another view in it; each with the directories on the way. */
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

/** Of each spec's views: a program makes thousands of runs with the same. */
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

/** The layer of each view that has one, in the order of the views. */
export function layersInOrder(
  views: readonly View[],
  layerOf: (tree: KeptTree, index: number) => string,
): string[] {
  const trees = keptTrees(views);
  const layers = new Map(trees.map((tree, index) => [tree.path, layerOf(tree, index)]));
  return views.filter(isKept).map((view) => layers.get(hostOf(view)) ?? '');
}

/**
 * The views with frozen layers below what the payload writes to.
 * @param stack of each tree, in the order of {@link keptTrees}: paths, the upper ones first
 */
export function stackedViews(
  views: readonly View[],
  stack: readonly (readonly string[])[],
): readonly View[] {
  const trees = new Map(keptTrees(views).map(({ path }, index) => [path, stack[index] ?? []]));
  return views.map((view) => {
    const [source, ...frozen] = isKept(view) ? (trees.get(hostOf(view)) ?? []) : [];
    return source === undefined || !isKept(view) ? view : stackedView(view, source, frozen);
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

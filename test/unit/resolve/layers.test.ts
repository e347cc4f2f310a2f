import { describe, expect, it } from 'vitest';
import { namespaceBackend } from '../../../src/backend/index.js';
import { isKept, keptTrees, layerOf, viewsOfRun } from '../../../src/resolve/index.js';
import { directory } from './fake-host.js';
import { resolve } from './support.js';

const files = { '/srv/a': directory, '/srv/b': directory };
const spec = resolve({ cow: ['/srv/b', '/srv/a'] }, { files });
const { views } = spec;

/** The layer that each host directory is written to. */
const layersOf = (shown: typeof views) =>
  new Map(
    namespaceBackend
      .lower({ ...spec, views: shown })
      .operations.flatMap((one) =>
        (one.type === 'overlay' || one.type === 'private') && one.layer !== undefined
          ? [[one.target, one.layer] as const]
          : [],
      ),
  );

describe('the layers of a run', () => {
  it('are numbered as its trees are, the working directory first', () => {
    const trees = keptTrees(views);
    expect(trees).toHaveLength(3);
    expect(
      views
        .filter(isKept)
        .map((view) => layerOf(view, views))
        .sort(),
    ).toEqual(['layers/0', ...[1, 2].map((index) => `trees/${index}/layers/0`)]);
    expect(layersOf(views).get('/home/ann/proj')).toBe('layers/0');
  });

  it('stay those of an earlier start that had the same trees in another order', () => {
    const [workdir, ...others] = keptTrees(views);
    const trees = [workdir, ...others.toReversed()].map((tree) => ({
      path: tree?.path ?? '',
      stack: [],
    }));
    const other = (layer = '') =>
      layer.replace(/[12](?=\/layers)/, (digit) => `${3 - Number(digit)}`);
    const mirrored = [...layersOf(views)].map(([target, layer]) => [target, other(layer)] as const);
    expect(layersOf(viewsOfRun(views, trees))).toEqual(new Map(mirrored));
  });

  it('are below the frozen ones of a fork, in the same places', () => {
    const trees = keptTrees(views).map(({ path }) => ({ path, stack: [`/frozen${path}`] }));
    expect(layersOf(viewsOfRun(views, trees))).toEqual(layersOf(views));
  });

  it('are not made up for a run that lacks a tree', () => {
    expect(() => viewsOfRun(views, [])).toThrow(TypeError);
  });
});

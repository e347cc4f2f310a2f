import { describe, expect, it } from 'vitest';
import { matchNames } from '../../../src/changes/auto-executed/match.js';
import { noiseOfHome, noiseRows } from '../../../src/changes/scan/noise.js';

const places = noiseRows.flatMap(({ places }) => places.trim().split(/\s+/));
const state = (type: 'file' | 'directory' | 'symlink') =>
  ({ type }) as Parameters<typeof noiseOfHome>[1];

describe('the list of what no user reviews', () => {
  it('has a reason for each row, and each place once', () => {
    for (const { why, places: row } of noiseRows) expect(why, row).toMatch(/^\w.{20,}[^.]$/);
    expect(new Set(places).size).toBe(places.length);
  });

  it.each(places)('names nothing that the catalogue knows to run: %s', (place) => {
    const names = place.endsWith('/')
      ? [...place.split('/').slice(0, -1), 'file']
      : place.split('/');
    const found = matchNames(['home', 'ann', ...names], false, names);
    expect([undefined, true]).toContain(found?.level === 'held' ? found.isUnknown : undefined);
  });

  it('is below the home, at its whole path, and of its own type', () => {
    expect(noiseOfHome(['.cache', 'go-build'], state('directory'))?.what).toBe('caches');
    expect(noiseOfHome(['.python_history'], state('file'))?.what).toBe('histories');
    for (const type of ['directory', 'symlink'] as const) {
      expect(noiseOfHome(['.python_history'], state(type))).toBeUndefined();
    }
    expect(noiseOfHome(['.cache', 'go-build'], state('file'))).toBeUndefined();
    expect(noiseOfHome(['.cache'], state('directory'))).toBeUndefined();
    expect(noiseOfHome(['x', '.python_history'], state('file'))).toBeUndefined();
    expect(
      noiseOfHome(['.cache', 'go-build', '..', '..', '.bashrc'], state('file')),
    ).toBeUndefined();
  });
});

/** A release replaces an earlier one when it is complete: a step that fails leaves the earlier one whole, and nothing else. */
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeInPlace, placeFaults } from '../../src/release/place.mjs';

describe('the directory of a release', () => {
  let place = '';
  let out = '';
  beforeEach(() => {
    place = fs.mkdtempSync(join(tmpdir(), 'wasbox-place-'));
    out = join(place, 'build/release');
  });
  afterEach(() => fs.rmSync(place, { recursive: true, force: true }));

  const make = (...names: string[]) =>
    makeInPlace(out, (made) => {
      for (const name of names) fs.writeFileSync(join(made, name), name);
    });
  const all = () => fs.readdirSync(join(place, 'build'), { recursive: true }).sort();

  test('is replaced as a whole by the next release, and others may read it whatever the umask is', () => {
    const umask = process.umask(0o077);
    try {
      make('first', 'SHA256SUMS');
      make('second', 'SHA256SUMS');
    } finally {
      process.umask(umask);
    }
    expect(all()).toEqual(['release', 'release/SHA256SUMS', 'release/second']);
    expect(fs.statSync(out).mode & 0o777).toBe(0o755);
  });

  test('keeps the earlier release where a step fails, and nothing of the new one stays', () => {
    make('first', 'SHA256SUMS');
    const before = fs.statSync(out);
    const fails = () =>
      makeInPlace(out, (made) => {
        fs.writeFileSync(join(made, 'partial'), '');
        expect(all()).toContain(`${made.slice(join(place, 'build/').length)}/partial`); // the control
        throw new Error('dpkg-deb failed');
      });
    expect(fails).toThrow('dpkg-deb failed');
    expect(all()).toEqual(['release', 'release/SHA256SUMS', 'release/first']);
    expect(fs.statSync(out).ino).toBe(before.ino);
    expect(fs.readFileSync(join(out, 'first'), 'utf8')).toBe('first');
  });

  test('is not made at all where a step of the first release fails', () => {
    const fails = () =>
      makeInPlace(out, () => {
        throw new Error('no space');
      });
    expect(fails).toThrow('no space');
    expect(all()).toEqual([]);
  });

  test('comes back where the new one cannot be put in its place', () => {
    make('first', 'SHA256SUMS');
    const fails = () => makeInPlace(out, (made) => fs.rmdirSync(made));
    expect(fails).toThrow('ENOENT');
    expect(all()).toEqual(['release', 'release/SHA256SUMS', 'release/first']);
  });

  test('is refused where it is not an earlier release, and taken where it is one, empty or not there', () => {
    expect(placeFaults(out)).toEqual([]);
    fs.mkdirSync(out, { recursive: true });
    expect(placeFaults(out)).toEqual([]);
    fs.writeFileSync(join(out, 'thesis.txt'), '');
    expect(placeFaults(out)[0]).toContain(`${out} is no earlier release: it has no SHA256SUMS`);
    fs.writeFileSync(join(out, 'SHA256SUMS'), '');
    expect(placeFaults(out)).toEqual([]);
    const link = join(place, 'link');
    fs.symlinkSync('nowhere', link);
    for (const path of [link, join(out, 'thesis.txt')])
      expect(placeFaults(path)[0]).toContain('it is not a directory');
  });
});

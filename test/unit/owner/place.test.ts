import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openStore, type Store } from '../../../src/changes/index.js';
import { loadNative } from '../../../src/native/index.js';
import { claimPlace, listSessions } from '../../../src/owner/place.js';

let directory: string;
let store: Store;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'wasbox-place-'));
  store = openStore(loadNative().native, { directory: join(directory, 'state') });
});

afterEach(() => rmSync(directory, { recursive: true }));

test('a session is listed until its directory is gone, even while its owner is removing it', () => {
  const place = claimPlace(store, 'one');
  expect(listSessions(store)).toEqual({ live: [], stale: [], unnoted: ['one'] });
  const record = { name: 'one', pid: 1, init: 0, snapshots: [], workdir: '/', started: 'now' };
  place.note(record);
  expect(listSessions(store)).toEqual({ live: [record], stale: [], unnoted: [] });
  place.clear();
  expect(listSessions(store)).toEqual({ live: [], stale: [], unnoted: ['one'] });
  place.release();
  expect(listSessions(store)).toEqual({ live: [], stale: [], unnoted: [] });
});

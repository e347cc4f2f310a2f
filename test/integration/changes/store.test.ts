import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  applyRun,
  continueRun,
  createRun,
  discardRuns,
  endedRuns,
  expireRuns,
  finishRun,
  listRuns,
  openRun,
  openStore,
  scanRun,
  unreadableRuns,
} from '../../../src/changes/index.js';
import { needs } from '../../support/needs.js';
import { type Fixture, makeFixture, native, runScript, startRun } from './fixture.js';

let fixture: Fixture;
beforeEach(() => {
  fixture = makeFixture();
});
afterEach(() => {
  fixture.dispose();
});

const code = (use: () => unknown): string | undefined => {
  try {
    use();
  } catch (error) {
    return (error as { code?: string }).code;
  }
  return undefined;
};

test('everything is accessible only to its owner, whatever the umask (35)', () => {
  const old = process.umask(0);
  try {
    const run = startRun(fixture);
    const { directory } = fixture.store;
    for (const path of [directory, join(directory, 'runs'), run.directory, run.work]) {
      expect(lstatSync(path).mode & 0o777, path).toBe(0o700);
    }
    expect(lstatSync(join(run.directory, 'run.json')).mode & 0o777).toBe(0o600);
    run.close();
  } finally {
    process.umask(old);
  }
});

test('the layer starts with the mode of the working directory', () => {
  chmodSync(fixture.workdir, 0o750);
  const run = startRun(fixture);
  expect(lstatSync(run.upper).mode & 0o777).toBe(0o750);
  expect(finishRun(fixture.store, run, { succeeded: true }, 'keep').disposition).toBe('none');
});

test('a state directory that was planted is refused (35)', () => {
  const { directory } = fixture.store;
  mkdirSync(join(fixture.base, 'state'));
  mkdirSync(join(fixture.base, 'elsewhere'), { mode: 0o700 });
  symlinkSync(join(fixture.base, 'elsewhere'), directory);
  expect(code(() => startRun(fixture))).toBe('ERR_STATE_DIR');
  expect(readdirSync(join(fixture.base, 'elsewhere'))).toEqual([]);

  renameSync(directory, join(fixture.base, 'link'));
  mkdirSync(directory);
  chmodSync(directory, 0o777);
  expect(code(() => startRun(fixture))).toBe('ERR_STATE_DIR');
  // Control: with the right mode it is used.
  chmodSync(directory, 0o700);
  startRun(fixture).close();
});

test('the HOME of another user is not used, nor a relative XDG_STATE_HOME', () => {
  const env = { HOME: fixture.base, XDG_STATE_HOME: 'relative' };
  expect(openStore(native, { env }).directory).toBe(join(fixture.base, '.local/state/wasbox'));
  const foreign = openStore(native, { env: { HOME: '/proc/1' } }).directory;
  if (process.geteuid?.() !== 0) expect(foreign.startsWith('/proc')).toBe(false);
  expect(openStore(native, { env: { XDG_STATE_HOME: '/s' } }).directory).toBe('/s/wasbox');
});

test('IDs are validated and can be abbreviated', () => {
  const run = runScript(fixture, 'echo x > x');
  finishRun(fixture.store, run, { succeeded: false, exitCode: 3 }, 'apply');
  for (const id of ['..', '../x', '.', '/', '', 'a/b', `${run.record.id}/`, `${run.record.id}0`]) {
    expect(
      code(() => openRun(fixture.store, id)),
      id,
    ).toBe('ERR_RUN_UNKNOWN');
    expect(
      code(() => discardRuns(fixture.store, [id])),
      id,
    ).toBe('ERR_RUN_UNKNOWN');
  }
  const found = openRun(fixture.store, run.record.id.slice(0, 8));
  expect(found.record).toMatchObject({ id: run.record.id, status: 'kept', exitCode: 3 });
  // A second one does not get it meanwhile.
  expect(code(() => openRun(fixture.store))).toBe('ERR_RUN_BUSY');
  expect(discardRuns(fixture.store, 'all').busy).toHaveLength(1);
  found.close();
  expect(discardRuns(fixture.store, 'all').discarded).toHaveLength(1);
  expect(listRuns(fixture.store)).toEqual([]);
  expect(code(() => openRun(fixture.store))).toBe('ERR_RUN_UNKNOWN');
});

test('a killed run is saved as interrupted, or removed if it changed nothing', () => {
  runScript(fixture, 'echo x > x').close();
  startRun(fixture).close();
  const live = startRun(fixture);
  const runs = listRuns(fixture.store);
  expect(runs.map(({ status }) => status)).toEqual(['running', 'interrupted']);
  expect(runs[1]?.counts).toEqual({ added: 1, modified: 0, deleted: 0 });
  live.close();
  const run = openRun(fixture.store, runs[1]?.id);
  applyRun(fixture.store, run);
  expect(readFileSync(join(fixture.workdir, 'x'), 'utf8')).toBe('x\n');
  run.close();
});

test('a run with too many changes to list ends normally and can be discarded', () => {
  for (const succeeded of [true, false]) {
    const run = runScript(fixture, 'for n in 1 2 3 4 5 6 7 8; do echo x > name$n; done');
    const end = { succeeded, exitCode: succeeded ? 0 : 3, maxAllPathBytes: 20 };
    const report = finishRun(fixture.store, run, end, 'apply');
    expect(report).toMatchObject({ disposition: 'kept', unlisted: true, changes: [] });
    expect(report.summary.counts).toEqual({ added: 4, modified: 0, deleted: 0 });
    expect(readdirSync(fixture.workdir)).toEqual([]);
    expect(listRuns(fixture.store)).toMatchObject([{ status: 'kept', exitCode: end.exitCode }]);
    expect(discardRuns(fixture.store, 'all').discarded).toHaveLength(1);
  }
  const dropped = runScript(fixture, 'echo x > name1; echo y > name2');
  const end = { succeeded: true, maxAllPathBytes: 5 };
  expect(finishRun(fixture.store, dropped, end, 'discard').disposition).toBe('discarded');
  expect(listRuns(fixture.store)).toEqual([]);
});

test('no file of a discarded run is opened, and the counts are the same', () => {
  writeFileSync(join(fixture.workdir, 'same'), 'same\n');
  writeFileSync(join(fixture.workdir, 'edited'), 'old\n');
  writeFileSync(join(fixture.workdir, 'gone'), 'gone\n');
  const script = 'chmod 644 same; echo new > edited; rm gone; echo n > new; touch -r same same';
  const opened: string[] = [];
  const watched = openStore(
    {
      ...native,
      openat2(dirfd, path, flags, mode, resolve) {
        opened.push(Buffer.from(path).toString());
        return native.openat2(dirfd, path, flags, mode, resolve);
      },
    },
    { directory: fixture.store.directory },
  );
  const counts = (['discard', 'keep'] as const).map((mode) => {
    opened.length = 0;
    const run = runScript(fixture, script);
    const { summary } = finishRun(watched, run, { succeeded: true }, mode);
    // Control: where the changes are kept, contents are compared.
    expect(opened.includes('edited'), mode).toBe(mode === 'keep');
    return summary.counts;
  });
  expect(counts[0]).toEqual({ added: 1, modified: 1, deleted: 1 });
  expect(counts[1]).toEqual(counts[0]);
});

test.each(['openat2', 'lockRun'] as const)(
  'discard does not fail if another process discards the run meanwhile (before %s)',
  (moment) => {
    for (let n = 0; n < 3; n++) {
      finishRun(fixture.store, runScript(fixture, `echo ${n} > x`), { succeeded: true }, 'keep');
    }
    const ids = listRuns(fixture.store).map(({ id }) => id);
    expect(ids).toHaveLength(3);
    let others: string[] | undefined;
    const first = (): void => {
      if (others !== undefined) return;
      others = [];
      others = discardRuns(fixture.store, 'all').discarded.map(({ id }) => id);
    };
    const raced = {
      ...native,
      openat2(...args: Parameters<typeof native.openat2>) {
        if (moment === 'openat2' && ids.includes(Buffer.from(args[1]).toString())) first();
        return native.openat2(...args);
      },
      lockRun(directory: number) {
        if (moment === 'lockRun') first();
        return native.lockRun(directory);
      },
    };
    const store = openStore(raced, { directory: fixture.store.directory });
    const { discarded, busy } = discardRuns(store, 'all');
    expect(busy).toEqual([]);
    // Each was discarded by one of the two, and reported by no more than one.
    expect([...discarded.map(({ id }) => id), ...(others ?? [])].sort()).toEqual([...ids].sort());
    expect(listRuns(fixture.store)).toEqual([]);
    // Control: by name, it says that the run is gone.
    expect(code(() => discardRuns(store, [ids[0] ?? '']))).toBe('ERR_RUN_UNKNOWN');
  },
);

test('several look at a run at the same time, and who changes it waits for them', () => {
  const { store } = fixture;
  const made = runScript(fixture, 'echo x > x');
  finishRun(store, made, { succeeded: true }, 'keep');
  const readers = [1, 2].map(() => openRun(store, undefined, { shared: true }));
  for (const reader of readers) expect(scanRun(store, reader)).toHaveLength(1);
  expect(code(() => openRun(store))).toBe('ERR_RUN_BUSY');
  let waits = 0;
  const run = openRun(store, undefined, {
    onInUse: () => {
      waits++;
      readers.pop()?.close();
    },
  });
  expect(waits).toBe(2);
  // The control: it has the run for itself.
  expect(code(() => openRun(store, undefined, { shared: true }))).toBe('ERR_RUN_BUSY');
  run.close();
});

test('who waits for a run gives up when told so', () => {
  const { store } = fixture;
  const made = runScript(fixture, 'echo x > x');
  finishRun(store, made, { succeeded: true }, 'keep');
  const reader = openRun(store, undefined, { shared: true });
  const times: number[] = [];
  const onInUse = (error: Error, waitedMs: number): void => {
    times.push(waitedMs);
    if (times.length === 3) throw error;
  };
  expect(code(() => openRun(store, undefined, { onInUse }))).toBe('ERR_RUN_BUSY');
  expect(times).toEqual([...times].sort((a, b) => a - b));
  reader.close();
});

test('a run that is running is not waited for', () => {
  const run = startRun(fixture);
  const onInUse = (): void => expect.unreachable();
  expect(code(() => openRun(fixture.store, run.record.id, { onInUse }))).toBe('ERR_RUN_BUSY');
  run.close();
});

test.each(['lock', 'run.json', 'base', 'modes', 'apply'])(
  'a FIFO, a directory or a link in place of the file %s of a run is told, and holds nothing up',
  (name) => {
    const { store } = fixture;
    for (const make of ['mkfifo', 'mkdir', 'ln -s /dev/zero']) {
      const run = runScript(fixture, 'echo x > x');
      finishRun(store, run, { succeeded: true }, 'keep');
      const path = join(run.directory, name);
      execFileSync('sh', ['-c', `rm -f "$1" && ${make} "$1"`, 'sh', path]);
      listRuns(store);
      const found = code(() => {
        const kept = openRun(store, run.record.id);
        try {
          applyRun(store, kept);
        } finally {
          kept.close();
        }
      });
      // The file is not needed, or the error says what is wrong.
      expect([undefined, 'ERR_STATE_DIR', 'ERR_RUN_UNKNOWN'], `${make} ${name}`).toContain(found);
      execFileSync('rm', ['-rf', path]);
      code(() => discardRuns(store, [run.record.id]));
      expect(listRuns(store)).toEqual([]);
    }
  },
);

test('a damaged journal entry hides no other run and can be discarded', () => {
  const run = runScript(fixture, 'echo x > x');
  finishRun(fixture.store, run, { succeeded: true }, 'keep');
  writeFileSync(join(run.directory, 'run.json'), '{"schemaVersion":1');
  expect(listRuns(fixture.store)).toEqual([]);
  expect(code(() => openRun(fixture.store, run.record.id))).toBe('ERR_STATE_DIR');
  expect(discardRuns(fixture.store, [run.record.id]).discarded).toHaveLength(1);
  expect(existsSync(run.directory)).toBe(false);
});

/** Two saved runs, the journal entry of the first replaced. */
function withEntry(text: string) {
  const { store } = fixture;
  const [first, second] = ['x', 'y'].map((name) => {
    const run = runScript(fixture, `echo ${name} > ${name}`);
    finishRun(store, run, { succeeded: true }, 'keep');
    return run;
  });
  if (first === undefined || second === undefined) throw new Error('there are two');
  writeFileSync(join(first.directory, 'run.json'), text);
  return { first, second, id: first.record.id };
}

test('a run whose journal entry is damaged is named, and discarded only by its ID', () => {
  const { store } = fixture;
  const { first, second, id } = withEntry('{"schemaVersion":1');
  expect(unreadableRuns(store)).toEqual([{ id, newer: false }]);
  const report = discardRuns(store, 'all');
  expect(report.discarded.map((one) => one.id)).toEqual([second.record.id]);
  expect(report.unreadable).toEqual([{ id, newer: false }]);
  expect(existsSync(join(first.directory, 'layers'))).toBe(true);
  expect(discardRuns(store, [id]).unreadable).toEqual([]);
  expect([unreadableRuns(store), existsSync(first.directory)]).toEqual([[], false]);
});

test('a run of a newer version is named, never discarded, and left where it is', () => {
  const { store } = fixture;
  const { first, second, id } = withEntry('{"schemaVersion":2}');
  const newer = [{ id, newer: true }];
  expect(code(() => openRun(store, id))).toBe('ERR_STATE_DIR');
  for (const which of [[id], 'all'] as const)
    expect(discardRuns(store, which).unreadable).toEqual(newer);
  expect(existsSync(second.directory)).toBe(false);
  expect(readdirSync(join(first.directory, 'layers/0/upper'))).toEqual(['x']);
  // It was interrupted: that version recovers it, and finds it in its place.
  const running = join(store.directory, 'runs', id);
  renameSync(first.directory, running);
  expect([listRuns(store), unreadableRuns(store)]).toEqual([[], newer]);
  expect(discardRuns(store, 'all').unreadable).toEqual(newer);
  expect(readdirSync(join(running, 'layers/0/upper'))).toEqual(['x']);
});

test('a run of a newer version keeps its notes when old runs are looked through', () => {
  const { store } = fixture;
  const { second, id } = withEntry('{"schemaVersion":2}');
  const notes = join(store.directory, 'continued');
  mkdirSync(notes, { mode: 0o700 });
  for (const name of [id, '0000070zz']) writeFileSync(join(notes, name), '');
  expireRuns(store, second.record, { maxAgeMs: 1 });
  expect(readdirSync(notes)).toEqual([id]);
});

test('a frozen layer stays while a user of a kind that this version does not know needs it', () => {
  const { store } = fixture;
  const user = '000000000-1';
  for (const [name, by] of [
    ['0000000zz-1', 'new-kind:1'],
    ['0000000zz-2', user],
  ] as const) {
    const refs = join(store.directory, 'frozen', name, 'refs');
    mkdirSync(refs, { mode: 0o700, recursive: true });
    writeFileSync(join(refs, by), '');
  }
  chmodSync(join(store.directory, 'frozen'), 0o700);
  discardRuns(store, 'all');
  // The control: the other one is of a layer that is gone.
  expect(readdirSync(join(store.directory, 'frozen'))).toEqual(['0000000zz-1']);
});

test('the latest run is taken with a word of each later one of a newer version', () => {
  const { id } = withEntry('{"schemaVersion":2}');
  const told: string[] = [];
  const found = [...endedRuns(fixture.store, (newer) => told.push(newer))];
  expect([found.length, told]).toEqual([1, [id]]);
});

test.each(['layers', 'layers/0/upper'])(
  'a run without its %s is told, and can be dropped',
  (lost) => {
    const run = runScript(fixture, 'echo x > x');
    finishRun(fixture.store, run, { succeeded: true }, 'keep');
    execFileSync('rm', ['-r', join(run.directory, lost)]);
    const kept = openRun(fixture.store, run.record.id);
    for (const use of [scanRun, applyRun]) {
      expect(code(() => use(fixture.store, kept))).toBe('ERR_STATE_DIR');
    }
    kept.close();
    expect(readdirSync(fixture.workdir)).toEqual([]);
    expect(discardRuns(fixture.store, [run.record.id]).discarded).toHaveLength(1);
  },
);

test('a file that only looks like a run does not keep the others from being discarded', () => {
  const run = runScript(fixture, 'echo x > x');
  finishRun(fixture.store, run, { succeeded: true }, 'keep');
  const runs = join(fixture.store.directory, 'runs');
  const saved = join(fixture.store.directory, 'saved');
  for (const place of [runs, saved]) {
    symlinkSync(run.record.id, join(place, '0dhzzzzzy'));
    writeFileSync(join(place, '0dhzzzzzz'), '');
  }
  expect(discardRuns(fixture.store, 'all').discarded.map(({ id }) => id)).toEqual([run.record.id]);
  for (const place of [runs, saved]) {
    expect(readdirSync(place)).toEqual(['0dhzzzzzy', '0dhzzzzzz']);
  }
  expect(code(() => discardRuns(fixture.store, ['0dhzzzzzy']))).toBe('ERR_RUN_UNKNOWN');
});

test('another working directory at the same path is not touched', () => {
  const run = runScript(fixture, 'echo x > x');
  finishRun(fixture.store, run, { succeeded: true }, 'keep');
  renameSync(fixture.workdir, join(fixture.base, 'old'));
  mkdirSync(fixture.workdir);
  const kept = openRun(fixture.store);
  expect(code(() => applyRun(fixture.store, kept))).toBe('ERR_APPLY');
  expect(readdirSync(fixture.workdir)).toEqual([]);
  // Control: the one it ran in is.
  execFileSync('rmdir', [fixture.workdir]);
  renameSync(join(fixture.base, 'old'), fixture.workdir);
  applyRun(fixture.store, kept);
  kept.close();
  expect(readdirSync(fixture.workdir)).toEqual(['x']);
});

test('unreadable and very deep directories are removed, and nothing outside', () => {
  const outside = join(fixture.base, 'outside');
  mkdirSync(outside);
  writeFileSync(join(outside, 'f'), 'f');
  const run = startRun(fixture);
  const script = `
import os, sys
os.chdir(sys.argv[1])
os.symlink(sys.argv[2], "link")
os.makedirs("shut/in"); open("shut/in/f", "w").close()
os.chmod("shut/in", 0); os.chmod("shut", 0)
for n in range(3000):
    os.mkdir("d" * 100); os.chdir("d" * 100)
    os.symlink(sys.argv[2], "link")
`;
  execFileSync('python3', ['-c', script, run.upper, outside]);
  const changes = scanRun(fixture.store, run);
  expect(changes.some(({ flags }) => flags.includes('too-deep'))).toBe(true);
  finishRun(fixture.store, run, { succeeded: false }, 'keep');
  const { workdir } = fixture;
  const request = { command: 'test', argv: ['test'], trees: [{ path: workdir }] };
  const on = continueRun(fixture.store, run.record.id, request);
  on.close();
  expect(lstatSync(join(on.upper, 'shut')).mode & 0o777).toBe(0);
  expect(discardRuns(fixture.store, 'all').discarded).toHaveLength(1);
  for (const place of ['runs', 'saved']) {
    expect(readdirSync(join(fixture.store.directory, place))).toEqual([]);
  }
  expect(readFileSync(join(outside, 'f'), 'utf8')).toBe('f');
});

test('two runs in one directory at once do not disturb each other', () => {
  const one = runScript(fixture, 'echo 1 > same; echo 1 > one');
  const two = runScript(fixture, 'echo 2 > same; echo 2 > two');
  finishRun(fixture.store, one, { succeeded: true }, 'apply');
  const report = finishRun(fixture.store, two, { succeeded: true }, 'apply');
  expect(report.disposition).toBe('partly-applied');
  expect(report.apply?.refused.map(({ change }) => change.display)).toEqual(['same']);
  expect(readFileSync(join(fixture.workdir, 'same'), 'utf8')).toBe('1\n');
  expect(readFileSync(join(fixture.workdir, 'two'), 'utf8')).toBe('2\n');
});

needs('root').test('a device in a layer is never applied (18)', () => {
  const run = startRun(fixture);
  execFileSync('mknod', [join(run.upper, 'null'), 'c', '1', '3']);
  execFileSync('mknod', [join(run.upper, 'disk'), 'b', '8', '0']);
  writeFileSync(join(run.upper, 'file'), 'x');
  const report = finishRun(fixture.store, run, { succeeded: true }, 'apply');
  expect(report.apply?.refused.map(({ change, reason }) => `${change.display} ${reason}`)).toEqual([
    'disk special',
    'null special',
  ]);
  expect(readdirSync(fixture.workdir)).toEqual(['file']);
  const kept = openRun(fixture.store);
  const named = applyRun(fixture.store, kept, { paths: ['null', 'disk'] });
  kept.close();
  expect(named.applied).toEqual([]);
});

test('createRun explains why the state directory cannot be created', () => {
  writeFileSync(join(fixture.base, 'file'), '');
  const store = openStore(native, { directory: join(fixture.base, 'file', 'wasbox') });
  const request = { command: 'x', argv: [], trees: [{ path: fixture.workdir }] };
  expect(code(() => createRun(store, request))).toBe('ERR_STATE_DIR');
});

test('a run that is just being created is left alone; one that never started is removed', () => {
  startRun(fixture).close();
  const half = join(fixture.store.directory, 'runs', '0000000zz');
  const make = (): void => {
    mkdirSync(join(half, 'layers', '0', 'upper'), { recursive: true });
  };
  make();
  const directory = openSync(half, 'r');
  const lock = native.lockRun(directory);
  expect(lock).toBeDefined();
  listRuns(fixture.store);
  discardRuns(fixture.store, 'all');
  expect(readdirSync(half).sort()).toEqual(['layers', 'lock']);
  closeSync(lock ?? -1);
  closeSync(directory);
  listRuns(fixture.store);
  expect(existsSync(half)).toBe(false);
  make(); // without a lock: its process was killed, or makes another
  listRuns(fixture.store);
  expect(existsSync(half)).toBe(false);
});

/** Saves the run once more under other IDs. */
function saveAs(saved: string, from: string, id: string, started: string): void {
  const record = JSON.parse(readFileSync(join(saved, from, 'run.json'), 'utf8'));
  mkdirSync(join(saved, id), { mode: 0o700 });
  writeFileSync(
    join(saved, id, 'run.json'),
    JSON.stringify({ ...record, id, started, ended: started }),
    { mode: 0o600 },
  );
}

test('the latest run is found without reading the others, in the order of the list', () => {
  const { store } = fixture;
  const run = runScript(fixture, 'echo x > x');
  finishRun(store, run, { succeeded: true }, 'keep');
  const saved = join(store.directory, 'saved');
  const { id: first } = run.record;
  // More than two pages of IDs; two in each tick, of which the older one has the larger ID.
  for (let n = 0; n < 75; n++) {
    const tick = `00000${n.toString().padStart(2, '0')}`;
    const second = `2026-01-01T00:${String(Math.floor(n / 60)).padStart(2, '0')}:${String(n % 60).padStart(2, '0')}`;
    saveAs(saved, first, `${tick}aa`, `${second}.050Z`);
    saveAs(saved, first, `${tick}zz`, `${second}.010Z`);
  }
  writeFileSync(join(saved, '0000070zz', 'run.json'), 'damaged');
  mkdirSync(join(saved, 'no-run'));
  runScript(fixture, 'echo y > y').close(); // killed: only found by recovering it

  let opened = 0;
  const counting = {
    ...store,
    native: {
      ...native,
      openat2: (...words: Parameters<typeof native.openat2>) => {
        opened++;
        return native.openat2(...words);
      },
    },
  };
  const all = [...endedRuns(counting)].map(({ id }) => id);
  const whole = opened;
  opened = 0;
  const [latest] = endedRuns(counting);
  expect(opened).toBeLessThan(whole / 5);
  expect(latest?.id).toBe(all[0]);
  expect(latest?.status).toBe('interrupted');
  expect(all).toHaveLength(151);
  expect(all.slice(1, 4)).toEqual([first, '0000074aa', '0000074zz']);
  expect(all).toEqual(listRuns(store).map(({ id }) => id));

  // One that is continued keeps its ID, and is the latest from then on.
  const again = continueRun(store, first, {
    command: 'x',
    argv: ['x'],
    trees: [{ path: fixture.workdir }],
  });
  finishRun(store, again, { succeeded: true }, 'keep');
  const now = [...endedRuns(store)].map(({ id }) => id);
  expect(now[0]).toBe(first);
  expect(now).toEqual(listRuns(store).map(({ id }) => id));
  expect(new Set(now).size).toBe(now.length);
});

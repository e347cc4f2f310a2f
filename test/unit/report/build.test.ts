import { describe, expect, it } from 'vitest';
import { LaunchError, UsageError } from '../../../src/errors/index.js';
import type { NativeOutcome } from '../../../src/native/decode/outcome.js';
import {
  buildFailureReport,
  buildReport,
  reportOutcome,
  signalName,
} from '../../../src/report/index.js';
import { resolve } from '../resolve/support.js';

const ended: NativeOutcome = {
  kind: 'ended',
  exitCode: 0,
  signal: 0,
  step: 0,
  errno: 0,
  path: '',
  timedOut: false,
  durationNs: 5_000_000,
  userUs: 1500,
  systemUs: 2500,
  maxRssKiB: 10,
  usage: {
    memoryBytes: 4096,
    cpuUs: 0,
    diskBytes: 0,
    diskInodes: 0,
    privateBytes: 0,
    privateInodes: 50,
    outputBytes: 0,
    processes: 3,
    samples: 1,
    limit: 0,
    reached: 0,
    cgroup: 0,
    deprioritised: 0,
  },
  watched: true,
  watchErrno: 0,
  refusals: new Uint8Array(),
  refusalsTotal: 0,
  homeFiles: 0,
  home: new Uint8Array(),
  refusalsDropped: 0,
};

const unseen = {
  refusals: { watched: true, reason: undefined, calls: [], total: 0, dropped: 0 },
  guards: { files: [], terminal: false, sockets: false },
};

describe('outcomes', () => {
  it.each([
    [{ exitCode: 7 }, { kind: 'exited', exitCode: 7, status: 7 }],
    [{ exitCode: 124 }, { kind: 'exited', exitCode: 124, status: 124 }],
    [
      { exitCode: -1, signal: 9 },
      { kind: 'signaled', signal: 'SIGKILL', status: 137 },
    ],
    [
      { exitCode: -1, signal: 9, interrupted: true },
      { kind: 'signaled', interrupted: true, signal: 'SIGKILL', status: 137 },
    ],
    [
      { exitCode: -1, signal: 15, timedOut: true },
      { kind: 'timeout', limit: 'timeout', signal: 'SIGTERM', status: 124 },
    ],
    [
      { exitCode: 0, timedOut: true },
      { kind: 'timeout', limit: 'timeout', exitCode: 0, status: 124 },
    ],
  ])('%j', (part, expected) => {
    expect(reportOutcome({ ...ended, ...part })).toEqual(expected);
  });

  it('name every signal', () => {
    expect(signalName(11)).toBe('SIGSEGV');
    expect(signalName(40)).toBe('SIG40');
  });
});

describe('reports', () => {
  const spec = resolve({ args: ['a'], timeoutMs: 50 });
  const base = { ...unseen, runId: 'r', startedAt: new Date(0), finish: undefined };

  it('tell what ran, how it ended and in what', () => {
    const report = buildReport(spec, { ...base, outcome: ended });
    expect(report).toMatchObject({
      schemaVersion: 1,
      command: 'script.py',
      argv: ['python3', 'script.py', 'a'],
      startedAt: '1970-01-01T00:00:00.000Z',
      durationMs: 5,
      usage: { userMs: 1.5, systemMs: 2.5, maxRssBytes: 10_240 },
      sandbox: { workdir: '/home/ann/proj', net: 'none', limits: { timeoutMs: 50 } },
      notes: [],
    });
    expect(JSON.parse(JSON.stringify(report))).toMatchObject({ outcome: { status: 0 } });
  });

  it('say when the second wall was missing', () => {
    const report = buildReport({ ...spec, landlockAbi: 0 }, { ...base, outcome: ended });
    expect(report.sandbox.landlockAbi).toBe(0);
    expect(report.notes.join()).toContain('Landlock');
  });

  it('tell a launch that failed from a program that failed', () => {
    const setup = new LaunchError('ERR_SETUP', 'm', { hint: 'h' });
    expect(buildFailureReport(spec, new Date(0), setup).outcome).toEqual({
      kind: 'setup-failed',
      status: 125,
      error: { code: 'ERR_SETUP', message: 'm', hint: 'h' },
    });
    const exec = new LaunchError('ERR_EXEC_NOT_FOUND', 'm');
    expect(buildFailureReport(spec, new Date(0), exec).outcome).toMatchObject({
      kind: 'exec-failed',
      status: 127,
    });
    expect(new UsageError('ERR_WORKDIR', 'm').exitStatus).toBe(125);
  });
});

describe('changes that were to be applied', () => {
  const kept = {
    id: '0dggvgy7a',
    summary: { counts: { added: 1, modified: 0, deleted: 0 }, sizeBytes: 1, diskBytes: 1 },
    changes: [],
    disposition: 'kept',
  } as const;
  const said = (
    outcome: Partial<NativeOutcome>,
    finish = {},
    changes: 'apply' | 'keep' = 'apply',
  ) =>
    buildReport(
      { ...resolve({}), changes },
      {
        ...unseen,
        runId: kept.id,
        startedAt: new Date(0),
        outcome: { ...ended, ...outcome },
        finish: { ...kept, ...finish },
      },
    ).notes.filter((note) => note.includes('not applied'));

  it.each([
    [{ exitCode: 3 }, {}, 'the program exited 3'],
    [{ exitCode: -1, signal: 11 }, {}, 'the program was killed by SIGSEGV'],
    [{ exitCode: 0, timedOut: true }, {}, 'the run hit its time limit'],
    [{ usage: { ...ended.usage, limit: 1 } }, {}, 'the run hit a limit'],
    [{}, { unlisted: true }, 'the run changed too many paths to list'],
  ])('say why they were not: %#', (outcome, finish, why) => {
    expect(said(outcome, finish)).toEqual([
      `--apply: the changes were not applied, because ${why}`,
    ]);
    expect(said(outcome, finish, 'keep')).toEqual([]);
  });

  it('say nothing if they were', () => {
    expect(said({}, { disposition: 'applied' })).toEqual([]);
  });
});

import { describe, expect, it } from 'vitest';
import { formatSummary, type ReportChanges, type RunReport } from '../../../src/report/index.js';

const changes: ReportChanges = {
  disposition: 'kept',
  counts: { added: 2, modified: 0, deleted: 1 },
  sizeBytes: 9,
  paths: [{ path: 'a', kind: 'added', type: 'file', flags: [] }],
  truncated: false,
  refused: [],
};

const report: RunReport = {
  schemaVersion: 1,
  wasboxVersion: '0',
  runId: 'r1',
  command: 'x',
  argv: ['x'],
  startedAt: '2026-01-01T00:00:00.000Z',
  durationMs: 1234,
  outcome: { kind: 'exited', exitCode: 0, status: 0 },
  usage: {
    userMs: 1,
    systemMs: 2,
    cpuMs: 3,
    maxRssBytes: 3 << 20,
    memoryBytes: 3 << 20,
    processes: 2,
    diskBytes: 0,
    diskInodes: 0,
    privateBytes: 0,
    privateInodes: 0,
  },
  reached: [],
  sandbox: {
    workdir: '/w',
    net: 'none',
    policy: 'default',
    isolation: 'namespaces',
    namespaces: [],
    landlockAbi: 7,
    limits: { timeoutMs: 30_000, privateBytes: 1 },
    heldBy: 'supervisor',
  },
  notes: [],
};

const text = (part: Partial<RunReport>, verbose = false, quiet = false) =>
  formatSummary({ ...report, ...part }, { verbose, quiet }).join('\n');

describe('the summary after a run', () => {
  it('is empty when there is nothing to say', () => {
    expect(text({})).toBe('');
    expect(text({ outcome: { kind: 'exited', exitCode: 3, status: 3 } })).toBe('');
    expect(text({ changes: { ...changes, disposition: 'none' } })).toBe('');
    expect(text({ changes: { ...changes, disposition: 'discarded' } })).toBe('');
  });

  it('names the signal that killed the program, but not what shells are silent about', () => {
    const killed = (signal: string, verbose = false) =>
      text({ outcome: { kind: 'signaled', signal, status: 128 } }, verbose);
    expect(killed('SIGSEGV')).toBe('killed by SIGSEGV (invalid memory access)');
    expect(killed('SIGTERM')).toBe('killed by SIGTERM');
    expect(killed('SIGINT')).toBe('');
    expect(killed('SIGPIPE')).toBe('');
    expect(killed('SIGINT', true)).toContain('killed by SIGINT');
  });

  it('names what was written to the private home, crowds by their directory', () => {
    const paths = [1, 2, 3, 4].map((n) => `~/.npm/_cacache/${n}`);
    expect(text({ home: { files: 6, paths: ['~/.bashrc', ...paths, '~/bin/tool'] } })).toBe(
      '6 files written to the private home were discarded: ~/.bashrc, ~/bin/tool, ~/.npm/',
    );
    expect(text({ home: { files: 9, paths: ['~/a'] } })).toContain('9 files written');
    expect(text({ home: { files: 9, paths: ['~/a'] } })).toMatch(/~\/a …$/);
  });

  it('leads on from a failure where a person reads it', () => {
    const failed = { ...report, outcome: { kind: 'exited', exitCode: 3, status: 3 } } as const;
    const said = (part: Partial<RunReport>, attended: boolean) =>
      formatSummary({ ...failed, ...part }, { verbose: false, quiet: false, attended }).join();
    expect(said({}, true)).toBe('exited 3. To see what it lacked: wasbox why');
    expect(said({}, false)).toBe('');
    expect(said({ outcome: { kind: 'exited', exitCode: 0, status: 0 } }, true)).toBe('');
    const lost = said({ outcome: { kind: 'exited', exitCode: 127, status: 127 } }, true);
    expect(lost.match(/wasbox why/g)).toHaveLength(1);
  });

  it('says that a second interrupt ended it', () => {
    const limits = { ...report.sandbox.limits, graceMs: 2000 };
    const said = text({
      outcome: { kind: 'signaled', interrupted: true, signal: 'SIGKILL', status: 137 },
      sandbox: { ...report.sandbox, limits },
    });
    expect(said).toBe(
      'killed: still running 2 s after a second interrupt. Give it more time with --grace',
    );
  });

  it('counts saved changes, and names the commands', () => {
    const said = text({ changes });
    expect(said).toContain('2 files added, 1 deleted (not applied; your files are untouched)');
    expect(said).toContain('to go on: wasbox diff r1, then wasbox apply or wasbox discard');
    expect(said).not.toContain('modified');
    expect(said).not.toContain('too deep');
    const deep = {
      path: 'd/d',
      kind: 'added',
      type: 'directory',
      flags: ['unreadable', 'too-deep'],
    };
    expect(text({ changes: { ...changes, paths: [deep] } })).toContain('and 1 directory too deep');
  });

  it.each(['kept', 'partly-applied'] as const)('names them in 80 columns (%s)', (disposition) => {
    const said = formatSummary(
      { ...report, runId: '0dggvgy7a', changes: { ...changes, disposition } },
      { verbose: false, quiet: false },
    );
    expect(said.filter((line) => line.includes('wasbox'))).toHaveLength(1);
    for (const line of said) expect(`wasbox: ${line}`.length, line).toBeLessThanOrEqual(80);
  });

  it('counts no directory as a file, and only directories where there is nothing else', () => {
    const counts = { added: 5, modified: 0, deleted: 0 };
    const of = (directories: number, home?: ReportChanges['home']) =>
      text({
        changes: { ...changes, counts, home, directories: { ...counts, added: directories } },
      }).split('\n');
    expect(of(3)[0]).toBe('2 files added (not applied; your files are untouched)');
    expect(of(5)[0]).toBe('5 directories added (not applied; your files are untouched)');
    const home = { ...counts, added: 4, directories: { ...counts, added: 3 } };
    expect(of(3, home).slice(0, 2)).toEqual([
      '1 file added (not applied; your files are untouched)',
      '1 file written to your home:  … (not applied)',
    ]);
  });

  const refusal = (path: string, why: string, name = path) => ({
    path,
    reason: 'held',
    message: `Not applied automatically: ${why}.`,
    name,
  });
  const inPart = (refused: ReportChanges['refused']) =>
    text({ changes: { ...changes, disposition: 'partly-applied', refused } }).split('\n');

  it('tells what was not applied, and why, and what to name', () => {
    expect(inPart([refusal('.git/hooks/x', 'git runs it as a hook')])).toEqual([
      'changes applied in part: 1 path not applied',
      '  .git/hooks/x: git runs it as a hook',
      'to go on: wasbox diff r1, then wasbox apply .git/hooks/x or wasbox discard',
    ]);
    const two = inPart([refusal('.envrc', 'direnv runs it'), refusal('-x', 'it runs')]);
    expect(two.at(-1)).toContain('wasbox apply .envrc ./-x or');
    const six = inPart(['a', 'b', 'c', 'd', 'e', 'f'].map((path) => refusal(path, 'it runs')));
    expect(six.at(-1)).toContain('wasbox apply PATH or');
    expect(inPart([refusal('-x', 'it runs')]).at(-1)).toContain('wasbox apply ./-x or');
    expect(inPart([refusal('a b', 'it runs')]).at(-1)).toContain("wasbox apply 'a b' or");
  });

  it('tells a reason once for all that have it, and one directory that means them', () => {
    const many = Array.from({ length: 900 }, (_, n) =>
      refusal(`.venv/bin/${n}`, 'it is in a virtual environment', '.venv'),
    );
    expect(inPart(many)).toEqual([
      'changes applied in part: 900 paths not applied',
      '  .venv/bin/0, .venv/bin/1, .venv/bin/2 and 897 more: it is in a virtual environment',
      'to go on: wasbox diff r1, then wasbox apply .venv or wasbox discard',
    ]);
    const reasons = Array.from({ length: 50 }, (_, n) => refusal(`${n}`, `reason ${n}`));
    expect(inPart(reasons)).toHaveLength(15);
  });

  it('tells what was not kept, whatever else there is', () => {
    const dropped = [
      { what: 'caches', place: '~/.cache/go-build', files: 397 },
      { what: 'histories', place: '~/.python_history', files: 1 },
      { what: 'histories', place: '~/.lesshst', files: 1 },
    ];
    const line = '399 files not kept: caches (~/.cache/go-build), histories (~/.python_history …)';
    expect(text({ changes: { ...changes, disposition: 'none', dropped } })).toBe(line);
    expect(text({ changes: { ...changes, dropped } }).split('\n')[0]).toBe(line);
  });

  it('tells of the time limit and of notes', () => {
    const outcome = { kind: 'timeout', signal: 'SIGTERM', status: 124 } as const;
    expect(text({ outcome, notes: ['a note'] })).toMatch(/^a note\n.*30 s/);
  });

  it('says nothing with -q, and the paths and times with -v', () => {
    expect(text({ changes, notes: ['a note'] }, false, true)).toBe('');
    const said = text({ changes }, true);
    expect(said).toContain('added    a');
    expect(said).toContain('exited 0 in 1.23 s');
  });

  it('escapes what the payload or a name says', () => {
    const said = text({ notes: ['\u001b[2J\u202e\r'], changes }, true);
    expect(said).not.toMatch(/[\u001b\u202e\r]/);
    expect(said).toContain('<1B>[2J');
  });
});

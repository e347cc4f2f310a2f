/** Compares what `--audit` records, against what a program is known to do, and what the host's strace saw. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ReportAudit, RunReport } from '../../src/index.js';
import { type Identity, identities } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { checkReport } from '../support/report-schema.js';
import { type Ended, runProgram, runWasbox } from '../support/wasbox.js';

const deeds = `
import os, socket, subprocess
os.mkdir('made')
open('made/a', 'w').write('x' * 5000)
os.rename('made/a', 'made/b')
os.symlink('b', 'made/link')
os.link('made/b', 'made/second')
os.chmod('made/b', 0o600)
os.unlink('made/second')
open('given').read()
os.chdir('made')
open('b', 'a').write('y')
os.chdir('..')
for path in ('absent', 'made/../absent-too'):
    try: open(path)
    except OSError: pass
s = socket.socket()
try: s.connect(('127.0.0.1', 9))
except OSError: pass
subprocess.run(['sh', '-c', 'exit 3', '<script>'])
if os.fork() == 0: os.kill(os.getpid(), 9)
os.wait()
`;

interface Audited {
  readonly run: Ended;
  readonly report: RunReport;
  readonly audit: ReportAudit;
}

async function audited(as: Identity, cwd: string, args: readonly string[]): Promise<Audited> {
  const run = await runWasbox(['run', '--audit', '--report', '../audit.json', ...args], {
    as,
    cwd,
  });
  const report = JSON.parse(readFileSync(join(cwd, '../audit.json'), 'utf8')) as RunReport;
  checkReport(report);
  if (report.audit === undefined) throw new Error('no audit in the report');
  return { run, report, audit: report.audit };
}

describe.each(identities())('an audit as $label', (as) => {
  test('tells of each thing that a program did, and of nothing that it did not', async () => {
    const cwd = makeProject(as, { 'deeds.py': deeds, given: 'text' });
    const { run, audit } = await audited(as, cwd, ['deeds.py']);
    expect(run.status, run.err).toBe(0);
    expect(audit.watched).toBe('all');
    const inside = audit.files
      .filter(({ path, to }) => path.startsWith(`${cwd}/`) || to?.startsWith(`${cwd}/`))
      .filter(({ action }) => action !== 'look')
      .map(({ action, path, to, error }) =>
        [action, path, ...(to === undefined ? [] : [to]), ...(error === undefined ? [] : [error])]
          .join(' ')
          .replaceAll(`${cwd}/`, ''),
      );
    expect(inside.sort()).toEqual(
      [
        'attributes made/b',
        'create made/a',
        'delete made/second',
        'directory made',
        'link made/b made/second',
        'read absent ENOENT',
        'read absent-too ENOENT',
        'read deeds.py',
        'read given',
        'rename made/a made/b',
        'symlink b made/link',
        'write made/b',
      ].sort(),
    );
    expect(audit.addresses).toMatchObject([{ action: 'connect', address: '127.0.0.1:9' }]);
    const [python, shell, killed, ...more] = audit.processes;
    expect(more).toEqual([]);
    expect(python).toMatchObject({ exitCode: 0, threads: 1 });
    expect(python?.writtenBytes).toBeGreaterThan(5000);
    expect(shell).toMatchObject({ exitCode: 3, parent: 0 });
    expect(shell?.executed.at(-1)?.argv).toEqual(['sh', '-c', 'exit 3', '<script>']);
    expect(killed).toMatchObject({ parent: 0, executed: [] });
    expect(killed?.exitCode).toBeUndefined();
    expect(audit.dropped).toEqual({ actions: 0, processes: 0, values: 0, unread: 0 });
  });

  test('counts what is written once, and not for each process above', async () => {
    const cwd = makeProject(as);
    const script = 'sh -c "head -c 100000 /dev/zero > f; :"; head -c 50000 /dev/zero | cat > g; :';
    const { audit } = await audited(as, cwd, ['--discard', '--', 'sh', '-c', script]);
    expect(audit.processes.map(({ writtenBytes }) => writtenBytes).sort()).toEqual(
      [0, 0, 100_000, 50_000, 50_000].sort(),
    );
    expect(audit.usage.writtenBytes).toBe(200_000);
  });

  test('counts calls as strace does', async () => {
    const script = 'for i in 1 2 3 4 5 6 7 8 9; do :; test -e /none$i; cat given >/dev/null; done';
    const cwd = makeProject(as, { given: 'text' });
    const { audit } = await audited(as, cwd, ['--', 'sh', '-c', script]);
    const traced = await runProgram(
      ['strace', '-f', '-qq', '-o', '../trace', '-e', 'signal=none', 'sh', '-c', script],
      { as, cwd },
    );
    expect(traced.status, traced.err).toBe(0);
    const counts = new Map<string, number>();
    for (const line of readFileSync(join(cwd, '../trace'), 'utf8').split('\n')) {
      const name = /^\d+ +(\w+)\(/.exec(line)?.[1];
      if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    // The calls whose number does not hang on the environment or on when a child ends.
    for (const name of [
      'clone',
      'vfork',
      'dup2',
      'execve',
      'exit_group',
      'pread64',
      'arch_prctl',
    ]) {
      const call = audit.calls.find((one) => one.call === name);
      expect(call?.count ?? 0, name).toBe(counts.get(name) ?? 0);
    }
    expect(audit.processes).toHaveLength(10);
    const total = audit.calls.reduce((sum, { count }) => sum + count, 0);
    expect(total).toBe(audit.totalCalls);
  });

  test('does not take what a program writes to by way of /dev/stdout for refused', async () => {
    const cwd = makeProject(as);
    const script = '{ echo x > /dev/stderr; } 2>&1 | cat; echo y > /dev/new';
    const { run, report } = await audited(as, cwd, ['--', 'sh', '-c', script]);
    expect(run.out).toBe('x\n');
    const told = report.refusals?.calls.map(({ target }) => target);
    expect(told).toEqual(['/dev/new']); // the control: that one was
  });

  test('is nothing that a plain run makes', async () => {
    const cwd = makeProject(as);
    await runWasbox(['run', '-q', '--report', '../plain.json', '--', 'true'], { as, cwd });
    const report = JSON.parse(readFileSync(join(cwd, '../plain.json'), 'utf8')) as RunReport;
    expect(report.audit).toBeUndefined();
  });

  test('prints with -v, escaped', async () => {
    const cwd = makeProject(as);
    const name = 'a\\033[31mred';
    const { run } = await audited(as, cwd, ['-v', '--', 'sh', '-c', `: > "$(printf '${name}')"`]);
    expect(run.err).toContain('what it did:');
    expect(run.err).toContain('a\\x1b[31mred');
    expect(run.err).not.toContain('\x1b[31m');
  });
});

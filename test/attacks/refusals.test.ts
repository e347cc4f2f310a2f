/**
 * Attacks on the part that answers refused calls (attack 36, floods, processes that die in the
 * middle), and kernels that give no listener.
 */
import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunReport } from '../../src/index.js';
import { ownAddress } from '../support/host.js';
import { identities } from '../support/identity.js';
import { compilePayload } from '../support/payload.js';
import { makeProject } from '../support/project.js';
import { type Ended, runProgram, runWasbox, wasboxArgv } from '../support/wasbox.js';

const report = (run: Ended): RunReport => JSON.parse(run.err) as RunReport;
const json = ['run', '--json', '--discard'];

const outside = ownAddress();

describe.each(identities())('the answers to refusals, as $label', (as) => {
  const project = (...payloads: string[]) => {
    const cwd = makeProject(as);
    for (const payload of payloads) compilePayload(as, payload, cwd);
    return cwd;
  };

  test('200,000 refusals of one kind are counted in one entry', async () => {
    const cwd = project('refused');
    const run = await runWasbox([...json, '--', './refused', 'flood', '200000'], { as, cwd });
    expect(run.status).toBe(0);
    expect(report(run).refusals).toMatchObject({ total: 200_000, dropped: 0 });
    expect(report(run).refusals?.calls).toHaveLength(1);
    expect(run.err.length).toBeLessThan(10_000);
  });

  test('a fixed number of thousands of different refusals is kept, the others counted', async () => {
    const cwd = project('refused');
    const run = await runWasbox([...json, '--', './refused', 'spread', '20000'], { as, cwd });
    expect(run.status).toBe(0);
    const { refusals } = report(run);
    expect(refusals?.total).toBe(20_000);
    expect(refusals?.calls.length).toBeLessThanOrEqual(256);
    const kept = refusals?.calls.reduce((sum, { count }) => sum + count, 0) ?? 0;
    expect(kept + (refusals?.dropped ?? 0)).toBe(20_000);
    expect(run.err).not.toContain('\u001b');
    expect(run.err.length).toBeLessThan(200_000);
  });

  test('threads and processes that die, execute or close everything block no others', async () => {
    const cwd = project('refused');
    const run = await runWasbox([...json, '--', './refused', 'dying'], { as, cwd });
    expect(run.out).toBe('done\n');
    expect(run.status).toBe(0);
    expect(report(run).refusals?.total).toBeGreaterThan(60);
  });

  test('a run that is killed in the middle of a flood ends', async () => {
    const cwd = project('refused');
    const args = [...json, '--timeout', '1', '--', './refused', 'flood', '1000000000'];
    const run = await runWasbox(args, { as, cwd });
    expect(run.status).toBe(124);
    expect(report(run).refusals?.total).toBeGreaterThan(0);
  });

  describe('a second thread rewrites the address', () => {
    let server: Server;
    let port = 0;
    let seen = 0;
    beforeAll(async () => {
      server = createServer((socket) => {
        seen += 1;
        socket.destroy();
      });
      await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
      port = (server.address() as { port: number }).port;
    });
    afterAll(() => server.close());
    const race = (cwd: string, ...options: string[]) => {
      const command = ['--', './refused', 'race', outside, String(port), '2'];
      return runWasbox([...json, ...options, ...command], { as, cwd });
    };

    test('nothing reaches the host', async () => {
      seen = 0;
      const run = await race(project('refused'));
      expect(run.out).toBe('connected 0\ndone\n');
      expect(seen).toBe(0);
      const entry = report(run).refusals?.calls.find(({ call }) => call === 'connect');
      expect(entry).toMatchObject({
        kind: 'network',
        target: `${outside}:${port}`,
        option: `--net ${outside}:${port}`,
      });
    });

    test('the call reaches the host with the option that the report names', async () => {
      seen = 0;
      const run = await race(project('refused'), '--net', `${outside}:${port}`);
      expect(run.out).toMatch(/^connected [1-9]/);
      expect(seen).toBeGreaterThan(0);
      expect(report(run).refusals?.calls).toEqual([]);
    });
  });

  const seccomp = process.arch === 'x64' ? 317 : 277;
  // SECCOMP_FILTER_FLAG_NEW_LISTENER, alone and with WAIT_KILLABLE_RECV.
  const newListener = ['1:8', '1:40'];
  test.each([
    ['ENOSYS', 38],
    ['EINVAL', 22],
    ['EBUSY', 16],
  ])(
    'a kernel that gives no listener (%s): refused all the same, and said',
    async (name, errno) => {
      const cwd = project('refused', 'deny');
      const deny = newListener.flatMap((is) => ['./deny', String(seccomp), String(errno), is]);
      const argv = wasboxArgv(as, [...json, '--', './refused', 'flood', '10']);
      const run = await runProgram([...deny, ...argv], { as, cwd });
      expect(run.out).toBe('done\n');
      expect(run.status).toBe(0);
      expect(report(run).refusals).toMatchObject({
        watched: 'none',
        reason: name,
        total: 0,
        calls: [],
      });
      const verbose = wasboxArgv(as, ['run', '-v', '--discard', '--', './refused', 'flood', '10']);
      const told = await runProgram([...deny, ...verbose], { as, cwd });
      expect(told.err).toContain(
        `blocked calls were not recorded: this kernel provides no listener (${name})`,
      );
    },
  );
});

import { describe, expect, it, vi } from 'vitest';
import { printDryRun } from '../../../src/cli/dry-run.js';
import { resolve, resolveCode } from '../resolve/support.js';
import { captured } from './output.js';

vi.mock('node:fs', { spy: true });

const plan = Uint8Array.of(1, 2, 255);

describe('--dry-run', () => {
  it('shows mounts, namespaces, limits, policy and environment to a person', async () => {
    const spec = resolve({ rw: ['/etc:/mnt'], timeoutMs: 1500, env: { A: '\u001b[31m' } });
    const { out, err } = await captured(() => printDryRun(spec, plan, false));
    expect(err).toBe('');
    for (const part of [
      'copy-on-write    /home/ann/proj',
      'WRITABLE         /mnt (from /etc)',
      'user, pid, net',
      '1.5 s',
      'syscall policy   default',
      'A=<1B>[31m',
      'Nothing was started',
    ]) {
      expect(out).toContain(part);
    }
    expect(out).not.toContain('\u001b');
  });

  it('is JSON with --json, bytes and big numbers included', async () => {
    const spec = resolveCode({ code: '#!/bin/sh\n' });
    const { out } = await captured(() => printDryRun(spec, plan, true));
    const { schemaVersion, sandbox, plan: shown } = JSON.parse(out);
    expect(schemaVersion).toBe(1);
    expect(Buffer.from(shown, 'base64')).toEqual(Buffer.from(plan));
    const file = sandbox.mounts.find((mount: { type: string }) => mount.type === 'file');
    expect(Buffer.from(file.content, 'base64').toString()).toBe('#!/bin/sh\n');
    const overlay = sandbox.mounts.find((mount: { type: string }) => mount.type === 'overlay');
    expect(overlay.identity.ino).toMatch(/^\d+$/);
    const view = sandbox.views.find((one: { target: string }) => one.target === overlay.target);
    expect(view).toMatchObject({ access: 'copy-on-write', persistence: 'kept' });
    expect(sandbox.namespaces).toContain('user');
  });

  it('shows the network, the guards and hidden places as they are', async () => {
    const shown = async (...args: Parameters<typeof resolve>) =>
      (await captured(() => printDryRun(resolve(...args), plan, false))).out;
    const home = await shown({ ro: ['/home/ann'] });
    expect(home).toContain("hidden           /home/ann/.local/state/wasbox  [wasbox's own state]");
    expect(home).toContain('guards           none');
    const given = await shown(
      { rw: ['/tmp'], tty: 'never' },
      { streams: ['terminal', 'file', 'socket'] },
    );
    expect(given).toContain(
      'set-id-guard (writable: stdout, --rw /tmp), terminal-guard (the program shares your terminal), net-guard',
    );
    const asked = await shown(
      { ask: true, tty: 'auto' },
      { streams: ['terminal', 'terminal', 'terminal'], controlling: true, landlockAbi: 3 },
    );
    expect(asked).toContain('network          loopback only');
    expect(asked).toContain('questions        to you');
    expect(asked).toContain('Landlock         ABI 3');
  });
});

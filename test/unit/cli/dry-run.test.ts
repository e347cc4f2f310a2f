import { describe, expect, it, vi } from 'vitest';
import { printDryRun } from '../../../src/cli/dry-run.js';
import { resolve, resolveCode } from '../resolve/support.js';
import { captured } from './output.js';

vi.mock('node:fs', { spy: true });

describe('--dry-run', () => {
  it('shows mounts, namespaces, limits, policy and environment to a person', async () => {
    const spec = resolve({ rw: ['/etc:/mnt'], timeoutMs: 1500, env: { A: '\u001b[31m' } });
    const { out, err } = await captured(() => printDryRun(spec, false));
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
    const { out } = await captured(() => printDryRun(spec, true));
    const { schemaVersion, sandbox } = JSON.parse(out);
    expect(schemaVersion).toBe(1);
    const file = sandbox.mounts.find((mount: { type: string }) => mount.type === 'file');
    expect(Buffer.from(file.content, 'base64').toString()).toBe('#!/bin/sh\n');
    const overlay = sandbox.mounts.find((mount: { type: string }) => mount.type === 'overlay');
    expect(overlay.identity.ino).toMatch(/^\d+$/);
    expect(sandbox.namespaces).toContain('user');
  });
});

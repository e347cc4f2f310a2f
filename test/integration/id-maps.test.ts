/** A user namespace inside: what the report advises is enough, id map included. user_namespaces(7) */
import { describe, expect, test } from 'vitest';
import { identities } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { runWasbox } from '../support/wasbox.js';

describe.each(identities())('a user namespace inside, as $label', (as) => {
  const run = (options: readonly string[], words: readonly string[]) =>
    runWasbox(['run', '--discard', ...options, '--', ...words], { as, cwd: makeProject(as) });

  test('the advice for unshare -r makes it work', async () => {
    const words = [
      'unshare',
      '-r',
      'sh',
      '-c',
      'id -u; cat /proc/self/uid_map /proc/self/setgroups',
    ];
    const refused = await run([], words);
    expect(refused.status).not.toBe(0);
    const rule = /Allow with --allow '([^']+)'/.exec(refused.err)?.[1] ?? '';
    expect(rule).toContain('unshare');
    const allowed = await run(['--allow', rule], words);
    const asRoot = as.uid === 0;
    expect(refused.err.includes("but root's id cannot be mapped in it")).toBe(asRoot);
    if (asRoot) {
      // The call works, and the kernel refuses the map: uid 0 would be mapped without CAP_SETFCAP.
      expect(allowed.err).toBe(
        'unshare: write failed /proc/self/uid_map: Operation not permitted\n',
      );
      expect((await run(['--allow', rule], ['unshare', '-U', 'true'])).status).toBe(0);
      return;
    }
    expect([allowed.err, allowed.status]).toEqual(['', 0]);
    expect(allowed.out.trim().split(/\s+/)).toEqual(['0', '0', expect.any(String), '1', 'deny']);
  });

  test('without a namespace of its own no process changes its map, and no option is advised', async () => {
    const script =
      'for f in uid_map gid_map setgroups; do echo 0 0 1 2>/dev/null >/proc/self/$f && echo "wrote $f"; done; cat /proc/self/uid_map';
    for (const options of [[], ['--root'], ['--audit', '-v']]) {
      const { out, err } = await run(options, ['sh', '-c', script]);
      expect(out).not.toContain('wrote');
      expect(out.trim().split('\n')).toHaveLength(1);
      expect(err).not.toMatch(/--(allow|rw|ro|root)\b/);
    }
  });
});

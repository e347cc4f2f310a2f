import { describe, expect, it } from 'vitest';
import { overlayFinding } from '../../../src/doctor/overlay.js';

describe('the finding on overlays', () => {
  const found = { name: 'overlayfs', verdict: 'missing', detail: 'refused', fix: 'a fix' } as const;
  const facts = { state: '/state', kernel: '6.12.0', root: false };
  const container = { nested: false, layerObstacle: () => 'overlayfs' };

  it('says that changes are in memory where only the state directory was refused', () => {
    expect(overlayFinding(found, container, facts, 'EINVAL')).toEqual({
      name: 'overlayfs',
      verdict: 'degraded',
      detail: expect.stringMatching(/^\/state is on overlayfs, .* in memory .*wasbox mcp/),
      fix: 'a fix',
    });
  });

  it.each([
    ['no overlay can be mounted', container, facts, 'EPERM'],
    ['the kernel has no overlayfs', container, facts, 'ENODEV'],
    ['the file system may do elsewhere', { ...container, layerObstacle: () => undefined }, facts],
    ['tmpfs cannot be an upper layer', container, { ...facts, kernel: '6.1.0' }],
    ['root has other ids inside', container, { ...facts, root: true }],
  ])('is what trying it gave where %s', (_, host, known, errno = 'EINVAL') => {
    expect(overlayFinding(found, host, known, errno)).toBe(found);
  });
});

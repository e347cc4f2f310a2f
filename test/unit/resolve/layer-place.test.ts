import { describe, expect, it } from 'vitest';
import { loweredOf } from '../../../src/backend/index.js';
import { memoryLayers } from '../../../src/plan/operations.js';
import type { FakeMachine } from './fake-host.js';
import { refusal, resolve } from './support.js';

const gib = 1024 ** 3;
const files = { '/proc/meminfo': 'MemTotal:       16777216 kB\nMemFree: 1 kB\n' };
const container: FakeMachine = { files, layerObstacle: 'overlayfs', kernel: '6.12.0' };

describe('layers', () => {
  it('are in memory where the state directory is on overlayfs, and the run says so', () => {
    const spec = resolve({}, container);
    expect(spec.layersInMemory).toBe(true);
    expect(spec.notes).toEqual([expect.stringMatching(/in memory .* is on overlayfs$/)]);
    expect(spec.limits.privateBytes).toBeGreaterThanOrEqual(4 * gib);
    const { operations } = loweredOf(spec);
    const overlays = operations.filter(({ type }) => type === 'overlay');
    expect(overlays).toEqual([expect.objectContaining({ inMemory: true, layer: 'layers/0' })]);
    const number = operations.findIndex(({ type }) => type === 'overlay');
    // The home is mounted as it is, and its layer is on disk.
    expect(memoryLayers(operations)).toEqual([{ name: `m${number}`, layer: 'layers/0' }]);
  });

  it.each([
    ['elsewhere', { ...container, layerObstacle: undefined }],
    ['on a kernel whose tmpfs cannot be an upper layer', { ...container, kernel: '6.1.0' }],
    ['of root, whose payload has other ids', { ...container, uid: 0, cwd: '/srv' }],
    ['without namespaces', { ...container, namespacesErrno: 1 }],
  ])('are on disk %s', (_, machine) => {
    const machineFiles = { ...files, '/srv': { directory: true } as const };
    const spec = resolve({ command: '/usr/bin/make' }, {
      ...machine,
      files: machineFiles,
    } as FakeMachine);
    expect(spec.layersInMemory).toBeUndefined();
    expect(spec.limits.privateBytes).toBeLessThan(1.1 * gib);
  });

  it('cannot be written to if they are of an earlier run', () => {
    expect(refusal({ continue: 'abcdefghi' }, container).message).toMatch(/--continue.*overlayfs/);
  });
});

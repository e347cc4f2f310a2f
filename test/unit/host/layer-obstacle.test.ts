import { describe, expect, it } from 'vitest';
import { layerObstacle, refusedLayer } from '../../../src/host/layer-obstacle.js';

describe('the file system of a state directory', () => {
  const types: Record<string, number> = {
    '/': 0xef53,
    '/overlay': 0x794c7630,
    '/fuse': 0x65735546,
    '/nfs': 0x6969,
  };
  const typeOf = (path: string) => types[path];

  it.each([
    ['/overlay/not/there/yet', 'overlayfs', 'overlayfs'],
    ['/nfs/state', 'NFS', 'NFS'],
    // virtiofs is FUSE, too, and can hold upper layers.
    ['/fuse/state', undefined, 'FUSE'],
    ['/home/state', undefined, undefined],
  ])('%s', (path, never, refused) => {
    expect(layerObstacle(path, typeOf)).toBe(never);
    expect(refusedLayer(path, typeOf)).toBe(refused);
  });
});

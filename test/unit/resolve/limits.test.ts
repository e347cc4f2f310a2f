import { describe, expect, it } from 'vitest';
import { parseRunArguments } from '../../../src/options/index.js';
import { validateRunOptions } from '../../../src/options/validate.js';
import { sizeBytes, sizeText } from '../../../src/options/values.js';
import { resolve } from './support.js';

const gib = 1024 ** 3;

describe('sizes', () => {
  it.each([
    ['65536', 65_536],
    ['64k', 65_536],
    ['512M', 512 * 1024 ** 2],
    ['1.5G', 1.5 * gib],
    ['2GiB', 2 * gib],
    ['10b', 10],
  ])('%s', (text, bytes) => expect(sizeBytes(text)).toBe(bytes));

  it.each(['', 'M', '1.5', '-1', '1 G', '1X', '0x10', '1e3', '9999999T'])('not %j', (text) =>
    expect(sizeBytes(text)).toBeUndefined(),
  );

  it('are shown as they are taken', () => {
    for (const text of ['512M', '1.5G', '1T', '1023'])
      expect(sizeText(sizeBytes(text) ?? 0)).toBe(text);
  });
});

describe('limits', () => {
  const files = { '/proc/meminfo': 'MemTotal:       16777216 kB\nMemFree: 1 kB\n' };

  it('take half of the memory that the machine has', () => {
    expect(resolve({}, { files }).limits.memoryBytes).toBe(8 * gib);
  });

  it.each([
    [
      'version 2, its own',
      '0::/a/b\n',
      'cgroup.controllers',
      'a/b/memory.max',
      '1073741824\n',
      gib,
    ],
    ['version 2, above it', '0::/a/b\n', 'cgroup.controllers', 'a/memory.max', '1073741824\n', gib],
    ['a container', '0::/\n', 'cgroup.controllers', 'memory.max', '1073741824\n', gib],
    ['version 1', '4:memory:/a\n', 'x', 'memory/a/memory.limit_in_bytes', '1073741824\n', gib],
    ['version 1, two in one', '4:x,memory:/a\n', 'x', 'memory/memory.limit_in_bytes', '4096', 4096],
    ['none', '0::/a/b\n', 'cgroup.controllers', 'a/b/memory.max', 'max\n', 16 * gib],
    [
      'none, version 1',
      '4:memory:/a\n',
      'x',
      'memory/a/memory.limit_in_bytes',
      '9223372036854771712',
      16 * gib,
    ],
    [
      'more than there is',
      '0::/a\n',
      'cgroup.controllers',
      'a/memory.max',
      '34359738368\n',
      16 * gib,
    ],
    ["another user's", '0::/a/b\n', 'cgroup.controllers', 'c/memory.max', '4096\n', 16 * gib],
  ])('or of what a cgroup leaves: %s', (_, own, mark, place, limit, memory) => {
    const root = '/sys/fs/cgroup';
    const cgroups = {
      '/proc/self/cgroup': own,
      [`${root}/${mark}`]: '',
      [`${root}/${place}`]: limit,
    };
    const machine = { files: { ...files, ...cgroups } };
    expect(resolve({}, machine).limits.memoryBytes).toBe(memory / 2);
    expect(resolve({ memoryBytes: 5 * gib }, machine).limits.memoryBytes).toBe(5 * gib);
  });

  it('keep files in memory below the other limits', () => {
    const { limits } = resolve({ memoryBytes: gib, diskBytes: 4 * gib }, { files });
    expect(limits.privateBytes).toBeLessThan(0.51 * gib);
    expect(resolve({ diskBytes: 1 << 24 }, { files }).limits.privateBytes).toBeLessThan(1 << 25);
  });

  it('let a file grow as far as the disk, or as was said', () => {
    expect(resolve({ diskBytes: gib }).limits.fileSizeBytes).toBe(gib);
    expect(resolve({ diskBytes: gib, fileSizeBytes: 5 }).limits.fileSizeBytes).toBe(5);
  });
});

describe('the place of a cgroup', () => {
  const root = '/sys/fs/cgroup';
  const files = (given: string) => ({
    '/proc/self/cgroup': '0::/user/shell\n',
    [`${root}/cgroup.controllers`]: 'cpu memory pids\n',
    [`${root}/user/cgroup.procs`]: '',
    [`${root}/user/cgroup.subtree_control`]: given,
    [`${root}/user/shell/cgroup.subtree_control`]: '',
  });

  it('is the nearest whose children get memory and pids', () => {
    const place = `${root}/user`;
    expect(resolve({}, { files: files('cpu memory pids\n') }).limits.cgroup).toBe(place);
    expect(resolve({}, { files: files('memory\n') }).limits.cgroup).toBeUndefined();
  });
});

describe('no limit', () => {
  const limits = [
    ['timeout', 'timeoutMs'],
    ['cpu', 'cpuMs'],
    ['memory', 'memoryBytes'],
    ['pids', 'processes'],
    ['open-files', 'openFiles'],
    ['disk', 'diskBytes'],
    ['inodes', 'inodes'],
    ['file-size', 'fileSizeBytes'],
    ['output', 'outputBytes'],
  ] as const;

  it.each(limits)('--%s none, and unlimited', (option, name) => {
    for (const word of ['none', 'unlimited']) {
      const spec = resolve(parseRunArguments([`--${option}`, word, '-c', 'true']));
      expect(spec.limits[name], word).toBeUndefined();
      expect(Number.isFinite(spec.limits.privateBytes + spec.limits.privateInodes)).toBe(true);
    }
  });

  const machines = {
    ordinary: {},
    'with changes in memory': { layerObstacle: 'overlayfs', kernel: '6.12.0' },
  };

  it.each(Object.entries(machines))('leaves one for what is in memory: %s', (_, machine) => {
    const meminfo = { '/proc/meminfo': 'MemTotal:       8388608 kB\n' };
    const both = ['--memory', 'none', '--disk', 'none', '-c', 'true'];
    for (const [argv, files] of [
      [['--memory', 'none', '-c', 'true'], meminfo],
      [both, meminfo],
      [both, {}], // a /proc that says nothing
    ] as const) {
      const { layersInMemory, limits } = resolve(parseRunArguments(argv), { ...machine, files });
      expect(layersInMemory).toBe('layerObstacle' in machine ? true : undefined);
      const most = layersInMemory && files === meminfo ? 4 * gib : gib;
      // The limit has room for what the sandbox is made with, too.
      expect(limits.privateBytes).toBeGreaterThanOrEqual(most);
      expect(limits.privateBytes).toBeLessThan(1.01 * most);
      expect(Number.isFinite(limits.privateInodes)).toBe(true);
    }
  });

  it('is set for one file where the disk has none, and the other way round', () => {
    expect(resolve({ diskBytes: Number.POSITIVE_INFINITY }).limits.fileSizeBytes).toBeUndefined();
    const own = resolve({ fileSizeBytes: Number.POSITIVE_INFINITY }).limits;
    expect([own.fileSizeBytes, own.diskBytes]).toEqual([undefined, 10 * gib]);
  });

  it('is refused for the grace', () => {
    expect(() => parseRunArguments(['--grace', 'none', '--', 'true'])).toThrow(/--grace/);
  });

  it('is Infinity in the library', () => {
    validateRunOptions({ command: 'true', memoryBytes: Number.POSITIVE_INFINITY });
    expect(() => validateRunOptions({ graceMs: Number.POSITIVE_INFINITY })).toThrow(/graceMs/);
    expect(() => validateRunOptions({ pids: -Number.POSITIVE_INFINITY })).toThrow(/or Infinity/);
  });
});

import { describe, expect, it } from 'vitest';
import { looksContained } from '../../../src/host/settings.js';

const status = (seccomp: number, bounding: string) =>
  `Name:\tnode\nCapEff:\t0000000000000000\nCapBnd:\t${bounding}\nSeccomp:\t${seccomp}\n`;
const all = '000001ffffffffff';
/** The capabilities that Docker leaves. */
const some = '00000000a80425fb';
const mount = (point: string, type: string) =>
  `30 25 0:26 / ${point} rw,nosuid shared:13 - ${type} ${type} rw`;
const machine = [mount('/', 'ext4'), mount('/proc', 'proc')];

describe('looksContained', () => {
  it.each([
    ['a machine', status(0, all), machine, false],
    ['a live system, whose root is an overlay', status(0, all), [mount('/', 'overlay')], false],
    [
      'a machine with binary formats',
      status(0, all),
      [...machine, mount('/proc/sys/fs/binfmt_misc', 'autofs')],
      false,
    ],
    ['a service with a filter', status(2, all), machine, false],
    ['parts of /proc hidden', status(0, all), [...machine, mount('/proc/kcore', 'tmpfs')], true],
    ['a filter, and root an overlay', status(2, all), [mount('/', 'overlay')], true],
    ['a filter, and fewer capabilities', status(2, some), machine, true],
    ['nothing to read', '', [], false],
  ])('%s', (_, text, mounts, contained) => {
    expect(looksContained(text, mounts.join('\n'))).toBe(contained);
  });
});

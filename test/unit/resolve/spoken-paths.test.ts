/** A path that cannot be used is named as the interface in use names its option. */
import { afterEach, expect, test } from 'vitest';
import { speakAs } from '../../../src/errors/index.js';
import type { RunOptions } from '../../../src/options/run-options.js';
import { directory } from './fake-host.js';
import { refusal } from './support.js';

afterEach(() => speakAs('command'));

/** The current directory brings a link that leads out of it. */
const files = { '/srv/dir/out': { link: '/srv/other' }, '/srv/dir/script.py': '' } as const;
const machine = {
  cwd: '/srv/dir',
  files: { ...files, '/srv/other/f': '', '/srv/other': directory },
};
const cases: readonly (readonly [options: RunOptions, command: string, library: string])[] = [
  [{ workdir: 'gone' }, '--workdir gone', "{ workdir: 'gone' }"],
  [{ workdir: 'out' }, '--workdir out', "{ workdir: 'out' }"],
  [{ chdir: 'gone' }, '--chdir gone', "{ chdir: 'gone' }"],
  [{ ro: ['gone'] }, '--ro gone', 'ro gone'],
  [{ ro: ['out'] }, '--ro out', 'ro out'],
  [{ rw: ['gone'] }, '--rw gone', 'rw gone'],
  [{ cow: ['gone'] }, '--cow gone', 'cow gone'],
  [{ cow: ['out'] }, '--cow out', 'cow out'],
  [{ hide: ['out'] }, '--hide out', "{ hide: ['out'] }"],
  [{ socket: ['gone'] }, '--socket gone', 'socket gone'],
  [{ policy: 'gone' }, '--policy', 'policy'],
  [{ policy: 'out/f' }, '--policy out/f', 'policy out/f'],
  [{ image: 'dir:gone' }, '--image dir:gone', "{ image: 'dir:gone' }"],
  [{ image: 'dir:out' }, '--image dir:out', "{ image: 'dir:out' }"],
];

test.each(cases)(
  'the error for %j names the option in the words of the interface',
  (...[options, command, library]) => {
    const said = (): string => {
      const { message, hint = '' } = refusal(options, machine);
      return `${message}\n${hint}`;
    };
    expect(said()).toContain(command);
    speakAs('library');
    expect(said()).toContain(library);
    expect(said().replace(/wasbox run [^\n]*/g, '')).not.toMatch(/--[a-z]/);
  },
);

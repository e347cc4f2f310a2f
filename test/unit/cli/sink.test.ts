/** `--report`: nothing planted in the sandboxed directory turns it into another file's end. */
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openSink } from '../../../src/cli/sink.js';
import { UsageError } from '../../../src/errors/index.js';
import { loadNative } from '../../../src/native/locate.js';

let base = '';
let workdir = '';
beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), 'wasbox-sink-')));
  workdir = join(base, 'project');
  for (const name of ['project', 'project/out', 'other']) mkdirSync(join(base, name));
  writeFileSync(join(base, 'other', 'precious'), 'precious');
});
afterEach(() => rmSync(base, { recursive: true }));

const open = (sink: string | number) => openSink(loadNative().native, '--report', sink, [workdir]);
const precious = () => readFileSync(join(base, 'other', 'precious'), 'utf8');

it.each(['report.json', 'out/report.json', '..report.json', '../other/report.json'])(
  'writes %s, and replaces what it held',
  (name) => {
    const path = join(workdir, name);
    writeFileSync(path, 'a longer text than the report');
    const sink = open(path);
    writeSync(sink?.fd ?? -1, '{}');
    sink?.close();
    expect(readFileSync(path, 'utf8')).toBe('{}');
  },
);

it.each(['report.json', '..report.json', 'out/report.json'])(
  'refuses %s that is a link',
  (name) => {
    symlinkSync(join(base, 'other', 'precious'), join(workdir, name));
    expect(() => open(join(workdir, name))).toThrow(UsageError);
    expect(precious()).toBe('precious');
  },
);

it('refuses a way through a link of the directory', () => {
  symlinkSync(join(base, 'other'), join(workdir, 'way'));
  expect(() => open(join(workdir, 'way', 'precious'))).toThrow(UsageError);
  expect(precious()).toBe('precious');
});

it('refuses a second name of another file', () => {
  linkSync(join(base, 'other', 'precious'), join(workdir, 'report.json'));
  expect(() => open(join(workdir, 'report.json'))).toThrow(UsageError);
  expect(precious()).toBe('precious');
});

it('follows a link outside of the directory, which is the user’s own', () => {
  symlinkSync(join(base, 'other', 'precious'), join(base, 'other', 'link'));
  open(join(base, 'other', 'link'))?.close();
  expect(precious()).toBe('');
});

it('refuses descriptors that are closed or Node’s own', () => {
  expect(() => open(999)).toThrow(UsageError);
  expect(open(2)?.fd).toBe(2);
});

/**
 * Files of C call in one direction. Read from the objects of the last build: what each defines, and what it takes from
 * others.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { addonFolder } from '../../../addon/build.mjs';
import { circles } from '../../support/circles.js';

const objects = dirname(addonFolder(process.arch));

/** Circles that a stage needs, each with the reason; files as their targets name them, sorted. */
const allowed: Readonly<Record<string, string>> = {};

/** Returns who calls whom, of the lines of nm(1): `FILE:ADDRESS TYPE SYMBOL`. */
function callsOf(lines: readonly string[]): Map<string, Set<string>> {
  const definers = new Map<string, string>();
  const wanted: [file: string, symbol: string][] = [];
  const graph = new Map<string, Set<string>>();
  for (const line of lines) {
    const [, file, type = '', symbol = ''] = /^(.*)\.o:[\da-f ]*(\w) (\S+)$/.exec(line) ?? [];
    if (file === undefined) continue;
    graph.set(file, graph.get(file) ?? new Set());
    if (/[TDBRVW]/.test(type)) definers.set(symbol, file);
    else if (type === 'U') wanted.push([file, symbol]);
  }
  for (const [file, symbol] of wanted) {
    const definer = definers.get(symbol);
    if (definer !== undefined && definer !== file) graph.get(file)?.add(definer);
  }
  return graph;
}

function nm(target: string): string[] {
  const cwd = join(objects, `${target}.objects`);
  // The entry point is left out, which is called by the kernel and has what every program starts with.
  const files = readdirSync(cwd, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.o') && name !== 'sys_start.S.o',
  );
  const { stdout } = spawnSync('nm', ['--print-file-name', ...files], { cwd, encoding: 'utf8' });
  return stdout.split('\n');
}

describe('files of C', () => {
  it.each(['wasbox', 'wasbox-fastpath', 'wasbox-init'])(
    'call in one direction within %s',
    (target) => {
      const graph = callsOf(nm(target));
      expect(graph.size).toBeGreaterThan(10);
      const found = circles(graph).map((files) => files.join(' '));
      expect(found.filter((files) => allowed[files] === undefined)).toEqual([]);
    },
  );

  it('would be found in a circle', () => {
    const lines = [
      'a.o:0000000000000000 T one',
      'a.o:                 U two',
      'net/b.o:0000000000000010 T two',
      'net/b.o:                 U three',
      'c.o:0000000000000000 T three',
      'c.o:                 U one',
      'c.o:                 U elsewhere',
      'd.o:0000000000000000 T four',
      'd.o:                 U one',
      'd.o:0000000000000000 t one',
    ];
    expect(circles(callsOf(lines))).toEqual([['a', 'c', 'net/b']]);
    expect(circles(callsOf(lines.filter((line) => !line.endsWith('U one'))))).toEqual([]);
  });
});

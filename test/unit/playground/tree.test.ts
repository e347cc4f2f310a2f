/** The drawing of a filter: nothing crosses or covers anything, and a call's way is what ran. */
import { readdirSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { layOut, nodesOnPath, type Tree } from '../../../docs/playground/tree/layout.js';
import {
  type Architecture,
  compilePolicy,
  decodeFilter,
  init,
  listCalls,
  listConstants,
  simulate,
} from '../../../src/policy/index.js';

beforeAll(() => init());

const folder = new URL('../../../docs/playground/examples/', import.meta.url);
const texts = readdirSync(folder)
  .filter((name) => name.endsWith('.policy') && name !== 'errors.policy')
  .map((name): [string, string] => [name, readFileSync(new URL(name, folder), 'utf8')]);

const trees = new Map<string, { tree: Tree; on: Architecture }>();

function treeOf(text: string): { tree: Tree; on: Architecture } {
  const known = trees.get(text);
  if (known !== undefined) return known;
  const compiled = compilePolicy({ text });
  const on = compiled.targets[0] ?? 'x86_64';
  const tables = { arch: on, calls: listCalls(on), constants: listConstants(on) };
  const made = { tree: layOut(decodeFilter({ bpf: compiled.bpf, arch: on }), tables), on };
  trees.set(text, made);
  return made;
}

describe.each(texts)('the drawing of %s', (_, text) => {
  it('has one end in every row and one node in every place', () => {
    const { tree } = treeOf(text);
    const places = new Set(tree.nodes.map(({ row, column }) => `${row} ${column}`));
    expect(places.size).toBe(tree.nodes.length);
    const ends = tree.nodes.filter(({ kind }) => kind !== 'test').map(({ row }) => row);
    expect(ends).toEqual(Array.from({ length: tree.rows }, (_, row) => row));
  });

  it('has no line through a box: down is free between a test and what follows its "no"', () => {
    const { tree } = treeOf(text);
    const taken = new Set(tree.nodes.map(({ row, column }) => `${row} ${column}`));
    for (const { parent, branch, row, column } of tree.nodes) {
      if (parent === undefined) continue;
      if (branch === 'yes') expect([row, column]).toEqual([parent.row, parent.column + 1]);
      else expect(column).toBe(parent.column);
      for (let between = parent.row + 1; between < row; between++)
        expect(taken.has(`${between} ${column}`)).toBe(false);
    }
  });

  it('marks the tests that ran, and the one end that was reached', () => {
    const { tree, on } = treeOf(text);
    const tests = new Map(
      tree.nodes.filter(({ kind }) => kind === 'test').map((node) => [node.at, node]),
    );
    const calls = ['read', 'socket', 'clone', 'ptrace', 'ioctl', 'personality', 'getcwd'];
    for (const call of calls)
      for (const args of [[], [2, 1], [0x1000_0000], [0x20008, 0x5412]]) {
        const { path, actionText } = simulate({ text }, { call, args, arch: on });
        const marked = [...nodesOnPath(tree, path)];
        const ran = path.flatMap((at) => tests.get(at) ?? []);
        expect(marked.filter(({ kind }) => kind === 'test')).toHaveLength(ran.length);
        expect(marked).toEqual(expect.arrayContaining(ran));
        const ends = marked.filter(({ kind }) => kind === 'outcome');
        expect(ends.map((end) => end.text)).toEqual([actionText]);
      }
  });
});

describe('names in the drawing', () => {
  it('stand where architecture and number are certain', () => {
    const { tree } = treeOf('target x86_64\ndefault allow\ndeny socket where domain == AF_INET6\n');
    const named = tree.nodes.find(({ note }) => note === 'AF_INET6');
    expect(named?.text).toBe('domain = 0xa');
    expect(tree.nodes.some(({ text }) => text.startsWith('arg'))).toBe(false);
  });
});

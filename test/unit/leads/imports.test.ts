/** Tests what scripts import, read from their text. */
import { describe, expect, test } from 'vitest';
import { importsOf } from '../../../src/leads/python.js';
import { isPackageWord, packageWords } from '../../../src/resolve/package-words.js';
import { fitsPython, scriptBlock } from '../../../src/resolve/script-block.js';
import { importsOfNode } from '../../../src/resolve/script-packages.js';

test.each([
  ['import a, b.c as d', ['a', 'b']],
  ['from a.b import c', ['a']],
  ['from . import c', []],
  ['def f():\n    import a', ['a']],
  ['try:\n    import a\nexcept ImportError:\n    import b', ['b']],
  ['if TYPE_CHECKING:\n    import a\nimport b', ['b']],
  ['# import a', []],
])('Python: %j imports %j', (text, names) => expect(importsOf(text)).toEqual(names));

test.each([
  ["import a from 'a'; import 'b'; import('c')", ['a', 'b', 'c']],
  ["import { x,\n y } from '@s/a/b'", ['@s/a']],
  ["require('a/b'); require('./c'); require('fs'); require('node:fs')", ['a']],
  ["try { require('a') } catch {}", []],
  ["// require('a')\n/* require('b') */", []],
])('Node: %j imports %j', (text, names) => expect(importsOfNode(text)).toEqual(names));

test.each([
  ['3.13', '>=3.11,<4', true],
  ['3.13', '>=3.14', false],
  ['3.13', '==3.13.*', true],
  ['3.13', '==3.12.*', false],
  ['3.13', '<3.13', false],
  ['3.13', '<3.13.5', true],
  ['3.13', '>3', true],
  ['3.13', '~=3.11', true],
  ['3.13', '!=3.13.1', true],
])('Python %s fits %s: %s', (version, specifier, fits) =>
  expect(fitsPython(version, specifier)).toBe(fits),
);

test('a block without its end is none', () => {
  expect(scriptBlock('# /// script\n# dependencies = []\nimport a\n')).toBeUndefined();
  expect(scriptBlock('# /// script\n# dependencies = []\n# ///\n')).toEqual({
    packages: [],
    others: [],
    python: undefined,
  });
});

describe('--with', () => {
  test.each([
    ['a,b', ['a', 'b']],
    ['rich>=13,<15,a', ['a', 'rich>=13,<15']],
    ['x[one,two]==1.0,a,a', ['a', 'x[one,two]==1.0']],
  ])('%j is %j', (value, words) => expect(packageWords('python', value)).toEqual(words));

  test.each(['@scope/name@^1.2.3', 'lodash@4', 'a@latest'])('npm: %s', (word) =>
    expect(isPackageWord('npm', word)).toBe(true),
  );

  test.each([
    '-g',
    '--registry=http://evil',
    'file:x',
    './x',
    '../x',
    'user/repository',
    'npm:other@1',
    'a@npm:b',
    'a@http://evil/x.tgz',
    'a b',
    '@/x',
  ])('npm: not %s', (word) => expect(isPackageWord('npm', word)).toBe(false));
});

/** Tests what the playground's editor thinks may come next, at the end of a text. */
import { Text } from '@codemirror/state';
import { describe, expect, it } from 'vitest';
import { placeAt } from '../../../docs/playground/editor/statement.js';

const place = (text: string) => placeAt(Text.of(text.split('\n')), text.length);

describe('placeAt', () => {
  it.each([
    ['', 'start'],
    ['allow read\n', 'start'],
    ['target x86_64, ', 'arch'],
    ['target x86_64  default ', 'action'],
    ['default errno(EP', 'errno'],
    ['deny(', 'errno'],
    ['include "', 'file'],
    ['# allow ', 'nothing'],
    ['group ', 'nothing'],
    ['allow socket where domain ', 'comparison'],
    ['allow read on ', 'arch'],
  ])('%j: %s', (text, kind) => {
    expect(place(text).kind).toBe(kind);
  });

  it('knows the calls and the argument of a condition, over several lines', () => {
    expect(place('allow re')).toEqual({ kind: 'call', clauses: false });
    expect(place('allow read ')).toEqual({ kind: 'call', clauses: true });
    expect(place('allow read\n      wri')).toEqual({ kind: 'call', clauses: true });
    expect(place('group @mine = read ')).toEqual({ kind: 'call', clauses: false });
    expect(place('deny(ENOSYS) socket where ')).toEqual({ kind: 'argument', calls: ['socket'] });
    expect(place('deny socket where type == 1 and do')).toEqual({
      kind: 'argument',
      calls: ['socket'],
    });
    const value = { kind: 'value', calls: ['socket'], argument: 'domain' };
    for (const test of ['== ', 'in [AF_UNIX, AF', '& ', 'in [\n   ', '== AF_UNIX | '])
      expect(place(`deny socket where domain ${test}`)).toEqual(value);
  });
});

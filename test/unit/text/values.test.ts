import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { callOptions } from '../../../src/launch/call.js';
import { copyOf } from '../../../src/launch/program.js';

class Options {
  command = 'make';
  get timeoutMs(): number {
    return 5;
  }
  get lang(): string {
    return 'sh';
  }
  method(): void {}
}
class Further extends Options {
  override get lang(): string {
    return 'bash';
  }
}
const expected = { command: 'make', timeoutMs: 5, lang: 'bash' };

test('options may be getters of a class, or inherited in another way', () => {
  const inherited = Object.create(expected);
  for (const options of [new Further(), inherited]) {
    expect(callOptions('run', [options])).toEqual(expected);
    expect(callOptions('run', ['make', options])).toEqual(expected);
    expect(callOptions('run', ['make', [], options])).toEqual({ ...expected, args: [] });
    expect(copyOf(options)).toEqual(expected);
  }
});

test('control: what every object inherits is no option, also in another realm', () => {
  const other = runInNewContext(`({ command: 'make' })`);
  for (const options of [{ command: 'make' }, other]) {
    expect(Object.keys(copyOf(options))).toEqual(['command']);
    expect(callOptions('run', [options])).toEqual({ command: 'make' });
  }
});

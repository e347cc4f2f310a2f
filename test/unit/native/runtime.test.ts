import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { refuseOtherRuntimes } from '../../../src/native/runtime.js';

const root = new URL('../../../', import.meta.url);

test('Node starts sandboxes, Bun and Deno are refused with the reason', () => {
  expect(() => refuseOtherRuntimes()).not.toThrow();
  for (const [key, name] of [
    ['bun', 'Bun 1.2.3'],
    ['deno', 'Deno 1.2.3'],
  ] as const) {
    expect(() => refuseOtherRuntimes({ ...process.versions, [key]: '1.2.3' })).toThrow(
      expect.objectContaining({ code: 'ERR_RUNTIME', message: expect.stringContaining(name) }),
    );
  }
});

const excluded = ['0.12.18', '12.22.9', '18.20.8', '20.17.1', '21.7.3', '22.2.0'];
const included = ['20.18.0', '20.20.2', '22.3.0', '22.22.0', '23.0.0', '24.0.0', '26.1.0'];

test.each([...excluded, ...included])(
  'Node %s is refused by the command and the library if package.json excludes it',
  (node) => {
    const { engines } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'));
    expect(engines.node).toBe('^20.18 || >=22.3');
    const works = included.includes(node);
    const library = () => refuseOtherRuntimes({ node });
    if (works) expect(library).not.toThrow();
    else expect(library).toThrow(expect.objectContaining({ code: 'ERR_RUNTIME' }));

    const pretend = `Object.defineProperty(process.versions, 'node', { value: '${node}' });
      process.argv.splice(1, 0, 'cli'); require(${JSON.stringify(fileURLToPath(new URL('src/cli/boot.cjs', root)))})`;
    const { status, stderr } = spawnSync(process.execPath, ['-e', pretend], { encoding: 'utf8' });
    // There is no bundle beside the sources: what goes on past the check fails to find it.
    expect([status, stderr.includes('cli-main.cjs')]).toEqual(works ? [1, true] : [125, false]);
    if (!works) expect(stderr).toMatch(new RegExp(`^wasbox: .* is Node.js ${node}; .*20\\.18`));
  },
);

/** Commands without an ID in directories whose names are not UTF-8: by text they cannot be looked up. */
import { describe, expect, test } from 'vitest';
import { ordinaryUser } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { nodeArgv, runProgram, wasboxArgv } from '../support/wasbox.js';

const as = ordinaryUser();
const ways = {
  'the command': (args: readonly string[]) => wasboxArgv(as, args),
  'the command in Node': (args: readonly string[]) => nodeArgv(as, args),
};

describe.each(Object.entries(ways))('%s', (_way, argvOf) => {
  // Each byte becomes three where it is read as text: 250 of them are more than a name may have.
  test.each([1, 250])(
    'says in a directory with a name of %i bytes of no text that nothing is saved',
    async (count) => {
      const cwd = makeProject(as);
      const script = `d=$(printf '\\377%.0s' $(seq ${count})); mkdir "$d"; cd "$d"; exec "$@"`;
      const argv = ['sh', '-ec', script, 'sh', ...argvOf(['diff'])];
      const { err, status } = await runProgram(argv, {
        as,
        cwd,
        env: { XDG_STATE_HOME: `${cwd}.state` },
      });
      expect(err).toMatch(/^wasbox: there are no saved changes\n/);
      expect(status).toBe(1);
    },
  );
});

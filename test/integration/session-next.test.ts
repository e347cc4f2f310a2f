/** A session whose next sandbox cannot start. Needs: user namespaces, overlayfs in them. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ordinaryUser } from '../support/identity.js';
import { left } from '../support/pool.js';
import { makeProject } from '../support/project.js';
import { inSession } from '../support/session.js';

const as = ordinaryUser();

it('keeps its changes, goes on where the next one starts, and is reviewed at its end', async () => {
  const shown = join(makeProject(as, { 'shown/file': 'shown\n' }), 'shown');
  const { lines, state } = await inSession(
    as,
    `{ ro: [${JSON.stringify(shown)}] }`,
    `const { renameSync } = await import('node:fs');
     const shown = ${JSON.stringify(shown)};
     const cat = () => session.exec(['cat', 'file', shown + '/file']).then(({ stdout }) => stdout, ({ code }) => code);
     await session.exec({ code: 'echo kept > file' });
     for (let i = 0; i < 2; i++) {
       await session.snapshot();
       renameSync(shown, shown + '-gone');
       show(await cat());
       if (i === 1) break;
       renameSync(shown + '-gone', shown);
       show(await cat());
     }
     const fork = await session.fork();
     show(await fork.exec(['true']).then(() => 'ran', ({ code }) => code));
     await fork.close();
     const { kept } = await session.close();
     show((await kept.diff()).map(({ path }) => path));
     await kept.discard();`,
  );
  const [failed, ...rest] = lines;
  expect(failed).toMatch(/^ERR_/);
  expect(rest).toEqual(['kept\nshown\n', failed, failed, ['file']]);
  expect(left(state)).toEqual([]);
});

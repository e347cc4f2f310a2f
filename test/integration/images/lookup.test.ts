/** Programs of an image are looked up in what its layers are together, as a shell inside finds them. */
import * as fs from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Identity, identities } from '../../support/identity.js';
import { makeProject } from '../../support/project.js';
import { type LayerSpec, storeImage } from '../../support/root-image.js';
import { runWasbox } from '../../support/wasbox.js';

const says = (text: string): string => `#!/bin/sh\necho ${text}\n`;

/** Returns what a program is by wasbox's look-up and by that of a shell inside; undefined where there is none. */
async function found(
  as: Identity,
  name: string,
  layers: readonly LayerSpec[],
  path: string,
  program = 'tool.sh',
): Promise<(string | undefined)[]> {
  storeImage(as, name, layers, { Env: [`PATH=${path}`] });
  const project = makeProject(as);
  const run = ['run', '--image', name, '--discard'];
  const outputs = [];
  for (const command of [
    ['--', program],
    ['--', '/bin/sh', '-c', `exec ${program}`],
  ]) {
    const { out, status } = await runWasbox([...run, ...command], { as, cwd: project });
    expect(status).toBe(out === '' ? 127 : 0);
    outputs.push(status === 127 ? undefined : out.trim());
  }
  return outputs;
}

describe.each(identities())('as $label', (as) => {
  test('an opaque directory hides the programs below it, and those in its directories', async () => {
    const lower = { files: { 'a/deep/tool.sh': says('hidden'), 'b/tool.sh': says('seen') } };
    const path = '/bin:/a/deep:/b';
    const without = { files: { 'a/deep/other': '' } };
    expect(await found(as, 'opaque:0', [lower, without], path)).toEqual(['hidden', 'hidden']);
    for (const [n, opaque] of [['a'], ['a/deep']].entries()) {
      const layers = [lower, { ...without, opaque }];
      expect(await found(as, `opaque:${n + 1}`, layers, path)).toEqual(['seen', 'seen']);
    }
  });

  test('an opaque directory of a middle layer hides only what is below it', async () => {
    const layers = [
      { files: { 'a/tool.sh': says('hidden') } },
      { files: { 'a/other': '' }, opaque: ['a'] },
      { files: { 'a/more': '', 'b/tool.sh': says('seen') } },
    ];
    expect(await found(as, 'middle:1', layers, '/bin:/a:/b')).toEqual(['seen', 'seen']);
    const shown = [...layers, { files: { 'a/tool.sh': says('upper') } }];
    expect(await found(as, 'middle:2', shown, '/bin:/a:/b')).toEqual(['upper', 'upper']);
  });

  test('a link of an upper layer takes the place of a directory below', async () => {
    const layers = [
      { files: { 'sbin/tool.sh': says('hidden'), 'usr/sbin/tool.sh': says('merged') } },
      { files: {}, links: { sbin: 'usr/sbin' } },
    ];
    expect(await found(as, 'merged:1', layers, '/bin:/sbin')).toEqual(['merged', 'merged']);
    const removed = [...layers, { files: {}, gone: ['usr/sbin/tool.sh'] }];
    expect(await found(as, 'merged:2', removed, '/bin:/sbin')).toEqual([undefined, undefined]);
    const directory = [
      layers[0] as LayerSpec,
      { files: {}, links: { 'usr/sbin/tool.sh': '/a/b' } },
    ];
    expect(await found(as, 'merged:3', directory, '/bin:/usr/sbin')).toEqual([
      undefined,
      undefined,
    ]);
  });

  test('absolute links, also to directories, lead to files of the image alone', async () => {
    // The program is of coreutils, which the image does not have.
    expect(fs.existsSync('/usr/bin/printenv')).toBe(true);
    const links = { path: '/usr/bin', 'opt/printenv': '/usr/bin/printenv' };
    const bare = { files: { 'b/tool.sh': says('image') }, links };
    const own = { files: {}, links: { 'usr/bin/printenv': '/b/tool.sh' } };
    for (const [n, path] of ['/bin:/path', '/bin:/opt'].entries()) {
      const none = await found(as, `absolute:${n}`, [bare], path, 'printenv');
      expect(none).toEqual([undefined, undefined]);
      const there = await found(as, `inside:${n}`, [bare, own], path, 'printenv');
      expect(there).toEqual(['image', 'image']);
    }
  });

  test('links in a circle, and out of the root, are no program', async () => {
    const links = {
      'x/tool.sh': '/y/tool.sh',
      'y/tool.sh': '../x/tool.sh',
      'z/tool.sh': '../../../../b/tool.sh',
    };
    const layers = [{ files: { 'b/tool.sh': says('inside') }, links }];
    expect(await found(as, 'circle:1', layers, '/bin:/x:/y')).toEqual([undefined, undefined]);
    expect(await found(as, 'circle:2', layers, '/bin:/x:/z')).toEqual(['inside', 'inside']);
  });
});

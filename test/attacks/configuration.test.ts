/** Attack 32: the sandboxed directory brings configuration of its own for wasbox. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { identities } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { runWasbox } from '../support/wasbox.js';

const names = [
  'wasbox.toml',
  '.wasbox.toml',
  '.wasbox/config.toml',
  '.wasbox/profile.toml',
  '.config/wasbox/config.toml',
  '.wasboxrc',
  'wasbox.json',
  'wasbox.config.mjs',
  'default.policy',
];

describe.each(identities())('configuration in the directory, as $label', (as) => {
  test('widens nothing', async () => {
    const victim = makeProject(as, { 'file.txt': 'victim' }, 'victim');
    const toml = `net = "host"\nroot = true\npolicy = "allow-all"\n[files]\nwritable = ["${victim}"]\n`;
    const cwd = makeProject(as, {
      ...Object.fromEntries(names.map((name) => [name, toml])),
      'wasbox.json': JSON.stringify({ net: 'host', rw: [victim] }),
      'wasbox.config.mjs': `import fs from 'node:fs'; fs.writeFileSync('${victim}/loaded', 'x');`,
      'package.json': JSON.stringify({ wasbox: { net: 'host', rw: [victim] } }),
      'default.policy': 'default allow\n',
      '.env': `WASBOX_RW=${victim}\nXDG_STATE_HOME=${victim}\n`,
    });
    const script = `echo x > ${victim}/new; echo x > ${victim}/file.txt; ls /sys/class/net 2>/dev/null`;
    const run = await runWasbox(['run', '-q', '--discard', '--', 'sh', '-c', script], { as, cwd });
    expect(run.status).not.toBe(125);
    expect(fs.readdirSync(victim)).toEqual(['file.txt']);
    expect(fs.readFileSync(join(victim, 'file.txt'), 'utf8')).toBe('victim');
    // An empty directory resolves to the same sandbox.
    const sandbox = async (directory: string) => {
      const dry = await runWasbox(['run', '--dry-run', '--json', '--', 'true'], {
        as,
        cwd: directory,
      });
      const { net, policy, writable, identity } = JSON.parse(dry.out).sandbox;
      const inDirectory = (path: string) => path.replace(directory, 'DIR');
      const { uid, gid } = identity;
      return { net, policy, writable: writable.map(inDirectory), uid, gid };
    };
    expect(await sandbox(cwd)).toEqual(await sandbox(makeProject(as)));
    // Control: the same on the command line is obeyed.
    const asked = ['run', '-q', '--discard', '--rw', victim, '--', 'sh', '-c', script];
    await runWasbox(asked, { as, cwd });
    expect(fs.readdirSync(victim)).toEqual(['file.txt', 'new']);
  });
});

/**
 * Tests that a file which the system runs by itself, at a time or as a service, is held. Only root can have such files of a
 * test's own, in a mount namespace; the oracle is the host.
 */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { ordinaryUser } from '../../support/identity.js';
import { needs } from '../../support/needs.js';
import { makeProject } from '../../support/project.js';
import { heldIn } from '../../support/reviewed.js';

const forms: readonly (readonly [place: string, name: string, (tree: string) => string])[] = [
  ['/etc/cron.d', 'job', (tree) => `0 3 * * * root ${tree}/sub/run.sh >/dev/null\n`],
  ['/etc/cron.d', 'job', (tree) => `SHELL=/bin/sh\n@daily root cd ${tree}/sub && ./run.sh\n`],
  ['/etc/cron.d', 'job', (tree) => `*/5 1-4 * jan mon root cd ${tree} && sh sub/run.sh\n`],
  [
    '/etc/systemd/system',
    'own.service',
    (tree) => `[Service]\nWorkingDirectory=${tree}\nExecStart=${tree}/sub/run.sh -x\n`,
  ],
  [
    '/etc/systemd/system',
    'own.service.d/more.conf',
    (tree) => `[Service]\nExecStartPre=-/bin/sh ${tree}/sub/run.sh\n`,
  ],
  ['/etc/profile.d', 'own.sh', (tree) => `. ${tree}/sub/run.sh\n`],
];

needs('root').test.each(forms)(
  'a program that a file in %s names is held',
  (place, name, textOf) => {
    const as = ordinaryUser();
    const cwd = makeProject(as, { 'sub/run.sh': 'old\n', 'sub/other.sh': 'old\n' });
    const system = makeProject(as, { [name]: textOf(cwd), 'own.timer': '[Timer]\nOnBootSec=1\n' });
    const env = `env HOME=${as.home} XDG_STATE_HOME=${makeProject(as, {}, 'state')}`;
    const wasbox = `setpriv --reuid ${as.uid} --regid ${as.gid} --clear-groups ${env} ${process.execPath} ${as.cli}`;
    const tried = (mount: string) =>
      execFileSync('unshare', [
        '-m',
        'sh',
        '-c',
        `${mount} && cd ${cwd} && ${wasbox} run -q -- sh -c 'for f in sub/*; do echo new > $f; done' && ${wasbox} apply 2>&1; true`,
      ]).toString();
    expect(heldIn(tried(`mount --bind ${system} ${place}`))).toEqual(['sub/run.sh']);
    expect(fs.readFileSync(join(cwd, 'sub/run.sh'), 'utf8')).toBe('old\n');
    // Control: the file beside it is applied, and without the system's file both are.
    expect(fs.readFileSync(join(cwd, 'sub/other.sh'), 'utf8')).toBe('new\n');
    expect(heldIn(tried('true'))).toEqual([]);
    expect(fs.readFileSync(join(cwd, 'sub/run.sh'), 'utf8')).toBe('new\n');
  },
);

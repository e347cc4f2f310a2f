import { execFileSync, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { appArmorHint, appArmorProfile } from '../../../src/leads/apparmor.js';
import { appArmorProfile as packaged } from '../../../src/release/apparmor.mjs';
import { needs } from '../../support/needs.js';

const directory = fs.mkdtempSync(join(tmpdir(), 'wasbox-apparmor-'));
afterAll(() => fs.rmSync(directory, { recursive: true }));

/** Returns what the parser makes of a profile: its name, and the path that it is for. */
function parsed(text: string): { status: number | null; said: string } {
  const file = join(directory, 'wasbox');
  fs.writeFileSync(file, text);
  const how = ['--skip-kernel-load', '--skip-cache', '--debug', file];
  const { status, stdout, stderr } = spawnSync('apparmor_parser', how, { encoding: 'utf8' });
  return { status, said: `${stdout}${stderr}` };
}

describe('the AppArmor profile', () => {
  it('is the same in the Debian package and in what doctor prints', () => {
    const path = '/usr/lib/wasbox/dist/native/linux-x64/wasbox';
    const rules = packaged(path)
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    expect(rules).toEqual(appArmorProfile(path));
  });

  it('is for no program where the installation has no native command', () => {
    expect(appArmorHint(undefined)).not.toContain('profile wasbox');
    expect(appArmorHint(undefined)).toContain('apparmor_restrict_unprivileged_userns=0');
  });

  it('can be copied to a shell as it is printed', () => {
    const path = '/home/a $HOME `b`/wasbox';
    const hint = appArmorHint(path);
    const [command = ''] = /sudo tee[\s\S]*?\n {2}EOF\n/.exec(hint) ?? [];
    const script = command
      .replaceAll(/^ {2}/gm, '')
      .replace('sudo tee /etc/apparmor.d/wasbox', 'cat');
    const shown = execFileSync('sh', ['-c', script], { encoding: 'utf8' });
    expect(shown).toContain(`profile wasbox "${path}" flags=(unconfined)`);
  });
});

needs('apparmor').describe('the AppArmor parser', () => {
  it.each([
    ['/usr/lib/wasbox/wasbox', '/usr/lib/wasbox/wasbox'],
    ['/home/a b/"q"/wasbox', '/home/a b/\\"q\\"/wasbox'],
    ['/home/x[1]{a,b}*?/wasbox', '/home/x\\[1\\]\\{a,b\\}\\*\\?/wasbox'],
  ])('takes the profile for %s', (path) => {
    const { status, said } = parsed(`${appArmorProfile(path).join('\n')}\n`);
    expect(said).toMatch(/Name:\s+wasbox/);
    expect(status, said).toBe(0);
  });

  it('refuses a profile that is none', () => {
    expect(parsed('profile wasbox /usr/bin/wasbox {\n  nonsense,\n}\n').status).not.toBe(0);
  });
});

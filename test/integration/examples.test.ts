/**
 * The examples of docs/examples: the harmless ones say hello, the nasty ones reach nothing of the
 * host inside, do real damage in a weaker sandbox, and none where no sandbox is.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { eventually, processesWith, treeDigest } from '../support/host.js';
import { type Identity, identities } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { runProgram, runWasbox } from '../support/wasbox.js';

const examples = fileURLToPath(new URL('../../docs/examples/', import.meta.url));
const all = fs.readdirSync(examples).filter((name) => /^(hello|nasty)\.(py|sh|mjs)$/.test(name));
const nasty = all.filter((name) => name.startsWith('nasty'));

const interpreter: Record<string, string> = { py: 'python3', sh: 'sh', mjs: 'node' };
const command = (name: string): string[] => [interpreter[name.split('.')[1] ?? ''] ?? 'sh', name];

function project(as: Identity): string {
  const files = all.map((name) => [name, fs.readFileSync(join(examples, name), 'utf8')] as const);
  return makeProject(as, {
    ...Object.fromEntries(files),
    '.git/hooks/': '',
    'package.json': '{}\n',
  });
}

const canaries = { GITHUB_TOKEN: 'canary-token', AWS_SECRET_ACCESS_KEY: 'canary-secret' };

test('there are three harmless and three nasty ones', () => {
  expect(all).toHaveLength(6);
  expect(nasty).toHaveLength(3);
});

describe.each(identities())('examples as $label', (as) => {
  test.each(all.filter((name) => name.startsWith('hello')))('%s', async (name) => {
    const cwd = project(as);
    const run = await runWasbox(['run', '-q', '--discard', name], { as, cwd });
    expect([run.err, run.status]).toEqual(['', 0]);
    expect(run.out.split('\n').length).toBeGreaterThan(2);
  });

  test.each(nasty)('%s reaches nothing', async (name) => {
    const cwd = project(as);
    const rc = join(as.home, '.bashrc');
    const bashrc = (): string => (fs.existsSync(rc) ? fs.readFileSync(rc, 'utf8') : '');
    const before = [treeDigest(cwd), bashrc()];
    const run = await runWasbox(['run', '--discard', name], { as, cwd, env: canaries });
    expect(run.status).toBe(0);
    expect(run.out.split('\n').length).toBeGreaterThan(8);
    expect([treeDigest(cwd), bashrc()]).toEqual(before);
    for (const secret of Object.values(canaries)) expect(run.out).not.toContain(secret);
    expect(run.out).not.toMatch(
      /^(phone home|mount|ptrace|make a user|kill|fork|read|write to \/)[^:]* {2}DONE/m,
    );
    expect(await eventually(() => processesWith(join(cwd, name)).length === 0)).toBe(true);
  });

  test.each(nasty)('%s does damage in a sandbox without copy-on-write', async (name) => {
    const cwd = project(as);
    const before = treeDigest(cwd);
    const box = ['bwrap', '--ro-bind', '/', '/', '--dev', '/dev', '--proc', '/proc'];
    const limits = ['--tmpfs', as.home, '--bind', cwd, cwd, '--unshare-all', '--die-with-parent'];
    const marker = ['--setenv', 'WASBOX', '1', '--chdir', cwd];
    const run = await runProgram(['timeout', '8', ...box, ...limits, ...marker, ...command(name)], {
      as,
      cwd,
      env: canaries,
    });
    expect(run.out).toMatch(/DONE|done/);
    expect(treeDigest(cwd)).not.toBe(before);
  });

  test.each(nasty)('%s changes nothing when nothing sandboxes it', async (name) => {
    const cwd = project(as);
    const before = treeDigest(cwd);
    // The example runs without a network, so that no packet leaves the machine that runs the tests.
    const offline = ['unshare', '--user', '--map-root-user', '--net'];
    const run = await runProgram([...offline, ...command(name)], { as, cwd });
    expect(run.out).toMatch(/skipped/);
    expect(treeDigest(cwd)).toBe(before);
  });
});

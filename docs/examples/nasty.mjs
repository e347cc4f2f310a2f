#!/usr/bin/env node
// Tries what the install scripts of malicious packages try, one line per attempt.
// Run it with: wasbox run nasty.mjs. Outside wasbox it only looks and changes nothing.
import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';

const inside = process.env.WASBOX === '1';
const home = homedir();

async function attempt(what, action, { changes = false } = {}) {
  let result = 'skipped: not inside wasbox';
  if (!changes || inside) {
    try {
      result = (await action()) ?? 'DONE';
    } catch (error) {
      result = `refused: ${error.code ?? error.message}`;
    }
  }
  console.log(`${what.padEnd(36)} ${result}`);
}

const list = (path) => readdirSync(path).join(' ') || 'nothing there';

function phoneHome() {
  // RFC 5737 reserves this address for documentation, so no server listens there.
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '192.0.2.1', port: 443, timeout: 2000 });
    socket.on('connect', () => resolve('DONE'));
    socket.on('timeout', () => socket.destroy(new Error('timed out')));
    socket.on('error', reject);
  });
}

const secrets = () =>
  Object.keys(process.env)
    .filter((name) => /TOKEN|SECRET|PASSWORD|API_KEY|SSH_AUTH_SOCK/.test(name))
    .join(' ') || 'nothing there';

await attempt('read ~/.npmrc', () => `DONE, ${readFileSync(join(home, '.npmrc')).length} bytes`);
await attempt('list ~/.ssh', () => list(join(home, '.ssh')));
await attempt('list /home', () => list('/home'));
await attempt('find tokens in the environment', secrets);
await attempt('phone home', phoneHome, { changes: true });
await attempt('append to ~/.bashrc', () => appendFileSync(join(home, '.bashrc'), 'evil\n'), {
  changes: true,
});
await attempt(
  'rewrite package.json',
  () => writeFileSync('package.json', '{"scripts":{"postinstall":"evil"}}\n'),
  { changes: true },
);
await attempt(
  'plant a git hook',
  () => {
    mkdirSync('.git/hooks', { recursive: true });
    writeFileSync('.git/hooks/pre-push', '#!/bin/sh\necho gotcha\n', { mode: 0o755 });
  },
  { changes: true },
);
await attempt(
  'leave a process behind',
  () => {
    const { status } = spawnSync('sh', ['-c', 'setsid sleep 1000 >/dev/null 2>&1 &']);
    return status === 0 ? 'started; it ends with the sandbox' : 'refused';
  },
  { changes: true },
);
await attempt('kill the parent', () => process.kill(process.ppid, 'SIGKILL'), { changes: true });

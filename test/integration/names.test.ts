/** Names and owners that programs check: the sandbox's host name, and ssh's configuration. */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { identities } from '../support/identity.js';
import { needs } from '../support/needs.js';
import { makeProject } from '../support/project.js';
import { runProgram, runWasbox } from '../support/wasbox.js';

const java = `import java.net.*;
class Name { public static void main(String[] a) throws Exception {
  System.out.println(InetAddress.getLocalHost().getHostName()); } }
`;

describe.each(identities())('names, as $label', (as) => {
  const inside = async (words: readonly string[], ...options: string[]) =>
    runWasbox(['run', '--discard', ...options, '--', ...words], {
      as,
      cwd: makeProject(as, { 'Name.java': java }),
    });

  test.each(['none', 'host', '192.0.2.1'])('the host name resolves, with --net %s', async (net) => {
    const script = `test "$(hostname)" = wasbox && hostname -f && getent hosts "$(hostname)" &&
      getent hosts 127.0.1.1`;
    const run = await inside(['sh', '-c', script], '--net', net);
    expect(run.out.split('\n').map((line) => line.trim().replaceAll(/\s+/g, ' '))).toEqual([
      'wasbox',
      '::1 wasbox',
      '127.0.1.1 wasbox',
      '',
    ]);
    // No resolver is asked.
    expect(run.err).not.toMatch(/connect|look up/);
    const python =
      'import socket; s = socket.create_server((socket.gethostname(), 0)); \
socket.create_connection(s.getsockname()); print(socket.getfqdn())';
    expect((await inside(['python3', '-c', python], '--net', net)).out).toBe('wasbox\n');
  });

  test('the host’s file is read inside, too, and nothing can be written to it', async () => {
    const run = await inside(['sh', '-c', 'cat /etc/hosts; echo x >> /etc/hosts']);
    expect(run.out).toContain(fs.readFileSync('/etc/hosts', 'utf8'));
    expect(run.out).not.toContain('\nx\n');
    expect(fs.readFileSync('/etc/hosts', 'utf8')).not.toContain('wasbox');
  });

  needs('default-jdk-headless').test('Java finds itself', async () => {
    const run = await inside(['java', 'Name.java']);
    expect([run.out, run.status]).toEqual(['wasbox\n', 0]);
  });

  needs('openssh-client').test('ssh reads its configuration', async () => {
    for (const net of ['none', 'host']) {
      const words = ['ssh', '-G', 'host.example.org'];
      const [run, outside] = [await inside(words, '--net', net), await runProgram(words, { as })];
      expect([run.status, outside.status]).toEqual([0, 0]);
      const said = (text: string) => text.replaceAll(/.*(canonicaldomains|identityfile).*\n/g, '');
      expect(said(run.out)).toBe(said(outside.out));
    }
  });

  // The test has a file of root's own making, on whatever machine: only root can do that, in a mount namespace of its
  // own, which the runs below inherit.
  needs('openssh-client', 'root').test('ssh reads included files', async () => {
    const config = makeProject(as, {});
    fs.writeFileSync(join(config, 'x.conf'), 'Host included.example.org\n  Port 4711\n');
    fs.chownSync(config, 0, 0);
    const cwd = makeProject(as);
    const tried = (words: string) =>
      execFileSync('unshare', [
        '-m',
        'sh',
        '-c',
        `mount --bind ${config} /etc/ssh/ssh_config.d && cd ${cwd} && exec setpriv --reuid ${as.uid} --regid ${as.gid} --clear-groups env HOME=${as.home} XDG_STATE_HOME=${as.scratch}/ssh-state ${words} ssh -G included.example.org`,
      ]).toString();
    expect(tried(`${process.execPath} ${as.cli} run -q --discard --`)).toContain('port 4711');
    expect(tried('')).toContain('port 4711');
  });
});

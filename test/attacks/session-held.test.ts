/**
 * A program that holds up what its session does for the owner (attacks.md 62, 69): it stops the process of an operation on
 * a file, or accepts nothing at a published port.
 */
import { describe, expect, test } from 'vitest';
import { freePort } from '../support/free-port.mjs';
import { identities } from '../support/identity.js';
import { inSession } from '../support/session.js';

const stop = `import os, signal, sys
print('begun', flush=True)
while True:
    for name in os.listdir('/proc'):
        if name.isdigit() and int(name) not in (1, os.getpid()):
            try: os.kill(int(name), signal.SIGSTOP)
            except OSError: pass`;

const deaf = `import socket, time
server = socket.socket()
server.bind(('127.0.0.1', 7010))
server.listen(0)
print('begun', flush=True)
time.sleep(1000)`;

const begun = (code: string): string => `
  const held = await session.spawn({ lang: 'python', code: ${JSON.stringify(code)} });
  await new Promise((resolve) => held.stdout.once('data', resolve));`;

const slowly = `async function* slowly() {
  for (let i = 0; i < 20; i++) { yield Buffer.from('x'); await new Promise((r) => setTimeout(r, 50)); }
}`;

describe.each(identities())('as $label', (as) => {
  test('a program that stops the process of a file operation ends it', async () => {
    const { lines } = await inSession(
      as,
      `{ changes: 'discard' }`,
      `${slowly}
       const write = () => session.files.write('/tmp/x', slowly()).then(() => 'written', (error) => error.code);
       show(await write());
       ${begun(stop)}
       let timer;
       const late = new Promise((resolve) => { timer = setTimeout(() => resolve('late'), 30_000); });
       show(await Promise.race([write(), late]));
       clearTimeout(timer);
       held.kill('SIGKILL');`,
    );
    expect(lines).toEqual(['written', 'ERR_SESSION_FILE']);
  });

  test('a published port takes 256 connections at a time, and others hold up no program', async () => {
    const port = await freePort();
    const { lines } = await inSession(
      as,
      `{ changes: 'discard' }`,
      `const { connect } = await import('node:net');
       ${begun(deaf)}
       const { hostPort } = await session.publish('${port}:7010');
       let open = 0, closed = 0;
       const clients = Array.from({ length: 400 }, () => {
         const client = connect(hostPort, '127.0.0.1');
         client.on('connect', () => open++).on('close', () => closed++).on('error', () => {});
         return client;
       });
       for (let turn = 0; turn < 100 && closed < 144; turn++) await new Promise((r) => setTimeout(r, 100));
       show([open - closed, (await session.exec(['echo', 'next'])).stdout]);
       for (const client of clients) client.destroy();
       held.kill('SIGKILL');`,
    );
    expect(lines).toEqual([[256, 'next\n']]);
  });
});

/** POSIX message queues: they work as outside, and lead nowhere. mq_overview(7) */
import * as fs from 'node:fs';
import { describe, expect, test } from 'vitest';
import { uniqueMarker } from '../support/host.js';
import { identities } from '../support/identity.js';
import { compilePayload } from '../support/payload.js';
import { makeProject } from '../support/project.js';
import { ended, runProgram, runWasbox, startProgram, wasboxArgv } from '../support/wasbox.js';

describe.each(identities())('message queues, as $label', (as) => {
  const lay = () => {
    const cwd = makeProject(as);
    compilePayload(as, 'queue', cwd);
    return cwd;
  };
  const base = ['run', '-q', '--discard'];

  test('pass messages and signals between processes, as outside', async () => {
    const cwd = lay();
    const words = ['./queue', 'pass', `/${uniqueMarker()}`];
    const outside = await runProgram(words, { as, cwd });
    expect([outside.out, outside.status]).toEqual(['received hello\n', 0]);
    for (const options of [[], ['--root'], ['--net', 'host']]) {
      const inside = await runWasbox([...base, ...options, '--', ...words], { as, cwd });
      expect([inside.out, inside.status]).toEqual([outside.out, 0]);
    }
  });

  test('appear in /dev/mqueue, where they can be removed', async () => {
    const name = uniqueMarker();
    const script = `./queue leave /${name} </dev/null >/dev/null & wait
      mkfifo in; ./queue leave /${name} <in & exec 3>in
      while ! grep -sc QSIZE:4 /dev/mqueue/${name}; do :; done; rm /dev/mqueue/${name}; ls /dev/mqueue`;
    const run = await runWasbox([...base, '--', 'sh', '-c', script], { as, cwd: lay() });
    // It is there, empty, before the program leaves its message.
    expect(run.out.replace(/left\n|^0\n/gm, '')).toBe('1\n');
  });

  test('reach neither the host nor another run', async () => {
    const cwd = lay();
    const name = `/${uniqueMarker()}`;
    const find = ['./queue', 'find', name];
    const leave = async (argv: readonly string[]) => {
      const child = startProgram(argv, { as, cwd });
      await new Promise((resolve) => child.stdout?.once('data', resolve));
      return async () => {
        child.stdin?.end();
        await ended(child, { as });
      };
    };
    const missing = 'mq_open: errno 2\n';
    const ofRun = await leave(wasboxArgv(as, [...base, '--', './queue', 'leave', name]));
    expect((await runProgram(find, { as, cwd })).out).toBe(missing);
    expect((await runWasbox([...base, '--', ...find], { as, cwd })).out).toBe(missing);
    await ofRun();
    const ofHost = await leave(['./queue', 'leave', name]);
    expect((await runWasbox([...base, '--', ...find], { as, cwd })).out).toBe(missing);
    // Control: outside it is found.
    expect((await runProgram(find, { as, cwd })).out).toBe('received left\n');
    await ofHost();
  });

  test('take no more memory than RLIMIT_MSGQUEUE leaves, and what they took is free again', async () => {
    const cwd = lay();
    const limit = /Max msgqueue size\s+(\d+)/.exec(
      fs.readFileSync('/proc/self/limits', 'utf8'),
    )?.[1];
    const most = Number(limit ?? 0) / (10 * 8192);
    for (let turn = 0; turn < 3; turn++) {
      const run = await runWasbox([...base, '--', './queue', 'fill'], { as, cwd });
      const count = Number(/queues (\d+)/.exec(run.out)?.[1]);
      expect(count).toBeGreaterThan(0);
      expect(count).toBeLessThanOrEqual(most);
    }
  });
});

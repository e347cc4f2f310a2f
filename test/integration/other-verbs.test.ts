/** Tests that a program of the system does not take what was meant as a command for runs: `wasbox rm ID`. */
import { describe, expect, test } from 'vitest';
import { ordinaryUser } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { runWasbox } from '../support/wasbox.js';

const as = ordinaryUser();

describe.each([
  ['rm', 'To drop its changes: wasbox discard'],
  ['kill', 'To end it: wasbox stop'],
])('wasbox %s', (name, hint) => {
  const start = () => {
    const cwd = makeProject(as);
    const env = { XDG_STATE_HOME: `${cwd}.state` };
    return (...words: string[]) => runWasbox(words, { as, cwd, env });
  };

  test('with a run says what to do, and runs nothing', async () => {
    const wasbox = start();
    await wasbox('run', '-c', 'touch made');
    const [, id = ''] = /wasbox diff (\w+)/.exec((await wasbox('run', '-c', 'touch b')).err) ?? [];
    for (const words of [[id], ['-f', id]]) {
      const { status, err } = await wasbox(name, ...words);
      expect([status, err]).toEqual([
        125,
        expect.stringContaining(`wasbox has no ${name}, and ${id} is a run of wasbox`),
      ]);
      expect(err).toContain(`${hint} ${id}\n`);
    }
    expect(JSON.parse((await wasbox('runs', '--json')).out).runs).toHaveLength(2);
  });

  test('says how to end a session that runs', async () => {
    const wasbox = start();
    expect(await wasbox('session', 'start', '--name', 'wbnamed')).toMatchObject({ status: 0 });
    const { err } = await wasbox(name, 'wbnamed');
    await wasbox('stop', 'wbnamed');
    expect(err).toContain('wbnamed is a session of wasbox');
    expect(err).toContain('To end it: wasbox stop wbnamed\n');
  });

  test('is the program of the system with anything else', async () => {
    expect((await start()(name, 'wbnothing')).err).not.toContain('wasbox has no');
    expect((await start()('run', '--', name, 'wbnothing')).status).toBe(1);
  });
});

/**
 * Questions of a session: an answer is for what was shown, for one session, and the command that waits goes on. The
 * oracle is what a server of the host saw.
 */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sendsWord, wordServer } from '../support/asking.js';
import { ownAddress } from '../support/host.js';
import { identities, ordinaryUser } from '../support/identity.js';
import { needs } from '../support/needs.js';
import { makeProject } from '../support/project.js';
import { inSession } from '../support/session.js';

const host = ownAddress();

/** A session whose questions are answered by \`answer\`, and what runs code in it. */
const tools = `
  const asked = [];
  let answer = () => 'deny';
  const options = { changes: 'discard', askTimeoutMs: 400, ask: (question) => { asked.push(question.text); return answer(question); } };
  const python = async (one, code) => {
    const { stdout, denied } = await one.exec({ lang: 'python', code });
    return [stdout.trim(), denied.map(({ what, option, verdict }) => what + ' ' + option + ' ' + verdict)];
  };`;

const inAsking = (as: Parameters<typeof inSession>[0], body: string, cwd?: string) =>
  inSession(
    as,
    `{ changes: 'discard' }`,
    `${tools}
     const one = await lib.createSession({ workdir: process.cwd(), ...options });
     ${body}
     await one.close();`,
    cwd ?? makeProject(as),
  );

describe.each(identities())('as $label', (as) => {
  test('an allowed destination is reached by the command that waits, and nothing else is', async () => {
    const { seen, port } = await wordServer();
    const other = await wordServer();
    const { lines } = await inAsking(
      as,
      `answer = ({ port }) => port === ${port} ? 'allow' : 'deny';
       show(await python(one, ${JSON.stringify(sendsWord(port, 'first'))}));
       show(await python(one, ${JSON.stringify(sendsWord(other.port, 'second'))}));
       answer = () => 'deny';
       show(await python(one, ${JSON.stringify(sendsWord(port, 'third'))}));
       answer = () => new Promise(() => {});
       show(await python(one, ${JSON.stringify(sendsWord(other.port + 1, 'fourth'))}));
       show([(await one.files.readText('begun')).trim().split(' '), asked.length]);
       // The control: a session without questions reaches nothing, and lists it as denied.
       show(await python(session, ${JSON.stringify(sendsWord(port, 'fifth'))}));`,
    );
    const denied = (to: number, verdict: string) => [
      'Network is unreachable',
      [`connect to ${host}:${to} --net ${host}:${to} ${verdict}`],
    ];
    expect(lines).toEqual([
      ['hello', []],
      denied(other.port, 'answered'),
      denied(port, 'answered'),
      denied(other.port + 1, 'timeout'),
      [['first', 'second', 'third', 'fourth'], 4],
      ['Network is unreachable', [`connect ${host}:${port} --net ${host}:${port} unasked`]],
    ]);
    expect([seen, other.seen]).toEqual([['first'], []]);
  });

  test('an answer for the session is not one for its fork, nor for another session', async () => {
    const { seen, port } = await wordServer();
    const { lines } = await inAsking(
      as,
      `answer = () => 'allow-run';
       const run = (where, word) => python(where, ${JSON.stringify(sendsWord(port, '@'))}.replaceAll('@', word));
       show([await run(one, 'a'), await run(one, 'b')]);
       answer = () => 'deny';
       await one.snapshot(); // its next sandbox knows the answer
       show(await run(one, 'c'));
       const fork = await one.fork();
       const another = await lib.createSession({ workdir: process.cwd(), ...options });
       show([await run(fork, 'd'), await run(another, 'e')]);
       show([asked.length, (await one.report()).report.asked.total]);
       await fork.close();
       await another.close();`,
    );
    const refused = [
      'Network is unreachable',
      [`connect to ${host}:${port} --net ${host}:${port} answered`],
    ];
    expect(lines).toEqual([
      [
        ['hello', []],
        ['hello', []],
      ],
      ['hello', []],
      [refused, refused],
      [3, 3],
    ]);
    expect(seen).toEqual(['a', 'b', 'c']);
  });
});

const user = needs('ordinary user');

user.test(
  'a denial names the file and the option; the state directory is never asked about',
  async () => {
    const as = ordinaryUser();
    const hidden = makeProject(as, { secret: 'of the host\n' }, 'hidden');
    const path = join(hidden, 'secret');
    const { lines, cwd } = await inAsking(
      as,
      `show((await one.exec(['cat', ${JSON.stringify(path)}])).denied);
     show((await one.exec(['sh', '-c', 'echo x >> ${path}'])).denied);
     show((await one.exec(['sh', '-c', 'ls "$0"', process.env.XDG_STATE_HOME])).denied);
     show(asked);`,
    );
    expect(lines).toMatchObject([
      [
        {
          kind: 'file',
          what: `read ${path}`,
          cause: expect.stringContaining('hidden'),
          option: `--ro ${path}`,
          count: 1,
        },
      ],
      [{ kind: 'file', option: `--cow ${path}` }],
      [],
      expect.any(Array),
    ]);
    expect(lines[3].join('\n')).not.toContain(`${cwd}.state/wasbox`);
  },
);

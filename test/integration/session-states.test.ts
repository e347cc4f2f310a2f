/** `wasbox session snapshot`, `rollback`, `fork`, `release`. Needs: user namespaces, overlayfs in them, python3. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type SessionPlace, sessionPlace } from '../support/cli-session.js';
import { eventually, isAlive, listTree, processesWith, uniqueMarker } from '../support/host.js';
import { identities, ordinaryUser } from '../support/identity.js';
import { needs } from '../support/needs.js';
import { frozen, left } from '../support/pool.js';
import { ended, runProgram, startWasbox } from '../support/wasbox.js';

const shell = (place: SessionPlace, name: string, code: string) =>
  place.run(['exec', name, '--', 'sh', '-c', code]);

describe.each(identities())('as $label', (as) => {
  it('files go back to a snapshot, and on in a fork with an owner of its own', async () => {
    const place = sessionPlace(as);
    const { run, cwd, state, directories, owner } = place;
    const marker = uniqueMarker();
    await run(['session', 'start', '-q', '--name', 'dev', '--idle', '30m']);
    await shell(place, 'dev', `echo one > file; (sleep 1000; : ${marker}) >/dev/null 2>&1 &`);
    expect(await run(['session', 'snapshot', '-q', 'dev', 'clean'])).toMatchObject({
      status: 0,
      out: 'clean\n',
      err: '',
    });
    expect(await eventually(() => processesWith(marker).length === 0)).toBe(true);
    await shell(place, 'dev', 'echo two > file; touch other');
    expect((await run(['session', 'snapshot', '-q', 'dev'])).out).toBe('s1\n');
    const listed = await run(['session', 'ls']);
    expect(listed.out).toMatch(/^NAME .* SNAPSHOTS +DIRECTORY\ndev .* clean,s1 /);
    const forked = await run(['session', 'fork', 'dev', '--name', 'trial', '--snapshot', 'clean']);
    expect(forked).toMatchObject({ status: 0, out: 'trial\n' });
    expect((await shell(place, 'trial', 'cat file; ls; echo three > file')).out).toBe(
      'one\nfile\n',
    );
    expect((await shell(place, 'dev', 'cat file')).out).toBe('two\n');
    expect((await run(['session', 'rollback', 'dev', 'clean'])).out).toContain('clean');
    expect((await shell(place, 'dev', 'cat *')).out).toBe('one\n');
    // A rollback without a name takes the last one that was taken.
    await run(['session', 'rollback', '-q', 'dev']);
    expect((await shell(place, 'dev', 'ls; cat file')).out).toBe('file\nother\ntwo\n');
    expect(listTree(cwd)).toEqual([]);

    const [dev, trial] = [owner('dev'), owner('trial')];
    expect(dev).not.toBe(trial);
    const shown = JSON.parse((await run(['ps', '--json'])).out);
    expect(shown.sessions).toMatchObject([
      { name: 'dev', pid: dev, snapshots: [{ label: 'clean' }, { label: 's1' }] },
      { name: 'trial', pid: trial, idleMs: 1_800_000, forkedFrom: 'dev', snapshots: [] },
    ]);
    expect((await run(['ps'])).out).toContain('session trial');
    // It needs neither the session that it came from nor that one's owner.
    process.kill(dev, 'SIGKILL');
    expect(await eventually(() => !isAlive(dev))).toBe(true);
    expect((await shell(place, 'trial', 'cat file')).out).toBe('three\n');
    const { id } = shown.sessions[1];
    const stopped = await run(['stop', 'trial']);
    expect([stopped.status, stopped.err]).toEqual([
      0,
      expect.stringContaining(`wasbox diff ${id}`),
    ]);
    expect((await run(['diff', id])).out).toContain('+three');
    expect((await run(['discard', '--all'])).status).toBe(0);
    expect(await eventually(() => directories().length === 0)).toBe(true);
    expect([left(state), frozen(state)]).toEqual([[], []]);
  });
});

const as = ordinaryUser();
const user = needs('ordinary user');

user.describe('a session', () => {
  it('with commands that run is not forked or noted, but goes back', async () => {
    const place = sessionPlace(as);
    const { run, cwd, state } = place;
    await run(['session', 'start', '-q', '--name', 'dev']);
    await shell(place, 'dev', 'echo one > file');
    await run(['session', 'snapshot', '-q', 'dev']);
    const options = { as, cwd, env: { XDG_STATE_HOME: state } };
    const code = 'echo two > file; echo ready; exec sleep 1000';
    const running = startWasbox(['exec', 'dev', '--', 'sh', '-c', code], options);
    await new Promise((resolve) => running.stdout?.once('data', resolve));
    for (const words of [
      ['snapshot', 'dev'],
      ['fork', 'dev'],
    ]) {
      const refused = await run(['session', ...words]);
      expect([words, refused.status]).toEqual([words, 1]);
      expect(refused.err).toContain('commands of the session are running');
    }
    const forked = await run(['session', 'fork', 'dev', '--name', 'b', '--snapshot', 's1']);
    expect(forked.status).toBe(0);
    expect((await run(['session', 'rollback', 'dev'])).status).toBe(0);
    expect(await ended(running, options)).toMatchObject({
      status: 125,
      err: expect.stringContaining('rollback'),
    });
    expect((await shell(place, 'dev', 'cat file')).out).toBe('one\n');
    expect((await shell(place, 'b', 'cat file')).out).toBe('one\n');
  });

  it('without a sandbox is stopped, too: after a snapshot, and a fork that nothing used', async () => {
    const place = sessionPlace(as);
    const { run, state, directories } = place;
    await run(['session', 'start', '-q', '--name', 'dev']);
    await shell(place, 'dev', 'echo one > file');
    await run(['session', 'snapshot', '-q', 'dev']);
    await run(['session', 'fork', '-q', 'dev', '--name', 'fork']);
    await run(['session', 'fork', '-q', 'fork', '--name', 'of-fork']);
    for (const name of ['dev', 'fork', 'of-fork']) {
      expect(await run(['session', 'stop', name])).toMatchObject({
        status: 0,
        out: `stopped ${name}\n`,
      });
    }
    expect(directories()).toEqual([]);
    expect((await run(['diff', '--name-only'])).out).toBe('file\n');
    await run(['discard', '--all']);
    expect([left(state), frozen(state)]).toEqual([[], []]);
  });

  it('an owner of a fork that is killed leaves its changes; another has its name then', async () => {
    const place = sessionPlace(as);
    const { run, owner } = place;
    await run(['session', 'start', '-q', '--name', 'dev']);
    await shell(place, 'dev', 'echo one > file');
    await run(['session', 'fork', '-q', 'dev', '--name', 'trial']);
    await shell(place, 'trial', 'echo two > more');
    const pid = owner('trial');
    process.kill(pid, 'SIGKILL');
    expect(await eventually(() => !isAlive(pid))).toBe(true);
    // The owner's threads, which have the lock open, may be a moment longer there than it.
    let told = '';
    for (let i = 0; i < 100 && told === ''; i++) told = (await run(['session', 'ls'])).err;
    expect(told).toMatch(/session trial was killed.*wasbox diff/);
    expect((await run(['diff', '--name-only'])).out).toBe('file\nmore\n');
    expect((await run(['session', 'fork', 'dev', '--name', 'trial'])).status).toBe(0);
    expect((await shell(place, 'trial', 'ls')).out).toBe('file\n');
  });
});

/** Asks the owner whose socket is given, as often as that: the type of each last answer. */
const asks = `import json, socket, sys
path, asked, times = sys.argv[1], sys.argv[2].encode(), int(sys.argv[3])
for _ in range(times):
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)
    s.sendall(b'C' + len(asked).to_bytes(4, 'little') + asked)
    if sys.argv[4] == 'leave':
        s.recv(1)
        continue
    data = b''
    while piece := s.recv(65536):
        data += piece
    print(data[:1].decode(), json.loads(data[5:]).get('message', ''))
`;

user.describe('bad input', () => {
  it('is an error that says what to do, and the session goes on', async () => {
    const place = sessionPlace(as);
    const { run, directories } = place;
    await run(['session', 'start', '-q', '--name', 'dev']);
    const unsaid = await run(['session', 'rollback', 'dev']);
    expect([unsaid.status, unsaid.err]).toEqual([1, expect.stringContaining('session snapshot')]);
    await run(['session', 'snapshot', '-q', 'dev', 'clean']);
    const bad: [readonly string[], number, string][] = [
      [[], 2, 'missing action'],
      [['nonesuch'], 2, 'no action "nonesuch"'],
      [['toString'], 2, 'no action'],
      [['snapshot'], 2, 'needs a session'],
      [['release', 'dev'], 2, 'needs a snapshot'],
      [['snapshot', 'dev', 'a', 'b'], 2, 'unexpected argument'],
      [['snapshot', 'nonesuch'], 1, 'no session "nonesuch" is running'],
      [['rollback', 'nonesuch'], 1, 'no session "nonesuch" is running'],
      [['fork', 'nonesuch'], 1, 'no session "nonesuch" is running'],
      [['rollback', 'dev', 'nonesuch'], 1, 'has no snapshot "nonesuch"'],
      [['fork', 'dev', '--snapshot', 'nonesuch'], 1, 'has no snapshot "nonesuch"'],
      [['release', 'dev', 'nonesuch'], 1, 'It has: clean'],
      [['snapshot', 'dev', 'clean'], 1, 'already has a snapshot clean'],
      [['snapshot', 'dev', '../x'], 2, 'snapshot label'],
      [['snapshot', 'dev', 'a\nb'], 2, 'snapshot label'],
      [['fork', 'dev', '--name', 'dev'], 1, 'a session named dev is running'],
      [['fork', 'dev', '--name', 'a/b'], 2, 'session name'],
      [['fork', 'dev', '--net', 'host'], 2, 'fork takes only'],
      [['snapshot', 'dev', '--name', 'x'], 2, 'snapshot takes only'],
      [['start', '--snapshot', 'clean'], 2, '--snapshot is for fork'],
    ];
    for (const [words, status, message] of bad) {
      const seen = await run(['session', ...words]);
      expect([words, seen.status, seen.err]).toEqual([
        words,
        status,
        expect.stringContaining(message),
      ]);
    }
    expect(directories()).toEqual(['dev']);
    await run(['stop', 'dev']);
    const gone = await run(['session', 'snapshot', 'dev']);
    expect([gone.status, gone.err]).toEqual([1, expect.stringContaining('no session "dev"')]);
  });

  it('a session that can change nothing has no snapshots', async () => {
    const { run, cwd } = sessionPlace(as);
    const started = await run([
      'session',
      'start',
      '-q',
      '--name',
      'a',
      '--rw',
      cwd,
      '--home',
      'none',
    ]);
    expect(started.err).toBe('');
    const { sessions } = JSON.parse((await run(['session', 'ls', '--json'])).out);
    expect(sessions[0].id).toBeUndefined();
    for (const call of ['snapshot', 'fork', 'rollback']) {
      const refused = await run(['session', call, 'a']);
      expect([refused.status, refused.err]).toEqual([
        1,
        expect.stringContaining('cannot change any files'),
      ]);
    }
  });

  it('snapshots are bounded, and a fork that its client does not take is gone', async () => {
    const { run, cwd, state } = sessionPlace(as);
    await run(['session', 'start', '-q', '--name', 'dev']);
    await run(['exec', 'dev', '--', 'touch', 'file']);
    const socket = join(state, 'wasbox/sessions/dev/socket');
    const ask = (request: object, times: number, how: string) =>
      runProgram(['python3', '-c', asks, socket, JSON.stringify(request), String(times), how], {
        as,
        cwd,
      });
    const { out } = await ask({ call: 'snapshot' }, 258, 'wait');
    const answers = out.trim().split('\n');
    expect(answers.filter((line) => line.startsWith('X'))).toHaveLength(256);
    expect(answers.slice(256)).toEqual(Array(2).fill('F session dev has 256 snapshots'));
    expect((await run(['session', 'ls'])).out).toContain('+253,s254,s255,s256');
    expect((await run(['session', 'release', '-q', 'dev', 's7'])).status).toBe(0);
    expect((await run(['session', 'snapshot', '-q', 'dev'])).out).toBe('s257\n');
    const runs = join(state, 'wasbox/runs');
    const before = readdirSync(runs);
    await ask({ call: 'fork' }, 5, 'leave');
    expect(await eventually(() => readdirSync(runs).length === before.length)).toBe(true);
    // The control: one that is taken stays.
    await run(['session', 'fork', '-q', 'dev']);
    expect(readdirSync(runs)).toHaveLength(before.length + 1);
    for (const request of [{}, { call: 'nonesuch' }, { call: 'snapshot', label: 7 }]) {
      expect((await ask(request, 1, 'wait')).out).toContain('F the owner of the session');
    }
    expect((await run(['exec', 'dev', '--', 'ls'])).out).toBe('file\n');
  });
});

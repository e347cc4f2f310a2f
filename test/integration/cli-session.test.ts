/** `wasbox session`, `exec`, `sh`. Needs: user namespaces, overlayfs in them, python3. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sessionPlace } from '../support/cli-session.js';
import {
  eventually,
  isAlive,
  listTree,
  processesWith,
  uniqueMarker,
  withSeconds,
} from '../support/host.js';
import { identities, ordinaryUser } from '../support/identity.js';
import { needs } from '../support/needs.js';
import { left } from '../support/pool.js';
import { onTerminal } from '../support/terminal.js';
import { ended, startWasbox, wasboxArgv } from '../support/wasbox.js';

describe.each(identities())('as $label', (as) => {
  it('commands share files and processes; what they changed is saved at the end', async () => {
    const { run, cwd, state, directories } = sessionPlace(as);
    const marker = uniqueMarker();
    expect(await run(['session', 'start', '-q', '--name', 'dev'])).toMatchObject({
      status: 0,
      out: 'dev\n',
      err: '',
    });
    const script = `printf '%s|' "$0" "$@" "$X" "$(cat)"; pwd; echo no >&2; echo one > file; exit 3`;
    const shell = ['sh', '-c', script, 'a b', "it's"];
    const made = await run(['exec', '--env', 'X=y', 'dev', '--', ...shell], { stdin: 'typed' });
    expect(made).toMatchObject({
      status: 3,
      out: `a b|it's|y|typed|${cwd}\n`,
      err: 'no\n',
    });
    const behind = `(sleep 1000; : ${marker}) >/dev/null 2>&1 & mkdir -p sub`;
    expect((await run(['exec', 'dev', 'sh', '-c', behind])).status).toBe(0);
    expect((await run(['exec', 'dev', '--', 'cat', 'file'])).out).toBe('one\n');
    expect(listTree(cwd)).toEqual([]);
    const { sessions } = JSON.parse((await run(['session', 'ls', '--json'])).out);
    expect(sessions).toMatchObject([{ name: 'dev', workdir: cwd, idleMs: 3_600_000 }]);
    const [{ id, pid }] = sessions;
    expect((await run(['ps'])).out).toContain('session dev');
    expect((await run(['exec', id.slice(0, 6), '--', 'echo', 'by id'])).out).toBe('by id\n');
    expect(processesWith(marker).length).toBeGreaterThan(0);
    const stopped = await run(['stop', 'dev']);
    expect(stopped).toMatchObject({ status: 0, out: 'stopped dev\n' });
    expect(stopped.err).toContain(`wasbox diff ${id}`);
    expect(await eventually(() => !isAlive(pid) && processesWith(marker).length === 0)).toBe(true);
    expect(directories()).toEqual([]);
    expect((await run(['diff', '--name-only'])).out).toBe('file\nsub\n');
    expect((await run(['apply', id])).status).toBe(0);
    expect(readFileSync(join(cwd, 'file'), 'utf8')).toBe('one\n');
    expect(left(state)).toEqual([]);
  });

  it('diff, apply and discard know it by its name when it has ended', async () => {
    const { cwd, run, state } = sessionPlace(as);
    const made = async (word: string) => {
      await run(['session', 'start', '-q', '--name', 'dev']);
      await run(['exec', 'dev', '--', 'sh', '-c', `echo ${word} > ${word}`]);
      expect((await run(['runs'])).out).toMatch(/running +… +… .* session dev\n/);
      await run(['stop', 'dev']);
    };
    await made('first');
    await made('second');
    // The name is the latest one's, as long as that is there.
    expect((await run(['diff', 'dev', '--name-only'])).out).toBe('second\n');
    expect((await run(['runs'])).out.match(/saved .* session dev\n/g)).toHaveLength(2);
    expect((await run(['apply', 'dev', 'second'])).status).toBe(0);
    expect((await run(['diff', 'dev', '--name-only'])).out).toBe('first\n');
    expect((await run(['discard', 'dev'])).status).toBe(0);
    expect(readdirSync(cwd)).toEqual(['second']);
    expect(readdirSync(join(state, 'wasbox', 'named'))).toEqual([]);
    // A word that is no name of a session is a path.
    await run(['run', '-q', '-c', 'echo x > dev']);
    expect((await run(['diff', 'dev', '--name-only'])).out).toBe('dev\n');
  });

  it('diff shows what it has changed so far; apply and discard say that it goes on', async () => {
    const { cwd, run } = sessionPlace(as);
    writeFileSync(join(cwd, 'old'), 'old\n');
    await run(['session', 'start', '-q', '--name', 'dev']);
    const none = await run(['diff', 'dev']);
    expect([none.status, none.out]).toEqual([0, '']);
    await run(['exec', 'dev', '--', 'sh', '-c', 'echo new > new; rm old; echo x > ~/.x']);
    const behind = '(sleep 1000) >/dev/null 2>&1 & echo more >> new';
    await run(['exec', 'dev', '--', 'sh', '-c', behind]);
    const names = await run(['diff', 'dev', '--name-only']);
    expect([names.status, names.out.trim().split('\n').sort()]).toEqual([
      0,
      ['new', 'old', '~/.x'],
    ]);
    expect((await run(['diff', 'dev', 'new'])).out).toContain('+new\n+more\n');
    expect((await run(['diff', 'dev', '--patch', 'new'])).out).toContain('+more');
    expect(JSON.parse((await run(['diff', 'dev', '--json'])).out).changes).toHaveLength(3);
    expect((await run(['diff', 'dev', 'other'])).status).toBe(1);
    const [, row = ''] = (await run(['runs'])).out.split('\n');
    expect(row).toMatch(/running .* session dev$/);
    for (const verb of ['apply', 'discard']) {
      const refused = await run([verb, 'dev']);
      expect([refused.status, refused.err]).toEqual([
        1,
        expect.stringContaining('wasbox stop dev'),
      ]);
    }
    expect(existsSync(join(cwd, 'new'))).toBe(false);
    // Looking has left nothing, and the session goes on as before.
    expect((await run(['exec', 'dev', '--', 'sh', '-c', 'cat new; ls -A'])).out).toBe(
      'new\nmore\nnew\n',
    );
    await run(['stop', 'dev']);
    const after = (await run(['diff', '--no-pager'])).out;
    expect(after).toContain('+more');
    expect(after).not.toContain('hard link');
    expect((await run(['diff', 'dev', '--no-pager'])).out).toBe(after);
  });

  it('an owner that is killed leaves its changes, and nothing else', async () => {
    const { run, owner, directories } = sessionPlace(as);
    const marker = uniqueMarker();
    await run(['session', 'start', '-q', '--name', 'dev']);
    const behind = `echo kept > file; (sleep 1000; : ${marker}) >/dev/null 2>&1 &`;
    await run(['exec', 'dev', '--', 'sh', '-c', behind]);
    const pid = owner('dev');
    process.kill(pid, 'SIGKILL');
    expect(await eventually(() => !isAlive(pid) && processesWith(marker).length === 0)).toBe(true);
    const gone = await run(['exec', 'dev', '--', 'true']);
    expect(gone.status).toBe(125);
    expect(gone.err).toMatch(/session dev was killed; if it changed files: wasbox diff \w+/);
    expect(directories()).toEqual([]);
    expect((await run(['session', 'ls'])).out).toBe('No session runs.\n');
    expect((await run(['diff', '--name-only'])).out).toBe('file\n');
    // The name is free again.
    expect((await run(['session', 'start', '-q', '--name', 'dev'])).status).toBe(0);
  });

  it('the socket is the user\u2019s alone', async () => {
    const { run, state } = sessionPlace(as);
    await run(['session', 'start', '-q', '--name', 'dev']);
    const directory = join(state, 'wasbox/sessions/dev');
    const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);
    expect([modeOf(directory), modeOf(join(directory, 'socket'))]).toEqual(['700', '600']);
  });
});

const as = ordinaryUser();
const user = needs('ordinary user');

user.describe('a session', () => {
  it('has as many commands at a time as are given to it', async () => {
    const { run } = sessionPlace(as);
    await run(['session', 'start', '-q', '--name', 'many']);
    const all = Array.from({ length: 8 }, (_, i) => {
      const script = `echo > mark-${i}; while [ $(ls mark-* | wc -l) -lt 8 ]; do sleep 0.05; done; cat`;
      return run(['exec', 'many', '--', 'sh', '-c', script], { stdin: `input ${i}` });
    });
    expect((await Promise.all(all)).map(({ out }) => out)).toEqual(
      Array.from({ length: 8 }, (_, i) => `input ${i}`),
    );
  });

  it('has one owner where two are started with one name at once', async () => {
    const { run, directories } = sessionPlace(as);
    const start = () => run(['session', 'start', '-q', '--name', 'one']);
    const both = await Promise.all([start(), start(), start()]);
    expect(both.map(({ status }) => status).sort()).toEqual([0, 1, 1]);
    expect(both.filter(({ status }) => status === 1).map(({ err }) => err.split('\n')[0])).toEqual([
      'wasbox: a session named one is running',
      'wasbox: a session named one is running',
    ]);
    expect((await run(['exec', 'one', '--', 'echo', 'usable'])).out).toBe('usable\n');
    expect(directories()).toEqual(['one']);
  });

  it('ends after its idle time, by its limits, and by a signal to its owner', async () => {
    const { run, directories, owner } = sessionPlace(as);
    const used = async (seconds: number) => {
      await run(['session', 'start', '-q', '--name', 'idle', '--idle', `${seconds}s`]);
      const { status } = await run(['exec', 'idle', '--', 'touch', 'a']);
      expect(await eventually(() => directories().length === 0)).toBe(true);
      return status;
    };
    // On a loaded machine, the session may end before the command begins.
    expect(await withSeconds(used, (status) => status === 0, [1, 10, 60])).toBe(0);
    await run(['session', 'start', '-q', '--name', 'limited', '--timeout', '2s']);
    const long = await run(['exec', 'limited', '--', 'sleep', '1000']);
    expect(long.status).toBeGreaterThanOrEqual(125);
    expect(await eventually(() => directories().length === 0)).toBe(true);
    await run(['session', 'start', '-q', '--name', 'asked']);
    process.kill(owner('asked'), 'SIGTERM');
    expect(await eventually(() => directories().length === 0)).toBe(true);
  });

  it('starts commands in the current directory, if that is in its project', async () => {
    const { run, cwd } = sessionPlace(as);
    mkdirSync(join(cwd, 'sub'));
    chmodSync(join(cwd, 'sub'), 0o755);
    await run(['session', 'start', '-q', '--name', 'dev']);
    const pwd = async (args: readonly string[], at: string) =>
      (await run(['exec', ...args, 'dev', '--', 'pwd'], { cwd: at })).out.trim();
    expect(await pwd([], join(cwd, 'sub'))).toBe(join(cwd, 'sub'));
    expect(await pwd([], '/')).toBe(cwd);
    expect(await pwd(['--chdir', '/usr'], '/')).toBe('/usr');
  });

  it('a command ends with what started it, which passes signals and the end of its input on', async () => {
    const { run, as: user, cwd, state } = sessionPlace(as);
    await run(['session', 'start', '-q', '--name', 'dev']);
    const options = { as: user, cwd, env: { XDG_STATE_HOME: state } };
    const marker = uniqueMarker();
    const trap = `trap 'echo asked; exit 5' TERM; echo ready; while :; do sleep 0.05; done; : ${marker}`;
    const asked = startWasbox(['exec', 'dev', '--', 'sh', '-c', trap], options);
    asked.stdout?.once('data', () => asked.kill('SIGTERM'));
    expect(await ended(asked, options)).toMatchObject({ status: 5, out: 'ready\nasked\n' });
    const lasting = `trap '' TERM HUP; echo ready; while :; do sleep 0.05; done; : ${marker}`;
    const killed = startWasbox(['exec', 'dev', '--', 'sh', '-c', lasting], options);
    killed.stdout?.once('data', () => killed.kill('SIGKILL'));
    expect((await ended(killed, options)).signal).toBe('SIGKILL');
    expect(await eventually(() => processesWith(marker).length === 0)).toBe(true);
    expect((await run(['exec', 'dev', '--', 'sh', '-c', 'kill -SEGV $$'])).status).toBe(139);
  });

  it('streams are passed on whole, at the pace of their reader', async () => {
    const { run } = sessionPlace(as);
    await run(['session', 'start', '-q', '--name', 'dev']);
    const text = Buffer.alloc(3_000_000, 'wasbox\n');
    const echoed = await run(['exec', 'dev', '--', 'tee', '/dev/stderr'], { stdin: text });
    expect(Buffer.compare(echoed.stdout, text)).toBe(0);
    expect(Buffer.compare(echoed.stderr, text)).toBe(0);
    // A program need not read its input.
    expect((await run(['exec', 'dev', '--', 'head', '-c', '3'], { stdin: text })).out).toBe('was');
    expect((await run(['exec', 'dev', '--', 'true'], { stdin: text })).status).toBe(0);
  });
});

user.describe('a terminal', () => {
  it('is the command\u2019s own: size, ^C, job control; and the caller\u2019s is as before', async () => {
    const { run, cwd, state } = sessionPlace(as);
    await run(['session', 'start', '-q', '--name', 'dev']);
    const options = { as, cwd, env: { XDG_STATE_HOME: state, PS1: 'ready> ', TERM: 'xterm' } };
    const shell = ['exec', '--env', 'PS1', 'dev', '--', 'sh', '-i'];
    const seen = await onTerminal(wasboxArgv(as, shell), options, [
      {
        after: 'ready> ',
        type: `sh -c 'printf "\\\\033[?1049h"; echo $(tty) $TERM; exec sleep 1000'\\n`,
      },
      { after: '/dev/pts/0 xterm\r\n', type: '\\x03' },
      { after: '^C\r\nready> ', type: 'echo al$((1+1))ve; exit 7\\n' },
    ]);
    expect(seen).toMatchObject({ exit: 7, timedOut: false, injected: '' });
    expect(seen.output).toContain('al2ve\r\n');
    expect(seen.after).toEqual(seen.before);
    expect(seen.output).toMatch(/\u001b\[\?1049l/);
  });

  it('^C that ends the command ends wasbox so, too; a size is what the terminal has', async () => {
    const { run, cwd, state } = sessionPlace(as);
    await run(['session', 'start', '-q', '--name', 'dev']);
    const options = { as, cwd, env: { XDG_STATE_HOME: state } };
    const sleeps = ['exec', 'dev', '--', 'sh', '-c', 'echo go; exec sleep 1000'];
    const ended = await onTerminal(wasboxArgv(as, sleeps), options, [
      { after: 'go', type: '\\x03' },
    ]);
    expect(ended).toMatchObject({ exit: -2, timedOut: false });
    const [exec, ...size] = wasboxArgv(as, ['exec', 'dev', '--', 'stty', 'size']);
    const resized = ['sh', '-c', 'stty rows 33 cols 77; exec "$0" "$@"', exec ?? '', ...size];
    expect((await onTerminal(resized, options)).output).toContain('33 77');
  });
});

user.describe('wasbox sh', () => {
  it('takes the arguments of a shell, in a session or in a sandbox of its own', async () => {
    const { run, cwd } = sessionPlace(as);
    await run(['session', 'start', '-q', '--name', 'dev']);
    const inside = { env: { WASBOX_SESSION: 'dev' } };
    expect(await run(['sh', '-c', 'echo "$0 $1" > file; exit 4', 'a', 'b'], inside)).toMatchObject({
      status: 4,
    });
    expect((await run(['sh', '-lc', 'cat file'], inside)).out).toBe('a b\n');
    expect((await run(['sh'], { ...inside, stdin: 'cat file; exit 6' })).status).toBe(6);
    const alone = await run(['sh', '-c', 'ls; exit 3']);
    expect(alone).toMatchObject({ status: 3, out: '' });
    const given = await run(['sh', '--env', 'X=given', '--', '-c', 'echo $X']);
    expect(given.out).toBe('given\n');
    expect(existsSync(join(cwd, 'file'))).toBe(false);
    expect((await run(['sh', '--net', 'none', '-c', 'true'])).status).toBe(125);
    expect((await run(['sh', '--net', 'none', '--', '-c', 'true'], inside)).status).toBe(125);
    const missing = await run(['sh', '-c', 'true'], { env: { WASBOX_SESSION: 'nonesuch' } });
    expect(missing).toMatchObject({ status: 125 });
    expect(missing.err).toContain('no session "nonesuch" is running');
  });
});

user.describe('bad input', () => {
  it('is an error that says what to do, and the session goes on', async () => {
    const { run, state } = sessionPlace(as);
    for (const name of ['', '.', '../x', 'a/b', '-x', 'x'.repeat(64), 'a\nb', '\u00e4']) {
      const { status, err } = await run(['session', 'start', '--name', name]);
      expect([name, status, err]).toEqual([name, 2, expect.stringContaining('session name')]);
    }
    for (const words of [
      [],
      ['stop'],
      ['start', 'more'],
      ['start', '--net', '%'],
      ['ls', '--name', 'x'],
    ]) {
      expect([words, (await run(['session', ...words])).status]).toEqual([words, 2]);
    }
    // An error inside of the owner is said here as well.
    const unsafe = await run(['session', 'start', '--workdir', '/']);
    expect(unsafe).toMatchObject({ status: 2, err: expect.stringContaining('wasbox:') });
    await run(['session', 'start', '-q', '--name', 'dev']);
    const bad: [readonly string[], number][] = [
      [['exec'], 125],
      [['exec', 'dev'], 125],
      [['exec', 'dev', '--'], 125],
      [['exec', 'nonesuch', '--', 'true'], 125],
      [['exec', 'dev', '--', 'nonesuch'], 127],
      [['exec', 'dev', '--', '/etc'], 126],
      [['exec', '--chdir', '/nonesuch', 'dev', '--', 'true'], 125],
      [['exec', '--tty', 'always', 'dev', '--', 'true'], 125],
      [['exec', 'dev', '--', 'true', 'x'.repeat(131_072 - 1)], 0],
    ];
    for (const [words, status] of bad) {
      expect([words, (await run(words)).status]).toEqual([words, status]);
    }
    // These bytes are no protocol of ours.
    const socket = join(state, 'wasbox/sessions/dev/socket');
    for (const bytes of [
      'GET / HTTP/1.1\r\n\r\n',
      `H\xff\xff\xff\x7f`,
      `H\x02\0\0\0{}`,
      'Z\0\0\0\0',
    ]) {
      const answer = await new Promise<string>((resolve) => {
        let text = '';
        const connection = createConnection(socket, () => connection.write(bytes, 'latin1'));
        connection.on('data', (chunk) => {
          text += String(chunk);
        });
        connection.on('error', () => {}).once('close', () => resolve(text));
      });
      expect(answer).toMatch(/^(F[\s\S]{4}.*ERR_USAGE.*)?$/);
    }
    expect((await run(['exec', 'dev', '--', 'echo', 'usable'])).out).toBe('usable\n');
  });
});

/** `wasbox mcp`, driven by the SDK's own client. Needs: user namespaces, overlayfs in them, python3. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually, listTree, processesWith, uniqueMarker } from '../support/host.js';
import { identities, ordinaryUser } from '../support/identity.js';
import { startMcp } from '../support/mcp.js';
import { left } from '../support/pool.js';
import { makeProject, writeFiles } from '../support/project.js';
import { runWasbox } from '../support/wasbox.js';

describe.each(identities())('as $label', (as) => {
  it('every tool does what it says, and the files change with apply only', async () => {
    const { client, call, leave, cwd, state } = await startMcp(as, ['--allow-apply']);
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name).sort()).toEqual([
      ...['apply', 'diff', 'discard_fork', 'fork', 'list_files', 'read_file', 'remove_file'],
      ...['rollback', 'run_code', 'run_command', 'snapshot', 'write_file'],
    ]);
    expect(
      (await call('write_file', { path: 'src/a.py', content: 'print(6 * 7)\n' })).value,
    ).toEqual({
      bytes: 13,
    });
    const run = await call('run_command', { argv: ['python3', 'src/a.py'] });
    expect(run.value).toMatchObject({
      outcome: 'exited',
      exit_code: 0,
      stdout: '42\n',
      truncated: false,
    });
    const code = { language: 'sh', code: 'cat; echo "$X$1"; echo no >&2; exit 3', args: ['y'] };
    const failed = await call('run_code', { ...code, stdin: 'in ', env: { X: 'x' }, cwd: 'src' });
    expect(failed).toMatchObject({
      isError: false,
      value: { exit_code: 3, stdout: 'in xy\n', stderr: 'no\n', stdout_bytes: 6 },
    });
    await call('write_file', { path: 'raw', content: 'AP8=', encoding: 'base64' });
    expect((await call('read_file', { path: 'raw' })).value).toEqual({
      encoding: 'base64',
      content: 'AP8=',
    });
    expect((await call('read_file', { path: 'src/a.py' })).text).toBe('print(6 * 7)\n');
    expect((await call('list_files')).value).toMatchObject({
      entries: [
        { name: 'raw', type: 'file' },
        { name: 'src', type: 'directory' },
      ],
    });
    await call('write_file', { path: 'gone', content: '' });
    expect((await call('remove_file', { path: 'gone' })).value).toEqual({ removed: true });
    expect((await call('remove_file', { path: 'gone' })).value).toEqual({ removed: false });
    const paths = (value: { changes: { path: string }[] }) => value.changes.map(({ path }) => path);
    expect(paths((await call('diff')).value)).toEqual(['raw', 'src', 'src/a.py']);
    const { contents } = await client.readResource({ uri: 'wasbox://diff' });
    expect(paths(JSON.parse((contents[0] as { text: string }).text))).toEqual([
      'raw',
      'src',
      'src/a.py',
    ]);
    expect(listTree(cwd)).toEqual([]);
    expect((await call('apply', { paths: ['src'] })).value).toMatchObject({
      granted: true,
      applied: ['src', 'src/a.py'],
    });
    expect(readFileSync(join(cwd, 'src/a.py'), 'utf8')).toBe('print(6 * 7)\n');
    expect(existsSync(join(cwd, 'raw'))).toBe(false);
    // A change that was not applied is still there for the client, and saved when it leaves.
    expect((await call('run_command', { argv: ['ls'] })).value.stdout).toBe('raw\nsrc\n');
    const { err, status } = await leave();
    expect(status).toBe(0);
    const id = /wasbox diff (\w+)/.exec(err)?.[1] ?? '';
    const env = { XDG_STATE_HOME: state };
    const shown = await runWasbox(['diff', '--name-only', id], { as, cwd, env });
    expect(shown.out).toBe('raw\n');
    await runWasbox(['discard', id], { as, cwd, env });
    expect(left(state)).toEqual([]);
  });
});

const as = ordinaryUser();

describe('apply', () => {
  it('is refused where no user can be asked', async () => {
    const { call, leave, cwd } = await startMcp(as);
    await call('write_file', { path: 'file', content: 'x' });
    const { isError, text } = await call('apply');
    expect([isError, JSON.parse(text).code]).toEqual([true, 'NOT_ALLOWED']);
    expect(listTree(cwd)).toEqual([]);
    await leave();
  });

  it('holds back what is in the home, not what is named like it', async () => {
    const { call, leave, cwd } = await startMcp(as, ['--allow-apply']);
    for (const path of ['~x', '~/y']) await call('write_file', { path, content: 'x' });
    await call('run_code', { language: 'sh', code: 'echo z > ~/z' });
    const { value } = await call('apply');
    expect(value).toMatchObject({ applied: ['./~', './~/y', '~x'], held_back: ['~/z'] });
    expect(readFileSync(join(cwd, '~/y'), 'utf8')).toBe('x');
    await leave();
  });

  it('asks the client\u2019s user, with escaped paths, and does only what was granted', async () => {
    const cwd = makeProject(as);
    writeFiles(as, cwd, {
      '.git/hooks/sample': '',
      '.git/config': '[core]\n',
      '.git/HEAD': 'ref: refs/heads/main\n',
    });
    const asked: string[] = [];
    let grant = false;
    const { call, leave } = await startMcp(
      as,
      [],
      (message) => {
        asked.push(message);
        return grant ? { action: 'accept', content: { apply: true } } : { action: 'decline' };
      },
      cwd,
    );
    await call('run_code', {
      language: 'python',
      code: `open('a\\x1b[31mb', 'w')\nopen('plain', 'w').write('x')`,
    });
    await call('write_file', { path: '.git/hooks/pre-commit', content: '#!/bin/sh\n' });
    const before = listTree(cwd);
    expect((await call('apply')).value).toMatchObject({ granted: false, applied: [] });
    expect(listTree(cwd)).toEqual(before);
    expect(asked[0]).toContain('added file plain');
    expect(asked[0]).not.toMatch(/\u001b/);
    // It goes on as if nothing had been.
    expect((await call('run_command', { argv: ['cat', 'plain'] })).value.stdout).toBe('x');
    grant = true;
    const applied = await call('apply', { paths: ['plain', '.git/hooks/pre-commit', '.git'] });
    expect(applied.value).toMatchObject({ granted: true, applied: ['plain'] });
    expect(applied.value.held_back).toContain('.git/hooks/pre-commit');
    expect(readFileSync(join(cwd, 'plain'), 'utf8')).toBe('x');
    expect(existsSync(join(cwd, '.git/hooks/pre-commit'))).toBe(false);
    await leave();
  });
});

describe('a question to the user', () => {
  /** Starts a server whose user grants what `grant` says, and records the questions. */
  const asking = async (grant: (message: string, index: number) => boolean | 'leave') => {
    const asked: string[] = [];
    const mcp = await startMcp(as, [], (message) => {
      const answer = grant(message, asked.push(message) - 1);
      if (answer === 'leave') return { action: 'decline' };
      return { action: 'accept', content: { apply: answer } };
    });
    return { ...mcp, asked };
  };

  it('shows the content of each change, and applies nothing that was not shown', async () => {
    const many = 130;
    const { call, leave, cwd, asked } = await asking((_, index) => index !== 1);
    await call('run_code', {
      language: 'python',
      code: `for n in range(${many}): open(f'f{n:03}', 'w').write(f'text of {n}\\n')`,
    });
    const { value } = await call('apply');
    // Each path is in one question, with its text.
    const all = Array.from({ length: many }, (_, n) => `f${String(n).padStart(3, '0')}`);
    for (const [n, name] of all.entries()) {
      const questions = asked.filter((text) => text.includes(`added file ${name} `));
      expect(questions, name).toHaveLength(1);
      expect(`${questions[0]}\n`).toContain(`+text of ${n}\n`);
    }
    expect(asked).toHaveLength(3);
    const refused = all.filter((name) => asked[1]?.includes(`added file ${name} `));
    expect(value.not_granted).toEqual(refused);
    expect(listTree(cwd)).toHaveLength(many - refused.length);
    for (const name of refused) expect(existsSync(join(cwd, name)), name).toBe(false);
    await leave();
  });

  it('is asked about no more than can be shown', async () => {
    const { call, leave, cwd, asked } = await asking(() => true);
    const code = `for n in range(12): open(f'big{n:02}', 'w').write(('x' * 60 + '\\n') * 450)
open('long', 'w').write('y\\n' * 3000)`;
    await call('run_code', { language: 'python', code });
    const { value } = await call('apply');
    expect(asked.length).toBeLessThanOrEqual(10);
    for (const text of asked) expect(text.length).toBeLessThan(40_000);
    const shown = asked.join('\n');
    const there = listTree(cwd);
    expect(there.length).toBeGreaterThan(0);
    expect(value.not_granted.length).toBe(13 - there.length);
    expect(value.not_granted.length).toBeGreaterThan(0);
    for (const name of value.not_granted) expect(shown).not.toContain(`added file ${name} `);
    await leave();
  });

  it('ends with the first question that the user turns away', async () => {
    const { call, leave, cwd, asked } = await asking((_, index) => (index === 0 ? 'leave' : true));
    await call('run_code', {
      language: 'sh',
      code: 'for n in $(seq 120); do echo x > f$n; done',
    });
    expect((await call('apply')).value).toMatchObject({ outcome: 'declined', applied: [] });
    expect([asked.length, listTree(cwd)]).toEqual([1, []]);
    await leave();
  });
});

/** Counts the connections to a port of this machine. */
async function counting(): Promise<{ server: Server; port: number; count: () => number }> {
  let count = 0;
  const server = createServer((socket) => {
    count++;
    socket.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return { server, port, count: () => count };
}

describe('a client that asks for more than the command line gave', () => {
  it('is refused, and has what the command line gave', async () => {
    const { server, port, count } = await counting();
    const secret = join(makeProject(as), 'secret');
    writeFileSync(secret, 'of the host');
    const code = `import socket\ntry: socket.create_connection(('127.0.0.1', ${port}), 5); print('connected')\nexcept OSError: print('refused')`;
    const more = { net: 'host', ro: ['/'], rw: ['/'], policy: 'none', workdir: '/', home: 'cow' };
    const plain = await startMcp(as);
    for (const [name, value] of Object.entries(more)) {
      const asked = { language: 'python', code, [name]: value };
      const { isError, value: answer } = await plain.call('run_code', asked);
      expect([isError, answer]).toEqual([
        true,
        expect.objectContaining({ message: expect.stringContaining(`"${name}"`) }),
      ]);
    }
    const refused = await plain.call('run_code', { language: 'python', code });
    expect(refused.value.stdout).toBe('refused\n');
    expect(count()).toBe(0);
    for (const path of [secret, `${'../'.repeat(30)}${secret.slice(1)}`]) {
      expect((await plain.call('read_file', { path, ...more })).isError).toBe(true);
      expect(JSON.parse((await plain.call('read_file', { path })).text)).toMatchObject({
        code: 'ERR_SESSION_FILE',
        errno: 'ENOENT',
      });
    }
    await plain.leave();
    const given = await startMcp(as, ['--net', 'host', '--ro', secret]);
    expect((await given.call('run_code', { language: 'python', code })).value.stdout).toBe(
      'connected\n',
    );
    expect((await given.call('read_file', { path: secret })).text).toBe('of the host');
    expect(count()).toBe(1);
    await given.leave();
    server.close();
  });
});

describe('bad input', () => {
  it('is answered with an error, and the server goes on', async () => {
    const { call, client, child, leave } = await startMcp(as);
    const bad: [string, object][] = [
      ['nonesuch', {}],
      ['run_command', { argv: 'ls' }],
      ['run_command', { argv: [] }],
      ['run_command', { argv: ['a\0b'] }],
      ['run_command', { argv: ['nonesuch'] }],
      ['run_command', { argv: ['ls'], timeout_ms: -1 }],
      ['run_command', { argv: ['ls'], cwd: '/nonesuch' }],
      ['run_code', { language: 'nonesuch', code: '' }],
      ['read_file', { path: '' }],
      ['read_file', { path: 'a\0b' }],
      ['read_file', { path: 'nonesuch' }],
      ['read_file', { path: '/dev/zero' }],
      ['write_file', { path: '/usr/x', content: '' }],
      ['diff', { paths: [] }],
    ];
    for (const [name, args] of bad) {
      const failed = await call(name, args).then(
        ({ isError }) => isError,
        () => true,
      );
      expect([name, args, failed]).toEqual([name, args, true]);
    }
    child.stdin?.write('this is no JSON\n{"jsonrpc":"2.0"}\n[]\n');
    const many = await Promise.all(
      Array.from({ length: 2000 }, () => call('run_command', { argv: ['true'] })),
    );
    expect(many.filter(({ isError }) => !isError).length).toBeGreaterThan(0);
    const turnedAway = many
      .filter(({ isError }) => isError)
      .map(({ text }) => JSON.parse(text).code);
    expect(new Set(turnedAway)).toEqual(new Set(['TOO_MANY_CALLS']));
    await client.ping();
    expect((await call('run_command', { argv: ['echo', 'usable'] })).value.stdout).toBe('usable\n');
    const end = await leave();
    expect(end.status).toBe(0);
  });

  it('a message without end ends the server, and the changes are saved', async () => {
    const { call, child, state } = await startMcp(as);
    await call('write_file', { path: 'file', content: 'x' });
    const closed = new Promise((resolve) => child.once('close', resolve));
    const piece = 'x'.repeat(1024 * 1024);
    for (let i = 0; i < 100 && child.exitCode === null; i++) {
      await new Promise((resolve) => child.stdin?.write(piece, resolve));
    }
    await closed;
    expect(left(state)).toHaveLength(1);
  });

  it('output is bounded, and its length told', async () => {
    const { call, leave } = await startMcp(as);
    const { value } = await call('run_command', { argv: ['head', '-c', '1000000', '/dev/zero'] });
    expect(value).toMatchObject({ truncated: true, stdout_bytes: 1_000_000 });
    expect(Buffer.byteLength(JSON.stringify(value))).toBeLessThan(16_384);
    await leave();
  });

  it('a command is a line for a shell, or a program and its arguments', async () => {
    const { call, leave } = await startMcp(as);
    const line = await call('run_command', { command: 'echo a b | tr a-z A-Z && echo "$0"' });
    expect(line.value.stdout).toBe('A B\nsh\n');
    expect((await call('run_command', { argv: ['echo', '$HOME|'] })).value.stdout).toBe('$HOME|\n');
    for (const wrong of [{}, { command: 'ls', argv: ['ls'] }]) {
      const { isError, text } = await call('run_command', wrong);
      expect([isError, text]).toEqual([true, expect.stringContaining('"ERR_USAGE"')]);
    }
    await leave();
  });

  it('gives the beginning and the end of much output, and how to get the rest', async () => {
    const { call, leave } = await startMcp(as);
    const argv = ['sh', '-c', 'seq 100000; seq 100000 >&2; echo "what went wrong" >&2'];
    const { value } = await call('run_command', { argv });
    expect(Buffer.byteLength(JSON.stringify(value))).toBeLessThan(16_384);
    expect(value.stdout).toMatch(
      /^1\n2\n[\s\S]*bytes left out. For more: max_output_bytes[\s\S]*\n100000\n$/,
    );
    expect(value.stderr).toMatch(/^1\n2\n[\s\S]*\nwhat went wrong\n$/);
    // One stream may have what the other one leaves, and more is there for the asking.
    const one = await call('run_command', { argv: ['seq', '2500'] });
    expect(one.value).toMatchObject({
      truncated: false,
      stdout: expect.stringMatching(/\n2500\n$/),
    });
    const more = { argv: ['seq', '10000'], max_output_bytes: 60_000 };
    expect((await call('run_command', more)).value).toMatchObject({ truncated: false });
    await leave();
  });
});

describe('a client that changes its mind', () => {
  it('is told of progress, and a call that it cancels is killed', async () => {
    const { client, call, leave } = await startMcp(as);
    const marker = uniqueMarker();
    const control = new AbortController();
    const seen: number[] = [];
    const argv = ['sh', '-c', `while :; do echo line; sleep 0.1; done; : ${marker}`];
    const running = client.callTool({ name: 'run_command', arguments: { argv } }, undefined, {
      signal: control.signal,
      onprogress: ({ progress }) => {
        seen.push(progress);
        if (seen.length === 2) control.abort();
      },
    });
    await expect(running).rejects.toThrow();
    expect(seen.length).toBe(2);
    expect(await eventually(() => processesWith(marker).length === 0)).toBe(true);
    expect((await call('run_command', { argv: ['echo', 'usable'] })).value.stdout).toBe('usable\n');
    await leave();
  });

  it.each(['SIGKILL', 'SIGTERM', 'end'] as const)(
    '%s: nothing is left but its changes',
    async (how) => {
      const { call, child, state } = await startMcp(as);
      const marker = uniqueMarker();
      await call('run_command', {
        argv: ['sh', '-c', `echo x > file; (sleep 1000; : ${marker}) > /dev/null 2>&1 &`],
      });
      call('run_command', { argv: ['sh', '-c', `sleep 1000; : ${marker}`] }).catch(() => {});
      expect(await eventually(() => processesWith(marker).length >= 2)).toBe(true);
      const closed = new Promise((resolve) => child.once('close', resolve));
      if (how === 'end') child.stdin?.end();
      else child.kill(how);
      await closed;
      expect(await eventually(() => processesWith(marker).length === 0)).toBe(true);
      expect(left(state)).toHaveLength(1);
    },
  );
});

it('a client that no longer takes answers ends the server, and its changes are saved', async () => {
  const { call, child, state } = await startMcp(as);
  await call('write_file', { path: 'file', content: 'x' });
  const closed = new Promise((resolve) => child.once('close', resolve));
  child.stdout?.destroy();
  // More than one of the answers cannot be written.
  for (let i = 0; i < 20; i++) call('list_files').catch(() => {});
  expect(await closed).toBe(0);
  expect(left(state)).toHaveLength(1);
});

describe('options', () => {
  it('are refused at the start if they are wrong', async () => {
    const cwd = makeProject(as);
    for (const [args, status] of [
      [['--nonesuch'], 2],
      [['--ask-timeout', '1s'], 2],
      [['ls'], 2],
      [['--ro', '/nonesuch'], 1],
    ] as const) {
      const { err, status: got } = await runWasbox(['mcp', ...args], { as, cwd });
      expect([args, got === 0]).toEqual([args, false]);
      expect(status === 2 ? got : status).toBe(status);
      expect(err).not.toContain('internal error');
    }
  });
});

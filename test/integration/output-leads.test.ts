/**
 * Tests what is said by the last output of a program whose own text names nothing: it passes through wasbox at a
 * terminal, where it is counted, in `wasbox exec`, in the library, in sessions and over MCP. The programs put their messages together, so that no part of them
 * has a whole name. Each kind has a control that is told nothing.
 */
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sessionPlace } from '../support/cli-session.js';
import { ordinaryUser } from '../support/identity.js';
import { runLibrary } from '../support/library-child.js';
import { startMcp } from '../support/mcp.js';
import { makeProject } from '../support/project.js';
import { addWheel, staticMirror } from '../support/registries.js';
import { onTerminal } from '../support/terminal.js';
import { runWasbox, wasboxArgv } from '../support/wasbox.js';

const as = ordinaryUser();
const env = { WB_GIT_TOKEN: 'secret of the user' };
const passed = 'was not passed. If the program may have it: --env WB_GIT_TOKEN';

/** A script that writes a text without having it. */
const writing = (text: string, end = 'exit 1', to = '>&2'): string =>
  `printf '%b' '${[...Buffer.from(text)].map((byte) => `\\0${byte.toString(8)}`).join('')}' ${to}\n${end}\n`;

/** The lines of wasbox about a script, at a terminal. */
async function said(script: string, words: readonly string[] = [], more = {}): Promise<string> {
  const cwd = makeProject(as, { 'a.sh': script });
  const argv = wasboxArgv(as, ['run', ...words, 'a.sh']);
  const { output, timedOut } = await onTerminal(argv, { as, cwd, env: { ...env, ...more } });
  expect(timedOut).toBe(false);
  return output
    .split('\n')
    .filter((line) => line.includes('wasbox:'))
    .join('\n');
}

describe('a variable that only the output at a terminal names', () => {
  test.each([
    ['on stderr', writing('WB_GIT_TOKEN is not set\n')],
    ['on stdout', writing('WB_GIT_TOKEN is not set\n', 'exit 1', '')],
    ['in colours', writing('\u001b[31mWB_GIT_TOKEN\u001b[0m is not set\n')],
    ['as a key', writing("KeyError: 'WB_GIT_TOKEN'\n")],
    ['without a line end', writing('no WB_GIT_TOKEN')],
    ['before ten thousand other bytes', writing('WB_GIT_TOKEN\n', 'seq 1 2000; exit 1')],
  ])('is named: %s', async (_, script) => {
    expect(await said(script)).toContain(passed);
  });

  test.each([
    ['it is part of another word', writing('WB_GIT_TOKENS is not set\n'), []],
    ['it is set nowhere', writing('WB_NO_TOKEN is not set\n'), []],
    ['it was passed', writing('WB_GIT_TOKEN is bad\n'), ['--env', 'WB_GIT_TOKEN']],
    ['the program succeeds', writing('WB_GIT_TOKEN is not set\n', 'exit 0'), []],
    ['it came long before the end', writing('WB_GIT_TOKEN\n', 'seq 1 9999; exit 1'), []],
    ['wasbox says nothing', writing('WB_GIT_TOKEN\n'), ['--quiet']],
  ])('is not named if %s', async (_, script, words) => {
    expect(await said(script, words)).not.toContain('was not passed');
  });

  test('is not named where the output goes past wasbox, which stays out of a pipe', async () => {
    const cwd = makeProject(as, { 'a.sh': writing('WB_GIT_TOKEN is not set\n') });
    const { err } = await runWasbox(['run', 'a.sh'], { as, cwd, env });
    expect(err).toContain('WB_GIT_TOKEN is not set\n');
    expect(err).not.toContain('was not passed');
  });

  test('is named without its value, and `wasbox why` names it, too', async () => {
    const cwd = makeProject(as, { 'a.sh': writing('WB_GIT_TOKEN is not set\n') });
    const { output } = await onTerminal(wasboxArgv(as, ['run', 'a.sh']), { as, cwd, env });
    expect(output).not.toContain(env.WB_GIT_TOKEN);
    const { out } = await runWasbox(['why'], { as, cwd });
    expect(out).toContain(passed);
  });
});

describe('a variable that only output names which is counted', () => {
  const counted = ['run', '--max-output', '1M'];
  const text = 'WB_GIT_TOKEN is not set\n';
  const inPipe = (script: string, words: readonly string[] = counted) =>
    runWasbox([...words, 'a.sh'], { as, cwd: makeProject(as, { 'a.sh': script }), env });

  test.each<[string, string, string[]?]>([
    ['on stderr', writing(text)],
    ['on stdout', writing(text, 'exit 1', '')],
    ['behind a word of the other stream', `printf word; sleep 0.2\n${writing(text)}`],
    ['before ten thousand other bytes', writing(text, 'seq 1 2000; exit 1')],
    ['up to the limit', writing(text, 'exit 1'), ['run', '--max-output', String(text.length)]],
  ])('is named: %s', async (_, script, words) => {
    const { status, err } = await inPipe(script, words);
    expect([status, err]).toEqual([1, expect.stringContaining(passed)]);
    expect(err).not.toContain(env.WB_GIT_TOKEN);
  });

  test('is named by a start that is repeated, and by `wasbox why`', async () => {
    const cwd = makeProject(as, { 'a.sh': writing(text) });
    for (const _ of ['first', 'repeated']) {
      const { err } = await runWasbox([...counted, 'a.sh'], { as, cwd, env });
      expect(err).toContain(passed);
    }
    expect((await runWasbox(['why'], { as, cwd })).out).toContain(passed);
  });

  test.each([
    ['it is not counted', writing(text), ['run']],
    ['the program succeeds', writing(text, 'exit 0'), counted],
    ['it was passed', writing(text), [...counted, '--env', 'WB_GIT_TOKEN']],
    ['it came long before the end', writing(text, 'seq 1 9999 >&2; exit 1'), counted],
    ['it is beyond the limit', writing(`12345678${text}`), ['run', '--max-output', '8']],
    ['wasbox says nothing', writing(text), [...counted, '--quiet']],
  ])('is not named if %s', async (_, script, words) => {
    expect((await inPipe(script, words)).err).not.toContain('was not passed');
  });

  test('is named where stderr is counted and stdout is a terminal', async () => {
    const cwd = makeProject(as, { 'a.sh': writing(text) });
    const line = `${wasboxArgv(as, [...counted, 'a.sh']).join(' ')} 2> err`;
    await onTerminal(['sh', '-c', line], { as, cwd, env });
    expect(readFileSync(join(cwd, 'err'), 'utf8')).toContain(passed);
  });
});

describe.each(['in a pipe', 'at a terminal'])('a command of wasbox exec %s', (where) => {
  const text = 'WB_GIT_TOKEN is not set\n';
  /** The lines of wasbox, of a command in a session. */
  async function saidBy(script: string, words: readonly string[] = []): Promise<string> {
    const { run, cwd, state } = sessionPlace(as);
    const started = await run(['session', 'start', '-q', '--name', 'dev']);
    expect(started.status, started.err).toBe(0);
    const argv = ['exec', ...words, 'dev', '--', 'sh', '-c', script];
    const output =
      where === 'in a pipe'
        ? (await run(argv, { env })).err
        : (
            await onTerminal(wasboxArgv(as, argv), {
              as,
              cwd,
              env: { ...env, XDG_STATE_HOME: state },
            })
          ).output;
    await run(['stop', 'dev']);
    expect(output).not.toContain(env.WB_GIT_TOKEN);
    return output
      .split('\n')
      .filter((line) => line.includes('wasbox:'))
      .join('\n');
  }

  test.each([
    ['on stderr', writing(text)],
    ['on stdout', writing(text, 'exit 1', '')],
    ['before ten thousand other bytes', writing(text, 'seq 1 2000; exit 1')],
  ])('is told of a variable that its output names: %s', async (_, script) => {
    expect(await saidBy(script)).toContain(passed);
  });

  test.each([
    ['it succeeds', writing(text, 'exit 0'), []],
    ['it has it', writing(text), ['--env', 'WB_GIT_TOKEN=x']],
    ['it named it long before the end', writing(text, 'seq 1 9999 >&2; exit 1'), []],
    ['a signal ends it', writing(text, 'kill -9 $$'), []],
    ['wasbox is quiet', writing(text), ['-q']],
  ])('is told of none if %s', async (_, script, words) => {
    expect(await saidBy(script, words)).not.toContain('was not passed');
  });

  test('is told of the session that it needs, where one that runs cannot have it', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    const lines = `ECONNREFUSED 127.0.0.1:${port}\nNo module named wbtold\n`;
    const said = await saidBy(writing(lines)).finally(() => server.close());
    expect(said).toContain(`it may reach it: wasbox session start --net localhost:${port}`);
    expect(said).toContain('To start one with it: wasbox session start --with wbtold');
  });
});

describe('a package that only the output at a terminal names', () => {
  let index: Awaited<ReturnType<typeof staticMirror>>;
  beforeAll(async () => {
    const served = makeProject(as);
    addWheel(served, { name: 'wbtold', code: 'text = "told"\n' });
    index = await staticMirror(served);
  });
  afterAll(() => index?.close());
  const starts = `python3 -c "$(printf 'from wb%s import text; print(text)' told)"\n`;

  test('is named with a line that, followed literally, helps', async () => {
    const cwd = makeProject(as, { 'a.sh': starts });
    const more = { PIP_INDEX_URL: `${index.url}/simple`, PIP_CONFIG_FILE: '/dev/null' };
    const argv = wasboxArgv(as, ['run', 'a.sh']);
    const { output } = await onTerminal(argv, { as, cwd, env: more });
    const line = 'wasbox run --with wbtold a.sh';
    expect(output).toContain(`wbtold is not installed for Python. To run with it: ${line}\r\n`);
    const again = await runWasbox(line.split(' ').slice(1), { as, cwd, env: more });
    expect(again).toMatchObject({ status: 0, out: 'told\n' });
  });

  test('is named for Node, which another program started, with the line that installs it', async () => {
    expect(
      await said(writing("Error: Cannot find package 'wb-told' imported from /x\n")),
    ).toContain(
      'wb-told is not installed for Node. To install it into this directory: wasbox run --for npm --apply -- npm install wb-told',
    );
  });

  test.each([
    'No module named json',
    'No module named $(touch ran)',
    "No module named '; touch ran'",
    'No module named --index-url=http://192.0.2.1',
    "Cannot find package '`touch ran`'",
    "Cannot find package '../x'",
    'No modules',
  ])('is not named by: %s', async (text) => {
    const script = `printf '%s\\n' ${JSON.stringify(text).replace(/[`$]/g, '\\$&').replace('module', 'mod""ule').replace('package', 'pack""age')} >&2; exit 1\n`;
    expect(await said(script)).not.toContain('is not installed');
  });
});

describe('a port of this machine that only the output at a terminal names', () => {
  let server: Server;
  let port = 0;
  beforeAll(async () => {
    server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    port = (server.address() as { port: number }).port;
  });
  afterAll(() => server.close());
  const refused = (number: number) => writing(`connect ECONNREFUSED 127.0.0.1:${number}\n`);

  test('is named where a server listens', async () => {
    expect(await said(refused(port))).toContain(
      `it names a server on port ${port} of this machine. If it may reach it: --net localhost:${port}`,
    );
  });

  test.each([
    ['none does', () => refused(1), []],
    ['the program is the server', () => writing(`Listening on 127.0.0.1:${port}\n`), []],
    ['the network is open already', () => refused(port), ['--net', 'host']],
  ] as const)('is not named where %s', async (_, script, words) => {
    expect(await said(script(), words)).not.toContain('of this machine');
  });
});

describe('a limit that only the output at a terminal names', () => {
  const opens = (count: number) =>
    `exec python3 -c "files = [open('/dev/null') for _ in range(${count})]"\n`;

  test('is named where a program ended before it was counted', async () => {
    expect(await said(opens(4200))).toContain(
      'a process may open no more than 4096 files. If it needed more: --open-files 8192',
    );
  });

  test('is named with the option that, given, helps', async () => {
    const cwd = makeProject(as, { 'a.sh': opens(4200) });
    const words = ['run', '--open-files', '8192', 'a.sh'];
    expect((await runWasbox(words, { as, cwd })).status).toBe(0);
  });

  test('is named once, where a low limit is named anyway', async () => {
    const lines = (await said(opens(40), ['--open-files', '16'])).match(/--open-files 32/g);
    expect(lines).toHaveLength(1);
  });

  test('is named with Landlock isolation, where no sample sees a shell that cannot fork', async () => {
    const forks = 'for i in 1 2 3 4 5 6; do sleep 0.3 & done; wait\n';
    const words = ['--isolation', 'landlock', '--pids', '4'];
    expect(await said(forks, words)).toContain('--pids 8');
  });

  test.each([
    ['the limit is not met', opens(100), []],
    ['there is none', opens(100), ['--open-files', 'none']],
    ['the program succeeds', 'echo Too many open files\n', []],
  ])('is not named if %s', async (_, script, words) => {
    expect(await said(script, words)).not.toContain('may open no more');
  });
});

test('hostile output steers no terminal through a lead, and suggests no command', async () => {
  const hostile = [
    "No module named 'a\u001b[31m'",
    "Cannot find package 'a\n; touch ran'",
    'localhost ('.repeat(300),
    'No module named '.repeat(300),
    'refused 127.0.0.1:99999 127.0.0.1:0',
    '\u001b]0;x\u0007WB_GIT_TOKEN\u001b[2J',
  ].join('\n');
  const cwd = makeProject(as, { 'text.txt': hostile, 'a.sh': 'cat text.txt; exit 1\n' });
  const { output } = await onTerminal(wasboxArgv(as, ['run', 'a.sh']), { as, cwd, env });
  const own = output.slice(output.lastIndexOf('\u001b[2J') + 4);
  expect(own).not.toMatch(/touch|99999|No module|\u001b\]/);
  // Control: what wasbox knows was found among all that.
  expect(own).toContain(passed);
});

describe('leads of the library', () => {
  const program = (body: string): string => `
    const failing = (text, status = 1) => ['sh', '-c',
      'printf %s%s "$1" "$2" >&2; exit ' + status, 'sh', text.slice(0, 4), text.slice(4)];
    const said = [];
    ${body}
    console.log(JSON.stringify(said));`;
  async function told(body: string): Promise<unknown[]> {
    const { status, out, err } = await runLibrary(program(body), { as, cwd: makeProject(as), env });
    expect(status, err).toBe(0);
    return JSON.parse(out) as unknown[];
  }
  const variable = expect.stringContaining('{ env: { WB_GIT_TOKEN: true } }');

  test('name a variable in results of run, of a session and of a pool, by properties', async () => {
    const found = await told(`
      const text = 'WB_GIT_TOKEN is not set';
      said.push((await lib.run(failing(text))).leads);
      said.push((await lib.run(failing(text), { maxOutputBytes: 0 })).leads);
      const session = await lib.createSession();
      said.push((await session.exec(failing(text))).leads);
      await session.close();
      const pool = await lib.createPool({ lang: 'sh', size: 1 });
      said.push((await pool.run('echo WB_GIT_""TOKEN; exit 1')).leads);
      await pool.close();
      said.push(JSON.parse(JSON.stringify(await lib.run(failing(text)))).leads);`);
    expect(found).toEqual(Array(5).fill([variable]));
  });

  test('are empty for a program that succeeds, that has it, and that names none', async () => {
    const found = await told(`
      const text = 'WB_GIT_TOKEN is not set';
      said.push((await lib.run(failing(text, 0))).leads);
      said.push((await lib.run(failing(text), { env: { WB_GIT_TOKEN: true } })).leads);
      said.push((await lib.run(failing('WB_NO_TOKEN'))).leads);
      const session = await lib.createSession();
      said.push((await session.exec(failing(text), { env: { WB_GIT_TOKEN: 'x' } })).leads);
      await session.close();`);
    expect(found).toEqual([[], [], [], []]);
  });

  test('name a package with the property that installs it, where that is for the program', async () => {
    const found = await told(`
      said.push((await lib.run({ lang: 'python', code: '__import__("wb" + "told")' })).leads);
      said.push((await lib.run({ lang: 'node', code: 'await import("wb-" + "told")' })).leads);
      said.push((await lib.run({ lang: 'python', code: '__import__("js" + "on"); exit(1)' })).leads);`);
    expect(found).toEqual([
      ["wbtold is not installed for Python. To run with it: { with: 'wbtold' }"],
      ["wb-told is not installed for Node. To run with it: { with: 'wb-told' }"],
      [],
    ]);
  });
});

test('an answer over MCP has leads where there are some', async () => {
  const { call, leave } = await startMcp(as, [], undefined, makeProject(as), env);
  const answer = async (command: string) => (await call('run_command', { command })).value;
  expect(await answer(writing('WB_GIT_TOKEN is not set\n'))).toMatchObject({
    leads: [expect.stringContaining(passed)],
  });
  expect(await answer(writing('WB_GIT_TOKEN is not set\n', 'exit 0'))).not.toHaveProperty('leads');
  await leave();
});

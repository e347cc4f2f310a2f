/**
 * Questions at a terminal (tmux): what a person sees and types there. The program inside can neither
 * see the question nor the answer, and cannot draw over it.
 */
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { eventually } from '../support/host.js';
import { identities } from '../support/identity.js';
import { makeProject, writeFiles } from '../support/project.js';
import { Screen } from '../support/tmux.js';
import { wasboxArgv } from '../support/wasbox.js';

const question = /wasbox: the program wants to/;

/** Opens the file, then reads a line; `argv[2]` says what else it does meanwhile. */
const program = `
import os, signal, sys, threading, time
path, how = sys.argv[1], sys.argv[2]
def draw():
    while True:
        os.write(1, b'\\x1b[2J\\x1b[HFORGED\\x1b]0;y\\x07\\x1b[21t\\x1b[6n')
        time.sleep(0.01)
if how == 'full':
    def drawn(*_): os.write(1, b'\\x1b[2J\\x1b[Hdrawn')
    signal.signal(signal.SIGWINCH, drawn)
    os.write(1, b'\\x1b[?1049h\\x1b[?1000h'); drawn()
if how == 'late': input('first: ')
if how == 'draw': threading.Thread(target=draw, daemon=True).start()
os.write(1, b'name? ')
try: text = open(path).read()
except OSError as error: text = error.strerror
if how == 'draw': os.write(1, b'\\x1b[2J\\x1b[H' + text.encode()); os._exit(0)
if how == 'full': sys.stdin.readline(); os.write(1, b'\\x1b[?1049l')
print('got', text.strip())
print('line', repr(sys.stdin.readline()))
`;

describe.each(identities())('a question at a terminal, as $label', (as) => {
  let screen: Screen | undefined;
  afterEach(async () => {
    await screen?.close();
  });

  const start = async (how: string, name = 'secret'): Promise<{ screen: Screen; path: string }> => {
    const cwd = makeProject(as, { 'p.py': program });
    const hidden = makeProject(as, {}, 'hidden');
    writeFiles(as, hidden, { [name]: 'secret!\n' });
    screen = new Screen(as, cwd);
    await screen.start();
    const path = join(hidden, name);
    const quoted = `$'${path.replaceAll('\u001b', '\\e')}'`;
    const argv = wasboxArgv(as, ['run', '--ask', '--discard', 'p.py']);
    await screen.enter(`${argv.join(' ')} ${quoted} ${how}; printf "\\nstatus %d\\n" $?`);
    return { screen, path };
  };

  const ask = async (how: string, name?: string) => {
    const started = await start(how, name);
    const seen = await started.screen.see(question);
    return { ...started, seen };
  };

  /** A key counts after silence; pressed until it is taken, as a person would who waits for what comes of it. */
  const press = async (at: Screen, key: string, until: RegExp): Promise<string> => {
    const end = Date.now() + 120_000;
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, 500));
      if (!question.test(await at.read())) return await at.see(until);
      await at.press(key);
      // A second key is the program's, if the first was taken and only the screen is late.
      await eventually(async () => !question.test(await at.read()), 10_000);
      if (Date.now() > end) throw new Error(`${key} is not taken`);
    }
  };

  test('y allows; the program comes back as it was, and does not see the key', async () => {
    const { screen, seen, path } = await ask('plain');
    expect(seen.replaceAll('\n', '')).toContain(`read ${path}`);
    expect(seen).toContain('y allow once');
    expect(seen).not.toContain('name?');
    await press(screen, 'y', /name\? got secret!/);
    await screen.enter('mine');
    expect(await screen.see(/status 0/)).toContain("line 'mine\\n'");
    await screen.enter('echo $((40+2))'); // the shell's terminal is as it was
    await screen.see(/^42$/m);
  });

  test('Enter behind the letter belongs to the answer, and is no input of the program', async () => {
    const { screen } = await ask('plain');
    const end = Date.now() + 120_000;
    while (question.test(await screen.read()) && Date.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 500));
      await screen.press('y');
      await screen.press('Enter');
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
    await screen.see(/name\? got secret!/);
    await screen.enter('mine');
    expect(await screen.see(/status 0/)).toContain("line 'mine\\n'");
  });

  test('n denies, and Ctrl-C stops the run', async () => {
    const { screen } = await ask('plain');
    await press(screen, 'n', /name\? got No such file or directory/);
    await screen.enter('');
    await screen.see(/status 0/);
    await screen.close();
    const again = await ask('plain');
    await press(again.screen, 'C-c', /status 137/);
    expect(await again.screen.read()).not.toContain('got');
  });

  test('a destination is asked about with the network off, and a name without a program', async () => {
    const dial = `
import socket
for place in ('name.invalid', '198.51.100.7'):
    try: socket.create_connection((place, 9))
    except OSError as error: print('got', place, error.strerror)
`;
    const cwd = makeProject(as, { 'n.py': dial });
    screen = new Screen(as, cwd);
    await screen.start();
    const argv = wasboxArgv(as, ['run', '--ask', '--discard', 'n.py']);
    await screen.enter(`${argv.join(' ')}; echo status $?`);
    const seen = await screen.see(/look up the name name\.invalid/);
    expect(seen).not.toContain('process');
    await press(screen, 'n', /got 198\.51\.100\.7 Network is unreachable/);
    await screen.see(/status 0/);
  });

  test('keys typed before a question do not count as an answer', async () => {
    const { screen } = await start('late');
    await screen.see(/first:/);
    await screen.press('a', 'Enter', 'y', 'y');
    await screen.see(question);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(await screen.read()).toMatch(question);
    await press(screen, 'n', /got No such file or directory/);
  });

  test('a program that draws all the time does not draw over it', async () => {
    const { screen } = await start('draw');
    await screen.see(question);
    for (let i = 0; i < 10; i++) {
      const seen = await screen.read();
      expect(seen).toMatch(question);
      expect(seen).not.toContain('FORGED');
    }
    await press(screen, 'n', /No such file or directory/);
    await screen.see(/status 0/);
  });

  test('a program that fills the screen draws it again', async () => {
    const { screen, seen } = await ask('full');
    expect(seen).not.toContain('drawn');
    await press(screen, 'y', /drawn/);
    await screen.enter('');
    await screen.see(/got secret!/);
    await screen.enter('');
    await screen.see(/status 0/);
  });

  test('control sequences in a name are shown, not obeyed', async () => {
    const { screen, seen } = await ask('plain', 'a\u001b[2Jb');
    expect(seen.replaceAll('\n', '')).toContain('a\\x1b[2Jb');
    await press(screen, 's', /status 137/);
  });
});

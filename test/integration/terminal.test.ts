/** wasbox at a terminal, as a person uses it: keys are typed and the screen is read, under tmux. */
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { eventually, isAlive, processesWith, uniqueMarker } from '../support/host.js';
import { identities } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { Screen } from '../support/tmux.js';
import { wasboxArgv } from '../support/wasbox.js';

const prompt = /\$$/;
const fullScreen = String.raw`
import os, signal, sys, tty
tty.setraw(0)
sys.stdout.write("\x1b[?1049h\x1b[?1000h\x1b[?1006h\x1b[?2004h\x1b[?25l\x1b[?1h\x1b=\x1b[31mFULL SCREEN")
sys.stdout.flush()
while os.read(0, 1) != b"k": pass
os.kill(os.getpid(), signal.SIGKILL)
`;
const asks = `
import sys
sys.stdout.write("asked" + sys.argv[1].encode().decode("unicode_escape"))
`;

describe.each(identities())('a terminal as $label', (as) => {
  let screen: Screen;
  let wasbox: string;
  beforeEach(async () => {
    const cwd = makeProject(as, {
      'full.py': fullScreen,
      'asks.py': asks,
      'lines.txt': Array.from({ length: 200 }, (_, i) => `line ${i + 1}\n`).join(''),
    });
    wasbox = `${wasboxArgv(as, ['run', '-q', '--discard']).join(' ')}`;
    screen = new Screen(as, cwd);
    await screen.start();
  });
  afterEach(() => screen.close());
  const run = (command: string) => screen.enter(`clear; ${wasbox} ${command}`);

  test('a terminal of its own, with its name, size and colours', async () => {
    await run(
      `-- sh -c 'tty; stty size; test -t 0 && test -t 1 && test -t 2 && echo all; [ -w /dev/tty ] && echo mine > /dev/tty'`,
    );
    const seen = await screen.see(/mine\n/);
    expect(seen).toMatch(/\/dev\/pts\/0\n24 80\nall\nmine\n/);
  });

  test('the python REPL, ^C in it, and ^D', async () => {
    await run('python3 -q');
    await screen.see(/>>>$/);
    await screen.enter('6*7');
    await screen.see(/42\n>>>$/);
    // ^C comes once the loop runs: while it reads what is typed, Python takes ^C for an end of the line.
    await screen.enter(String.raw`exec('print("lo" + "op")\nwhile True: pass')`);
    await screen.see(/^loop$/m);
    await screen.press('C-c');
    await screen.see(/KeyboardInterrupt\n>>>$/);
    await screen.press('C-d');
    await screen.see(prompt);
  });

  test('vim edits a file', async () => {
    await screen.enter(
      `clear; ${wasbox.replace(' --discard', '')} --apply -- vim -N -u NONE new.txt`,
    );
    await screen.see(/~\n~\n/);
    await screen.type('i');
    await screen.see(/INSERT/);
    await screen.type('hello from vim');
    await screen.see(/hello from vim\n/);
    await screen.press('Escape');
    await screen.see(/~$/);
    await screen.enter(':wq');
    await screen.see(prompt);
    await screen.enter('clear; cat new.txt');
    await screen.see(/hello from vim\n\$$/);
  });

  test('less pages, and sees the new size', async () => {
    await run('-- less lines.txt');
    await screen.see(/line 20\n/);
    await screen.press('Space');
    await screen.see(/line 40\n/);
    await screen.resize(60, 12);
    await screen.see(/^(.*\n){10,11}(:|.*line).*$/);
    await screen.press('q');
    await screen.see(prompt);
    expect(await screen.property('#{alternate_on}')).toBe('0');
  });

  test('top sees only the sandbox', async () => {
    await run('-- top -d 1');
    const seen = await screen.see(/PID.*wasbox-.* top/s);
    expect(seen).toContain('PID');
    expect(seen).not.toContain('tmux');
    await screen.press('q');
    await screen.see(prompt);
  });

  test('a size that changes', async () => {
    await run(`-- bash -c 'trap "stty size" WINCH; echo ready; while :; do sleep 0.1; done'`);
    await screen.see(/^ready$/m);
    await screen.resize(100, 30);
    await screen.see(/30 100/);
    await screen.press('C-c');
    await screen.see(prompt);
  });

  test('^C ends a loop, and the exit status says so', async () => {
    await run(`-- sh -c 'echo lo""op; while :; do :; done'`);
    await screen.see(/^loop$/m);
    await screen.press('C-c');
    await screen.see(prompt);
    await screen.enter('echo "status $?"');
    await screen.see(/status 130\n/);
  });

  test('^Z suspends wasbox and the program, fg goes on', async () => {
    const marker = uniqueMarker();
    await run(`-- sh -c 'echo ${marker}; read answer; echo "got $answer"'`);
    await screen.see(new RegExp(`^${marker}$`, 'm'));
    await screen.press('C-z');
    await screen.see(/Stopped/);
    await screen.enter('echo shell');
    await screen.see(/^shell\n/m);
    const inside = processesWith(marker);
    expect(inside.length).toBeGreaterThan(0);
    const stopped = (pid: number) =>
      /^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
    // wasbox itself, and the program: init alone goes on.
    expect(await eventually(() => inside.filter(stopped).length >= 2)).toBe(true);
    await screen.enter('fg');
    expect(await eventually(() => inside.filter(stopped).length === 0)).toBe(true);
    await screen.enter('back');
    await screen.see(/got back\n/);
    await screen.see(prompt);
    expect(await eventually(() => processesWith(marker).every((pid) => !isAlive(pid)))).toBe(true);
  });

  test('^Z lets a full-screen program put the screen right, and fg brings it back', async () => {
    await run('-- vim -N -u NONE lines.txt');
    await screen.see(/line 20\n/);
    await screen.press('C-z');
    await screen.see(/Stopped/);
    expect(await screen.property('#{alternate_on}')).toBe('0');
    await screen.enter('clear; echo she""ll');
    await screen.see(/^shell\n/m);
    await screen.enter('fg');
    await screen.see(/line 20\n/);
    await screen.enter(':q');
    await screen.see(prompt);
    expect(await screen.property('#{alternate_on}')).toBe('0');
  });

  test('^C again and again is a program of keys its own business', async () => {
    await screen.enter(`clear; ${wasbox.replace('run ', 'run --grace 100ms ')} python3 -q`);
    await screen.see(/>>>$/);
    for (let n = 1; n <= 4; n++) {
      await screen.press('C-c');
      await screen.see(new RegExp(`(KeyboardInterrupt\\s+>>>\\s*){${n}}$`));
    }
    await screen.enter('6*7');
    await screen.see(/42\n>>>$/);
    await screen.press('C-d');
    await screen.see(prompt);
  });

  test('a second ^C ends a program that takes no notice, after the grace', async () => {
    const deaf = `sh -c 'trap "" INT; echo de""af; while :; do sleep 0.1; done'`;
    await screen.enter(`clear; ${wasbox.replace('run ', 'run --grace 100ms ')} -- ${deaf}`);
    await screen.see(/^deaf$/m);
    await screen.press('C-c');
    await screen.see(/\^C$/);
    await screen.press('C-c');
    await screen.see(prompt);
    await screen.enter('echo "status $?"');
    await screen.see(/status 137\n/);
  });

  test('^S stops the output, ^Q goes on without a loss', async () => {
    await run(
      `-- sh -c 'i=0; while [ $i -lt 400 ]; do i=$((i+1)); echo "n $i"; sleep 0.005; done; echo do""ne'`,
    );
    await screen.see(/^n \d+$/m);
    await screen.press('C-s');
    let before = '';
    let now = await screen.read();
    while (now !== before) {
      await new Promise((resolve) => setTimeout(resolve, 300));
      [before, now] = [now, await screen.read()];
    }
    expect(now).not.toMatch(/^done$/m);
    await screen.press('C-q');
    const seen = await screen.see(/^done$/m);
    const numbers = [...seen.matchAll(/^n (\d+)$/gm)].map(([, n]) => Number(n));
    expect(numbers).toEqual(
      Array.from({ length: numbers.length }, (_, i) => (numbers[0] ?? 0) + i),
    );
    expect(numbers.at(-1)).toBe(400);
  });

  test('where the terminal is gone, so is the one inside', async () => {
    const marker = uniqueMarker();
    await run(`-- sh -c 'trap "" HUP; echo ${marker}; cat; sleep 0.1' ${marker}`);
    await screen.see(new RegExp(`^${marker}$`, 'm'));
    expect(processesWith(marker).length).toBeGreaterThan(1);
    await screen.close();
    // It ignores SIGHUP; what it reads is at its end.
    expect(await eventually(() => processesWith(marker).length === 0)).toBe(true);
  });

  test('stays sane for a shell in which a program is killed', async () => {
    await run('-- bash --norc -i');
    await screen.see(/bash-[\d.]+[$#]$/);
    await screen.enter('vim -N -u NONE lines.txt; stty sane; echo ba""ck');
    await screen.see(/line 20\n/);
    await screen.press('Escape');
    await screen.enter(':!kill -9 $PPID');
    await screen.see(/^back$/m);
    await screen.enter('kill -9 $$');
    await screen.see(prompt);
    await screen.enter('clear; echo "status $?"; stty -a');
    expect(await screen.see(/echoke/)).toMatch(/ icanon .* echo /s);
    expect(await screen.property('#{alternate_on} #{mouse_any_flag} #{cursor_flag}')).toBe('0 0 1');
  });

  test('a shell inside has its own job control', async () => {
    await run(`-- bash --norc -i`);
    await screen.see(/bash-[\d.]+[$#]$/);
    await screen.enter(`sh -c 'echo on; exec sleep 1000'`);
    await screen.see(/^on$/m);
    await screen.press('C-z');
    await screen.see(/Stopped +sh -c/);
    await screen.enter('jobs; bg; kill %1; wait; echo over');
    await screen.see(/^over\n/m);
    await screen.enter(`sh -c 'echo reads; exec cat'`);
    await screen.see(/^reads$/m);
    await screen.press('C-c');
    await screen.enter('exit 7');
    await screen.see(prompt);
    await screen.enter('echo "status $?"');
    await screen.see(/status 7\n/);
  });

  test('a full-screen program that is killed leaves a sane terminal', async () => {
    await run('full.py');
    await screen.see(/FULL SCREEN/);
    expect(await screen.property('#{alternate_on} #{mouse_any_flag} #{cursor_flag}')).toBe('1 1 0');
    await screen.type('k');
    await screen.see(prompt);
    expect(await screen.property('#{alternate_on} #{mouse_any_flag} #{cursor_flag}')).toBe('0 0 1');
    expect(await screen.property('#{keypad_cursor_flag} #{keypad_flag}')).toBe('0 0');
    await screen.enter('clear; echo "status $?"; stty -a');
    const seen = await screen.see(/echoke/);
    expect(seen).toMatch(/ icanon /);
    expect(seen).toMatch(/ echo /);
  });

  test("keeps the program's modes after its end without a terminal of its own: the control", async () => {
    await run('--tty never full.py');
    await screen.see(/FULL SCREEN/);
    await screen.type('k');
    await screen.see(/Killed|\$$/);
    expect(await screen.property('#{alternate_on} #{mouse_any_flag} #{cursor_flag}')).toBe('1 1 0');
  });

  test.each([String.raw`\x1b[c\x1b[6n`, String.raw`\x1b[18t`])(
    'late answers to %s are not typed into the shell',
    async (question) => {
      // Reads what the shell reads as typed, once the program has ended.
      const rest = (seconds: number) => `read -rs -t ${seconds} -n 4 left; echo "left=\${#left}"`;
      await run(`asks.py '${question}'; ${rest(2)}`);
      await screen.see(/left=0$/m);
      // The control: outside of wasbox something is left.
      await screen.enter(`clear; python3 asks.py '${question}'; ${rest(60)}`);
      await screen.see(/left=4$/m);
    },
  );

  test('gets no late answers typed into the shell where stdin is not one', async () => {
    const rest = (seconds: number) => `read -rs -t ${seconds} -n 4 left; echo "left=\${#left}"`;
    const question = String.raw`\x1b[c\x1b[6n`;
    await run(`asks.py '${question}' < /dev/null; ${rest(2)}`);
    await screen.see(/left=0$/m);
    await screen.enter(`clear; python3 asks.py '${question}' < /dev/null; ${rest(60)}`);
    await screen.see(/left=4$/m);
  });

  test('insert mode ends with the program', async () => {
    const write = String.raw`sh -c 'printf "\033[4h"'; printf 'abc\rX\n'`;
    await run(`-- ${write}`);
    await screen.see(/^Xbc$/m);
    // The control: outside of wasbox it stays.
    await screen.enter(`clear; ${write}`);
    await screen.see(/^Xabc$/m);
  });

  test('pipes stay pipes, unless --tty always', async () => {
    // Another word each time: the screen is looked at before it is cleared, too.
    const look = (word: string) =>
      `sh -c 'test -t 1 && echo terminal; stty size; echo pi""${word}' | cat`;
    await run(`-- ${look('ped')}`);
    expect(await screen.see(/piped\n/)).not.toMatch(/^terminal\n/m);
    await run(`--tty always -- ${look('pes')}`);
    expect(await screen.see(/pipes\n/)).toMatch(/^terminal\n24 80\npipes\n/m);
  });
});

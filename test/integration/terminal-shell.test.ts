/** wasbox among the jobs of a shell at a terminal: in the background, in loops, beside another, killed. */
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { eventually, processesWith, uniqueMarker } from '../support/host.js';
import { identities } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { Screen } from '../support/tmux.js';
import { wasboxArgv } from '../support/wasbox.js';

const prompt = /\$$/;
const fullScreen = String.raw`
import sys, time, tty
tty.setraw(0)
sys.stdout.write("\x1b[?1049h\x1b[?1000h\x1b[?1006h\x1b[?2004h\x1b[?25l\x1b[?1h\x1b=\x1b[31mFULL SCREEN")
sys.stdout.flush()
time.sleep(1000)
`;
/** The second starts when the first has made the terminal raw. */
const two = `
import subprocess, sys, termios, time
lines = lambda: termios.tcgetattr(0)[3] & termios.ICANON
first = subprocess.Popen([*sys.argv[1:], '--', 'sleep', '1000'])
while lines(): time.sleep(0.05)
look = 'stty -a | grep -q " icanon" && echo usual'
second = subprocess.Popen([*sys.argv[1:], '--', 'sh', '-c', look])
second.wait()
first.terminate()
first.wait()
print('lines' if lines() else 'raw', flush=True)
`;
const nameOf = (pid: number) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
/** Returns whether a process is in no pid namespace but this one. */
const isOutside = (pid: number) =>
  /^NSpid:\t\d+$/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));

describe.each(identities())('a job of a shell, as $label', (as) => {
  let screen: Screen;
  let wasbox: string;
  beforeEach(async () => {
    wasbox = `${wasboxArgv(as, ['run', '-q', '--discard']).join(' ')}`;
    const steps = `${wasbox} -- sh -c 'echo st""ep; exec sleep 1000'\necho ne""xt\n`;
    const cwd = makeProject(as, { 'full.py': fullScreen, 'steps.sh': steps, 'two.py': two });
    screen = new Screen(as, cwd);
    await screen.start();
  });
  afterEach(() => screen.close());

  const modes = '#{alternate_on} #{mouse_any_flag} #{cursor_flag}';
  const startFullScreen = async () => {
    const marker = uniqueMarker();
    // A shell that does not put a terminal right by itself.
    await screen.enter(`exec env PS1='> ' dash`);
    await screen.see(/>$/);
    await screen.enter(`${wasbox} full.py ${marker}`);
    await screen.see(/FULL SCREEN/);
    expect(await screen.property(modes)).toBe('1 1 0');
    const outside = processesWith(marker).filter(isOutside);
    const keeper = outside.find((pid) => nameOf(pid) === 'wasbox-keeper') ?? 0;
    const itself = outside.find((pid) => pid !== keeper) ?? 0;
    expect(keeper).toBeGreaterThan(0);
    expect(itself).toBeGreaterThan(0);
    return { marker, keeper, itself };
  };

  test('SIGKILL to wasbox itself leaves a sane terminal', async () => {
    const { marker, itself } = await startFullScreen();
    process.kill(itself, 'SIGKILL');
    await screen.become(modes, '0 0 1');
    await screen.enter('clear; stty -a');
    expect(await screen.see(/echoke/)).toMatch(/^opost .* icanon .* echo /ms);
    expect(await eventually(() => processesWith(marker).length === 0)).toBe(true);
  });

  test('does not go on without the keeper: the control', async () => {
    const { marker, keeper, itself } = await startFullScreen();
    process.kill(keeper, 'SIGKILL');
    process.kill(itself, 'SIGKILL');
    expect(await eventually(() => processesWith(marker).length === 0)).toBe(true);
    await screen.see(/Killed/);
    expect(await screen.property(modes)).toBe('1 1 0');
  });

  test('one that starts in the background has lines to read when it comes to the fastpath', async () => {
    const reads = `sh -c 'echo re""ady; read line; echo "<$line>"'`;
    await screen.enter(`clear; ${wasbox} -- ${reads} &`);
    await screen.see(/^(\$ )?ready$/m);
    await screen.enter('fg');
    await screen.see(/fg\n\S/);
    await screen.enter('typed');
    await screen.see(/^<typed>$/m);
    await screen.see(prompt);
    await screen.enter('clear; stty -a');
    expect(await screen.see(/echoke/)).toMatch(/ icanon .* echo /s);
  });

  test('two at once have usual modes each and leave the terminal as it was', async () => {
    await screen.enter(`clear; python3 two.py ${wasbox}`);
    await screen.see(/^usual$/m);
    await screen.see(/^lines$/m);
  });

  test('^C ends the loop that it is started in, and the script', async () => {
    const sleeps = `sh -c 'echo lo""op; exec sleep 1000'`;
    await screen.enter(`clear; for i in 1 2 3; do ${wasbox} -- ${sleeps}; done`);
    await screen.see(/^loop$/m);
    await screen.press('C-c');
    await screen.see(prompt);
    expect((await screen.read()).match(/^loop$/gm)).toHaveLength(1);
    await screen.enter('clear; sh steps.sh');
    await screen.see(/^step$/m);
    await screen.press('C-c');
    expect(await screen.see(prompt)).not.toMatch(/^next$/m);
    await screen.enter('echo "status $?"');
    await screen.see(/status 130\n/);
  });
});

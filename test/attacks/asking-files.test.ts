/**
 * Attacks on questions about files (33, 36): the program gets exactly what was shown, even if another process changes it
 * meanwhile, and no more of the host than that.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { places, program, told } from '../support/asking.js';
import { identities, stateOf } from '../support/identity.js';
import { makeProject, writeFiles } from '../support/project.js';

describe.each(identities())('files that are asked about, as $label', (as) => {
  test('a file that is not shown can be had, for once, for the run, or not', async () => {
    const { cwd, good } = places(as);
    const command = ['./asker', 'read', good, good];
    const [once, always, never] = await Promise.all(
      ['allow', 'allow-run', 'deny'].map((answer) =>
        told(as, cwd, program(command, `return '${answer}'`)),
      ),
    );
    const text = `read ${good}`;
    expect(once).toMatchObject({ stdout: 'good\ngood\n', asked: [text, text] });
    expect(always).toMatchObject({ stdout: 'good\ngood\n', asked: [text] });
    expect(never).toMatchObject({ stdout: 'errno 2\nerrno 2\n', asked: [text] });
    const stopped = await told(as, cwd, program(command, `return 'stop'`));
    expect(stopped).toMatchObject({ signal: 'SIGKILL', stdout: '', asked: [text] });
  });

  test('a thread that changes the path gets nothing but what was shown', async () => {
    const { cwd, good, bad } = places(as);
    const command = ['./asker', 'race', good, bad, '100'];
    const careful = `return question.path === ${JSON.stringify(good)} ? 'allow' : 'deny'`;
    const raced = await told(as, cwd, program(command, careful));
    expect(raced.stdout).toMatch(/^good [1-9]\d* bad 0\n$/);
    expect(raced.asked).toContain(`read ${bad}`);
    // The control: allowing both gives both away.
    const careless = await told(as, cwd, program(command, `return 'allow'`));
    expect(careless.stdout).toMatch(/bad [1-9]/);
  });

  test('a file that is exchanged on the host while it is asked about is not handed over', async () => {
    const { cwd, good, bad } = places(as);
    const command = ['./asker', 'read', good];
    const exchange = `
      fs.renameSync(${JSON.stringify(bad)}, ${JSON.stringify(good)});
      return 'allow';`;
    const run = await told(as, cwd, program(command, exchange));
    expect(run.stdout).toMatch(/^errno \d+\n$/);
    expect(fs.readFileSync(good, 'utf8')).toBe('bad\n');
  });

  test('a symbolic link is shown as what it leads to', async () => {
    const { cwd, hidden, good } = places(as);
    const shared = makeProject(as, {}, 'shared');
    const script = `ln -s ${good} ${shared}/innocent; cat ${shared}/innocent`;
    const options = { rw: [shared] };
    const run = await told(as, cwd, program(['sh', '-c', script], `return 'deny'`, options));
    expect(run.asked).toEqual([`read ${good}`]);
    expect(run.stdout).toBe('');
    // The path is hidden on the host, too: the directory is another's by name only.
    fs.symlinkSync(hidden, join(shared, 'link'));
    const command = ['./asker', 'read', join(shared, 'link', 'good')];
    const again = await told(as, cwd, program(command, `return 'allow'`, options));
    expect(again).toMatchObject({ asked: [`read ${good}`], stdout: 'good\n' });
  });

  test('a file that is lent to be read cannot be changed, nor what lies around it be reached', async () => {
    const { cwd, hidden, good } = places(as);
    const attempt = `
import os
def attempt(what):
    try: print(what())
    except OSError as error: print(error.strerror)
fd = os.open('${good}', os.O_RDONLY)
attempt(lambda: os.fchmod(fd, 0o777))
attempt(lambda: os.utime(fd, (0, 0)))
attempt(lambda: os.open(f'/proc/self/fd/{fd}', os.O_RDWR))
d = os.open('${hidden}', os.O_RDONLY)
attempt(lambda: sorted(os.listdir(d)))
attempt(lambda: os.fchmod(d, 0o777))
attempt(lambda: 'bad' in os.listdir(os.open('..', os.O_RDONLY | os.O_DIRECTORY, dir_fd=d)))
attempt(lambda: os.open('../../../../etc/shadow', os.O_RDONLY, dir_fd=d))
attempt(lambda: os.mkdir('new', dir_fd=d))
`;
    const before = fs.statSync(good);
    const run = await told(
      as,
      cwd,
      program(['-'], `return question.path.startsWith('${hidden}') ? 'allow' : 'deny'`, {
        args: [],
        lang: 'python',
        code: attempt,
      }),
    );
    const lines = run.stdout.split('\n');
    const closed = 'Read-only file system';
    expect(lines.slice(0, 2)).toEqual([closed, closed]);
    expect(lines[2]).toMatch(/Permission denied|No such file|Read-only/);
    expect(lines[3]).toBe("['bad', 'good']");
    expect(lines[4]).toBe(closed);
    expect(lines[5]).toMatch(/Permission denied|True/); // its own root again
    expect(lines[6]).toMatch(/Permission denied|No such file/);
    expect(lines[7]).toMatch(/Read-only|Permission denied/);
    const after = fs.statSync(good);
    expect([after.mode, after.mtimeMs]).toEqual([before.mode, before.mtimeMs]);
    expect(fs.readdirSync(hidden).sort()).toEqual(['bad', 'good']);
  });

  test('writing reaches the host where it was allowed, and set-id bits do not', async () => {
    const { cwd, good } = places(as);
    const script = `import os
fd = os.open('${good}', os.O_WRONLY)
os.write(fd, b'new!')
try: os.fchmod(fd, 0o4755)
except OSError as error: print(error.strerror)
`;
    const options = { lang: 'python', code: script };
    const run = await told(as, cwd, program([''], `return 'allow'`, options));
    expect(run.asked).toEqual([`write to ${good}`]);
    expect(fs.readFileSync(good, 'utf8')).toBe('new!\n');
    expect(fs.statSync(good).mode & 0o6000).toBe(0);
    expect(run.stdout).toBe('Operation not permitted\n');
  });

  test("does not ask about wasbox's own state or the kernel's files", async () => {
    const { cwd } = places(as);
    fs.mkdirSync(stateOf(as), { recursive: true });
    const state = join(stateOf(as), 'wasbox');
    writeFiles(as, state, { own: 'own\n' });
    const shared = `/dev/shm/wasbox-${process.pid}-${as.uid}`;
    fs.writeFileSync(shared, 'own\n', { mode: 0o644 });
    onTestFinished(() => fs.rmSync(shared));
    const paths = [
      ...[`${state}/own`, state, '/proc/1/environ', `/proc/${process.pid}/environ`],
      ...[shared, `/${shared}`, `/usr/..${shared}`],
    ];
    const run = await told(as, cwd, program(['./asker', 'read', ...paths], `return 'allow'`));
    expect(run.asked).toEqual([]);
    expect(run.stdout).not.toContain('own');
  });
});

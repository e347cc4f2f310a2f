/**
 * Set-id bits are refused with a file of the host that the program can write; on a directory the bit of the group gives
 * no rights, and is set. Needs: user namespaces, overlayfs in them, git, python3.
 */
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isolatedIdentities, ordinaryUser } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { runWasbox } from '../support/wasbox.js';

/** Runs code like `wasbox run … > out` of a shell: then stdout is a file of the host. */
async function toFile(as: ReturnType<typeof isolatedIdentities>[number], code: string) {
  const cwd = makeProject(as, { out: '' });
  const out = openSync(join(cwd, 'out'), 'w');
  try {
    const args = ['run', '-q', '--discard', '-c', code];
    const { status, err } = await runWasbox(args, { as, cwd, stdio: ['ignore', out, 'pipe'] });
    return { status, err, out: readFileSync(join(cwd, 'out'), 'utf8') };
  } finally {
    closeSync(out);
  }
}

describe.each(isolatedIdentities())('as $label with $isolation', (as) => {
  test('git init --shared works while output goes to a file', async () => {
    const code = 'git init -q --shared r && stat -c %a r/.git/hooks';
    expect(await toFile(as, code)).toEqual({ status: 0, err: '', out: '2775\n' });
  });

  test('a directory is given the bit by each call and spelling', async () => {
    const code = `
mkdir -p d/e; ln -s d link; cd d
chmod 2700 e; stat -c %a e; chmod 2711 ../link; stat -c %a ../d; chmod g-s "$PWD/e"; stat -c %a e
python3 -c 'import os; os.fchmod(os.open("e", os.O_RDONLY), 0o2750); print(oct(os.stat("e").st_mode))'`;
    expect(await toFile(as, code)).toEqual({
      ...{ status: 0, err: '' },
      out: '2700\n2711\n700\n0o42750\n',
    });
  });

  test('a file and the bit of the owner are refused', async () => {
    const code = `
mkdir d; touch f; ln -s f link; export LC_ALL=C
for one in '2755 f' '4755 f' '4755 d' '6755 d' '2755 link' '2755 /proc/self/fd/1' '2755 /usr'; do
  chmod $one 2>/dev/null && echo "set: $one"
done; stat -c %a f d`;
    const { out } = await toFile(as, code);
    expect(out).toMatch(/^\d{3}\n\d{3}\n$/);
  });

  test('a policy that refuses the bit is obeyed on directories, too', async () => {
    const policy = readFileSync('wasm-core/policies/default.policy', 'utf8').replace(
      'deny ptrace',
      'deny chmod fchmod fchmodat fchmodat2 where mode & S_ISGID\ndeny ptrace',
    );
    const cwd = makeProject(as, { out: '', policy });
    const out = openSync(join(cwd, 'out'), 'w');
    const code = 'mkdir d; chmod 711 d; chmod 2700 d || stat -c %a d';
    const args = ['run', '-q', '--discard', '--policy', 'policy', '-c', code];
    const { err } = await runWasbox(args, { as, cwd, stdio: ['ignore', out, 'pipe'] });
    closeSync(out);
    expect([readFileSync(join(cwd, 'out'), 'utf8'), err]).toEqual([
      '711\n',
      expect.stringContaining('Operation not permitted'),
    ]);
  });
});

test('a link that changes between a directory and a file never gives the file the bit', async () => {
  const as = { ...ordinaryUser(), isolation: 'namespaces' as const };
  const code = `python3 - <<'END'
import os, threading, time
os.mkdir("d"); open("f", "w").close(); os.symlink("d", "a"); os.symlink("f", "b")
end = time.monotonic() + 3
def swap():
    while time.monotonic() < end:
        os.rename("a", "c"); os.rename("b", "a"); os.rename("c", "b")
threading.Thread(target=swap).start()
given = 0
while time.monotonic() < end:
    try: os.chmod("a", 0o2755); given += 1
    except OSError: pass
    assert not os.stat("f").st_mode & 0o2000
print("some" if given else "none")
END`;
  expect(await toFile(as, code)).toEqual({ status: 0, err: '', out: 'some\n' });
});

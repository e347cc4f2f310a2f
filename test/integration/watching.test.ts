/**
 * inotify in the copy-on-write tree: what the run itself changes is seen, also of files that the host has. (coreutils'
 * tail -f polls there all the same: it counts overlayfs among the remote file systems.)
 */
import { expect, it } from 'vitest';
import { identities } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { runWasbox } from '../support/wasbox.js';

const watch = `import ctypes, os, select
libc = ctypes.CDLL(None); fd = libc.inotify_init1(0)
open("new", "w").close()
for name in "host.txt", "new": assert libc.inotify_add_watch(fd, name.encode(), 2) > 0  # IN_MODIFY
def seen(): return bool(select.select([fd], [], [], 0.5)[0]) and len(os.read(fd, 4096)) > 0
print("nothing yet", seen())
for name in "host.txt", "new":
    with open(name, "a") as f: f.write("x")
    print(name, seen())`;

it.each(identities())('as $label: inotify tells of changes that the run makes', async (as) => {
  const cwd = makeProject(as, { 'host.txt': 'host' });
  const run = await runWasbox(['run', '-q', '--discard', '--', 'python3', '-c', watch], {
    as,
    cwd,
  });
  expect(run.out).toBe('nothing yet False\nhost.txt True\nnew True\n');
});

it.each(identities())('as $label: tail -f follows, by polling', async (as) => {
  const cwd = makeProject(as, { log: 'one\n' });
  const code = 'timeout 5 tail -f log & sleep 0.5; echo two >> log; sleep 2.5; kill $!; wait';
  const run = await runWasbox(['run', '-q', '--discard', '-c', code], { as, cwd });
  expect(run.out).toBe('one\ntwo\n');
});

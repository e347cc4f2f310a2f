/**
 * Attack 54, the other way round: a run that keeps something which /proc does not show is not charged
 * for what other processes write meanwhile. test/attacks/bombs.test.ts has the same hiding places with
 * too much in them.
 */
import { rmSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { eventually, uniqueMarker } from '../support/host.js';
import { identities } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { ended, runProgram, startWasbox } from '../support/wasbox.js';

const libc = `import ctypes, mmap, os, socket, sys, time
libc = ctypes.CDLL(None)
def map_page(fd):
    libc.mmap(None, ctypes.c_size_t(4096), 1, 1, fd, ctypes.c_long(0))
    os.close(fd)
def memory_file():
    fd = os.memfd_create("m")
    os.write(fd, b"x" * 4096)
    return fd
def deleted_file():
    fd = os.open("f", os.O_CREAT | os.O_RDWR)
    os.write(fd, b"x" * 4096)
    os.unlink("f")
    return fd
def send(fd):
    global a, b
    a, b = socket.socketpair()
    socket.send_fds(a, [b"x"], [fd])
    os.close(fd)
`;

interface Place {
  readonly name: string;
  /** Python that puts a little there. */
  readonly hide: string;
}

const onDisk: readonly Place[] = [
  { name: 'a directory of mode 0', hide: 'os.mkdir("d", 0)' },
  {
    name: 'directories far down',
    hide: `for n in range(100):
    os.mkdir("d")
    os.chdir("d")`,
  },
  { name: 'a process that is closed to others', hide: 'libc.prctl(4, 0, 0, 0, 0)' },
  {
    name: 'a program that was deleted while it runs',
    hide: `import shutil, subprocess
shutil.copy("/bin/sleep", "s")
subprocess.Popen(["./s", "60"])
time.sleep(0.2)
os.unlink("s")`,
  },
  {
    name: 'an array that processes share',
    hide: 'import multiprocessing\nshared = multiprocessing.Array("i", 10)',
  },
  { name: 'a deleted file that is mapped', hide: 'map_page(deleted_file())' },
  { name: 'a deleted file in a message', hide: 'send(deleted_file())' },
];

const inMemory: readonly Place[] = [
  { name: 'a memory file', hide: 'kept = memory_file()' },
  { name: 'a memory file that is only mapped', hide: 'map_page(memory_file())' },
  { name: 'a memory file in a message', hide: 'send(memory_file())' },
  { name: 'shared memory without a name', hide: 'kept = mmap.mmap(-1, 4096)\nkept[0] = 1' },
  {
    name: 'a process that is closed to others',
    hide: 'libc.prctl(4, 0, 0, 0, 0)\nkept = memory_file()',
  },
];

/** Returns a program that hides something, and waits for a look or two afterwards. */
const program = ({ hide }: Place): string => `${libc}
sys.stdin.readline()
${hide}
print("hidden", flush=True)
sys.stdin.readline()
time.sleep(3)
print("alive", flush=True)
os._exit(0)
`;

describe.each(identities())('writes by others, as $label', (as) => {
  /**
   * Starts a run, and writes half before and half after it has hidden something: more than the limit in all, and less
   * than it at the moment of hiding, when it cannot be known whose it is (addon/supervisor/hidden.c).
   */
  const writeBeside = async (options: readonly string[], place: Place, directory: string) => {
    const child = startWasbox(
      ['run', '-q', '--discard', ...options, '--', 'python3', '-c', program(place)],
      { as, cwd: makeProject(as) },
    );
    let text = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    const files = [0, 1].map((n) => `${directory}/${uniqueMarker()}-${n}`);
    const write = (path = '') =>
      runProgram(['dd', 'if=/dev/zero', `of=${path}`, 'bs=1M', 'count=250', 'status=none'], { as });
    try {
      const first = write(files[0]);
      child.stdin?.write('\n');
      await first;
      expect(await eventually(() => text.includes('hidden') || child.exitCode !== null)).toBe(true);
      await write(files[1]);
      child.stdin?.write('\n');
      const { status } = await ended(child, { as });
      return { status, text };
    } finally {
      for (const path of files) rmSync(path, { force: true });
    }
  };

  test.concurrent.each(onDisk)('on the same disk: $name', async (place) => {
    const run = await writeBeside(['--disk', '400M'], place, as.scratch);
    expect(run).toEqual({ status: 0, text: 'hidden\nalive\n' });
  });

  test.concurrent.each(inMemory)('in memory: $name', async (place) => {
    const run = await writeBeside(['--memory', '400M'], place, '/dev/shm');
    expect(run).toEqual({ status: 0, text: 'hidden\nalive\n' });
  });
});

/**
 * Programs that take all of something, each bounded so that it ends by itself where nothing stops it:
 * that is the control, and what keeps the machine safe. Python, by `python3 -c CODE MARKER SECONDS`.
 */
export interface Bomb {
  readonly name: string;
  /** Options that stop it, and options under which it ends with 0. */
  readonly tight: readonly string[];
  readonly wide: readonly string[];
  readonly code: string;
  /** The words of the report about the tight run: the limit that ended it, or those it was held to. */
  readonly ends?: string;
  readonly reaches?: string;
}

/** `wait()`: until it is ended, or in the control, where its second argument says so, not at all. */
const start = `import os, sys, time, mmap
def wait(): time.sleep(float(sys.argv[2]))
`;

const memory = (take: string): string => `${start}
${take}
wait()
`;

export const bombs: readonly Bomb[] = [
  {
    name: 'memory of one process',
    tight: ['--memory', '64M'],
    wide: ['--memory', '1G'],
    code: memory('kept = [bytearray(b"x") * (1 << 20) for n in range(400)]'),
    ends: 'memory',
  },
  {
    name: 'memory of many processes, each below the limit',
    tight: ['--memory', '64M'],
    wide: ['--memory', '1G'],
    code: memory(`for n in range(8):
    if os.fork() == 0:
        kept = bytearray(b"x") * (40 << 20)
        wait()
        os._exit(0)`),
    ends: 'memory',
  },
  {
    name: 'shared memory without a name',
    tight: ['--memory', '64M'],
    wide: ['--memory', '1G'],
    code: memory(`kept = mmap.mmap(-1, 300 << 20)
for n in range(300): kept[n << 20:(n + 1) << 20] = b"x" * (1 << 20)`),
    ends: 'memory',
  },
  {
    name: 'memory files that are not mapped',
    tight: ['--memory', '64M'],
    wide: ['--memory', '1G'],
    code: memory(`kept = [os.memfd_create("m%d" % n) for n in range(300)]
for fd in kept: os.write(fd, b"x" * (1 << 20))`),
    ends: 'memory',
  },
  {
    name: 'memory files of a process whose descriptors cannot be seen',
    tight: ['--memory', '64M'],
    wide: ['--memory', '8G'],
    code: memory(`import ctypes
ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)
kept = [os.memfd_create("m%d" % n) for n in range(300)]
for fd in kept: os.write(fd, b"x" * (1 << 20))`),
    ends: 'memory',
  },
  {
    name: 'shared memory that is mapped, but let go of by each page table',
    tight: ['--memory', '64M'],
    wide: ['--memory', '8G'],
    code: memory(`kept = []
for n in range(30):
    kept.append(mmap.mmap(-1, 10 << 20))
    kept[n].write(b"x" * (10 << 20))
    kept[n].madvise(mmap.MADV_DONTNEED)`),
    ends: 'memory',
  },
  {
    name: 'memory files of which only a page is mapped',
    tight: ['--memory', '64M'],
    wide: ['--memory', '8G'],
    code: memory(`import ctypes
libc = ctypes.CDLL(None)
for n in range(30):
    fd = os.memfd_create("m%d" % n)
    os.write(fd, b"x" * (10 << 20))
    libc.mmap(None, ctypes.c_size_t(4096), 1, 1, fd, ctypes.c_long(0))
    os.close(fd)`),
    ends: 'memory',
  },
  {
    name: 'memory files that are in a message',
    tight: ['--memory', '64M'],
    wide: ['--memory', '8G'],
    code: memory(`import socket
a, b = socket.socketpair()
for n in range(30):
    fd = os.memfd_create("m%d" % n)
    os.write(fd, b"x" * (10 << 20))
    socket.send_fds(a, [b"x"], [fd])
    os.close(fd)`),
    ends: 'memory',
  },
  {
    name: 'memory of a process whose first thread has ended',
    tight: ['--memory', '64M'],
    wide: ['--memory', '1G'],
    code: `${start}
import ctypes, threading
def take():
    main.join(0.5)
    kept = bytearray(b"x") * (300 << 20)
    wait()
    os._exit(0)
main = threading.main_thread()
threading.Thread(target=take).start()
ctypes.CDLL(None).syscall({"x86_64": 60}.get(os.uname().machine, 93), 0)
`,
    ends: 'memory',
  },
  {
    name: 'memory files of a thread with descriptors of its own',
    tight: ['--memory', '64M'],
    wide: ['--memory', '8G'],
    code: `${start}
import ctypes, threading
def take():
    if ctypes.CDLL(None).unshare(0x400) != 0: os._exit(9)
    kept = [os.memfd_create("m%d" % n) for n in range(300)]
    for fd in kept: os.write(fd, b"x" * (1 << 20))
    wait()
    os._exit(0)
threading.Thread(target=take).start()
`,
    ends: 'memory',
  },
  {
    name: 'System V shared memory that is not attached',
    tight: ['--memory', '64M'],
    wide: ['--memory', '1G'],
    code: memory(`import ctypes
libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p
for n in range(20):
    i = libc.shmget(0, 10 << 20, 0o1600)
    if i < 0: sys.exit("shmget: errno %d" % ctypes.get_errno())
    at = libc.shmat(i, None, 0)
    ctypes.memset(at, 1, 10 << 20)
    libc.shmdt(ctypes.c_void_p(at))`),
    ends: 'memory',
  },
  {
    name: 'semaphores',
    tight: ['--memory', '64M'],
    wide: ['--memory', '4G'],
    code: memory(`import ctypes
libc = ctypes.CDLL(None, use_errno=True)
for n in range(150):
    if libc.semget(0, 32000, 0o1600) < 0: sys.exit("semget: errno %d" % ctypes.get_errno())`),
    ends: 'memory',
  },
  {
    name: 'message queues',
    tight: ['--memory', '64M'],
    wide: ['--memory', '4G'],
    code: memory(`import ctypes
libc = ctypes.CDLL(None, use_errno=True)
message = ctypes.create_string_buffer(b"\\1" * 8200)
for n in range(16000):
    q = libc.msgget(0, 0o1600)
    if q < 0: sys.exit("msgget: errno %d" % ctypes.get_errno())
    for n in range(2): libc.msgsnd(q, message, ctypes.c_size_t(8000), 0o4000)`),
    ends: 'memory',
  },
  {
    name: 'page tables',
    tight: ['--memory', '64M'],
    wide: ['--memory', '4G'],
    code: memory(`flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000
kept = mmap.mmap(-1, 150 << 30, flags=flags, prot=mmap.PROT_READ)
for at in range(0, 150 << 30, 2 << 20): kept[at]`),
    ends: 'memory',
  },
  {
    name: 'processor time',
    tight: ['--cpu', '200ms'],
    wide: ['--cpu', '1m'],
    code: `${start}
for n in range(2):
    if os.fork() == 0: break
while time.process_time() < 0.4 + float(sys.argv[2]) / 10: pass
`,
    ends: 'cpu',
  },
  {
    name: 'processor time of processes that are not waited for',
    tight: ['--cpu', '500ms'],
    wide: ['--cpu', '1m'],
    code: `${start}
import signal
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for n in range(400):
    if os.fork() == 0:
        while time.process_time() < 0.004: pass
        os._exit(0)
    try: os.wait()
    except ChildProcessError: pass
`,
    ends: 'cpu',
  },
  {
    name: 'a disk',
    tight: ['--disk', '20M'],
    wide: ['--disk', '1G'],
    code: `${start}
for n in range(12):
    with open("f%d" % n, "wb") as f: f.write(os.urandom(10 << 20))
wait()
`,
    ends: 'disk',
  },
  {
    name: 'a disk, in files that are deleted but open',
    tight: ['--disk', '20M'],
    wide: ['--disk', '1G'],
    code: `${start}
kept = []
for n in range(12):
    f = open("f%d" % n, "wb", buffering=0)
    os.unlink("f%d" % n)
    f.write(os.urandom(10 << 20))
    kept.append(f)
wait()
`,
    ends: 'disk',
  },
  {
    name: 'a disk, in deleted files of which only a page is mapped',
    tight: ['--disk', '20M'],
    wide: ['--disk', '8G'],
    code: `${start}
import ctypes
libc = ctypes.CDLL(None)
for n in range(12):
    fd = os.open("f%d" % n, os.O_CREAT | os.O_RDWR)
    os.write(fd, os.urandom(10 << 20))
    libc.mmap(None, ctypes.c_size_t(4096), 1, 1, fd, ctypes.c_long(0))
    os.unlink("f%d" % n)
    os.close(fd)
wait()
`,
    ends: 'disk',
  },
  {
    name: 'a disk, in deleted files that are in a message',
    tight: ['--disk', '20M'],
    wide: ['--disk', '8G'],
    code: `${start}
import socket
a, b = socket.socketpair()
for n in range(12):
    fd = os.open("f%d" % n, os.O_CREAT | os.O_RDWR)
    os.write(fd, os.urandom(10 << 20))
    os.unlink("f%d" % n)
    socket.send_fds(a, [b"x"], [fd])
    os.close(fd)
wait()
`,
    ends: 'disk',
  },
  {
    name: 'a disk, by a process whose descriptors cannot be seen',
    tight: ['--disk', '20M'],
    wide: ['--disk', '8G'],
    code: `${start}
import ctypes
ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)
kept = []
for n in range(12):
    kept.append(os.open("f%d" % n, os.O_CREAT | os.O_RDWR))
    os.unlink("f%d" % n)
    os.write(kept[n], os.urandom(10 << 20))
wait()
`,
    ends: 'disk',
  },
  {
    name: 'a disk, in a directory that cannot be read',
    tight: ['--disk', '20M'],
    wide: ['--disk', '8G'],
    code: `${start}
os.mkdir("d")
os.chdir("d")
kept = [open("f%d" % n, "wb", buffering=0) for n in range(12)]
os.chmod(".", 0)
for f in kept: f.write(os.urandom(10 << 20))
wait()
`,
    ends: 'disk',
  },
  {
    name: 'one large file',
    tight: ['--file-size', '20M'],
    wide: ['--file-size', '1G'],
    code: `${start}
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
with open("f", "wb") as f:
    for n in range(60): f.write(os.urandom(1 << 20))
`,
    ends: 'file-size',
  },
  {
    name: 'inodes',
    tight: ['--inodes', '500'],
    wide: ['--inodes', '100000'],
    code: `${start}
for n in range(1000): os.close(os.open("n%d" % n, os.O_CREAT | os.O_WRONLY))
wait()
`,
    ends: 'inodes',
  },
  {
    name: 'deep directories',
    tight: ['--inodes', '500'],
    wide: ['--inodes', '1000000'],
    code: `${start}
for n in range(1000):
    os.mkdir("d")
    os.chdir("d")
wait()
`,
    ends: 'inodes',
  },
  {
    name: 'files in memory',
    tight: ['--disk', '20M'],
    wide: ['--disk', '1G'],
    code: `${start}
try:
    for n in range(12):
        with open("/tmp/f%d" % n, "wb") as f: f.write(b"x" * (10 << 20))
except OSError: wait(); sys.exit(3)
`,
    reaches: 'disk',
  },
  {
    name: 'inodes in memory',
    tight: ['--inodes', '500'],
    wide: ['--inodes', '100000'],
    code: `${start}
try:
    for n in range(1000): os.close(os.open("/tmp/n%d" % n, os.O_CREAT | os.O_WRONLY))
except OSError: wait(); sys.exit(3)
`,
    reaches: 'inodes',
  },
  {
    name: 'a flood of output',
    tight: ['--max-output', '1M'],
    wide: ['--max-output', '100M'],
    code: `${start}
for n in range(30000): print("y" * 99)
`,
    ends: 'output',
  },
  {
    name: 'a line without an end',
    tight: ['--max-output', '1M'],
    wide: ['--max-output', '100M'],
    code: `${start}
for n in range(300): os.write(1, b"x" * 10000)
`,
    ends: 'output',
  },
  {
    name: 'processes',
    tight: ['--pids', '40'],
    wide: ['--pids', '400'],
    code: `${start}
failed = 0
for n in range(100):
    try:
        if os.fork() == 0: wait(); os._exit(0)
    except OSError: failed = 3; break
wait()
sys.exit(failed)
`,
    reaches: 'pids',
  },
  {
    name: 'threads',
    tight: ['--pids', '40'],
    wide: ['--pids', '400'],
    code: `${start}
import threading
failed = 0
for n in range(100):
    try: threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
    except RuntimeError: failed = 3; break
wait()
sys.stdout.flush()
os._exit(failed)
`,
    reaches: 'pids',
  },
  {
    name: 'descriptors',
    tight: ['--open-files', '100'],
    wide: ['--open-files', '1000'],
    code: `${start}
failed, kept = 0, []
for n in range(500):
    try: kept.append(os.open("/dev/null", os.O_RDONLY))
    except OSError: failed = 3; break
wait()
sys.exit(failed)
`,
    reaches: 'open-files',
  },
];

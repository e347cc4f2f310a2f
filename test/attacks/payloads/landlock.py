"""What Landlock leaves open or closes, tried on one victim of the host each: prints the attempts that succeeded.
   landlock.py DIRECTORY TCP-PORT UDP-PORT PID SHM-ID"""
import array, ctypes, os, resource, signal, socket, struct, sys

where, tcp, udp, pid, shm = sys.argv[1], *map(int, sys.argv[2:6])
libc = ctypes.CDLL(None, use_errno=True)
victim = os.path.join(where, 'victim')


def attempt(name, act):
    try:
        if act() is not False:
            print(name, flush=True)
    except (OSError, ValueError):
        pass


def call(result):
    if result < 0:
        raise OSError(ctypes.get_errno())


def finds_none(act):
    try:
        act()
    except ProcessLookupError:
        pass


def on_descriptor(act):
    descriptor = os.open(victim, os.O_RDONLY)
    try:
        act(descriptor)
    finally:
        os.close(descriptor)


def path_descriptor(act):
    descriptor = os.open(victim, os.O_PATH)
    try:
        act(f'/proc/self/fd/{descriptor}')
    finally:
        os.close(descriptor)


def send(kind, address, family=socket.AF_INET):
    with socket.socket(family, kind) as one:
        one.settimeout(1)
        one.connect(address)
        one.send(b'x')


attempt('read', lambda: open(victim).read())
attempt('write', lambda: open(victim, 'a').write('x'))
attempt('truncate', lambda: os.truncate(victim, 0))
attempt('create', lambda: open(os.path.join(where, 'created'), 'w'))
attempt('rename', lambda: os.rename(os.path.join(where, 'moved'), os.path.join(where, 'moved-away')))
attempt('take', lambda: os.rename(os.path.join(where, 'taken'), 'taken'))
attempt('link', lambda: os.link(victim, os.path.join(where, 'linked')))
attempt('link-here', lambda: os.link(victim, 'linked-here'))
attempt('unlink', lambda: os.unlink(os.path.join(where, 'unlinked')))
attempt('list', lambda: os.listdir(where))
attempt('chmod', lambda: os.chmod(victim, 0o777))
attempt('fchmodat', lambda: os.chmod('victim', 0o777, dir_fd=os.open(where, os.O_PATH)))
attempt('chmod-descriptor', lambda: on_descriptor(lambda fd: os.fchmod(fd, 0o777)))
attempt('chmod-path-descriptor', lambda: path_descriptor(lambda path: os.chmod(path, 0o777)))
attempt('chown', lambda: os.chown(victim, os.getuid(), os.getgid()))
attempt('utime', lambda: os.utime(victim, (1, 1)))
attempt('utime-descriptor', lambda: on_descriptor(lambda fd: os.utime(fd, (1, 1))))
attempt('setxattr', lambda: os.setxattr(victim, 'user.wasbox', b'x'))
attempt('getxattr', lambda: os.getxattr(victim, 'user.secret'))
attempt('watch', lambda: call(libc.inotify_add_watch(libc.inotify_init(), where.encode(), 0x300)))
attempt('unix-socket', lambda: send(socket.SOCK_STREAM, os.path.join(where, 'socket'), socket.AF_UNIX))
for name, kind in (('datagram-pair', socket.SOCK_DGRAM), ('raw-pair', socket.SOCK_RAW)):
    attempt(name, lambda: socket.socketpair(socket.AF_UNIX, kind)[0].sendto(name.encode(), os.path.join(where, 'datagrams')))
attempt('pair-connect', lambda: socket.socketpair()[0].connect(os.path.join(where, 'socket')))
attempt('packet-pair', lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)[0].sendto(b'packet-pair', os.path.join(where, 'datagrams')) and False)
attempt('tcp', lambda: send(socket.SOCK_STREAM, ('127.0.0.1', tcp)))
attempt('udp', lambda: send(socket.SOCK_DGRAM, ('127.0.0.1', udp)))
attempt('signal', lambda: os.kill(pid, signal.SIGCONT))
attempt('priority', lambda: os.setpriority(os.PRIO_PROCESS, pid, 5))
# This user has no processes: for one with some, the control would change them all.
attempt('user-priority', lambda: finds_none(lambda: os.setpriority(os.PRIO_USER, 1999999999, 1)))
attempt('affinity', lambda: os.sched_setaffinity(pid, os.sched_getaffinity(pid)))
attempt('scheduler', lambda: os.sched_setscheduler(pid, os.SCHED_BATCH, os.sched_param(0)))
attempt('limit', lambda: resource.prlimit(pid, resource.RLIMIT_CORE, (0, 0)))
attempt('environ', lambda: open(f'/proc/{pid}/environ').read())
attempt('memory', lambda: open(f'/proc/{pid}/mem', 'rb').close())
attempt('descriptors', lambda: os.readlink(f'/proc/{pid}/fd/0'))
attempt('oom', lambda: open(f'/proc/{pid}/oom_score_adj', 'w').write('1'))
libc.shmat.restype = ctypes.c_long
attempt('shared-memory', lambda: call(libc.shmat(shm, None, 0)))
attempt('cwd', lambda: os.listdir(f'/proc/{pid}/cwd'))

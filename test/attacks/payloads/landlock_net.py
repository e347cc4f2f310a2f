"""Sockets of every kind, tried on servers of the host: prints the attempts that succeeded.
   landlock_net.py GIVEN-PORT OTHER-PORT UDP-PORT UNIX-PATH FREE-PORT"""
import ctypes, os, socket, sys

given, other, udp, free = (int(sys.argv[i]) for i in (1, 2, 3, 5))
path = sys.argv[4]
libc = ctypes.CDLL(None, use_errno=True)
here = '127.0.0.1'


def attempt(name, act):
    try:
        act()
        print(name, flush=True)
    except OSError:
        pass


def dial(address, family=socket.AF_INET):
    with socket.socket(family, socket.SOCK_STREAM) as one:
        one.settimeout(5)
        one.connect(address)
        one.recv(1)


def serve(address, family=socket.AF_INET):
    with socket.socket(family, socket.SOCK_STREAM) as one:
        one.bind(address)
        one.listen(1)


def listen_unbound():
    with socket.socket() as one:
        one.listen(1)


def fast_open(flags):
    with socket.socket() as one:
        one.sendto(b'x', flags, (here, other))


def messages(kind, flags=0):
    with socket.socket(socket.AF_INET, kind) as one:
        one.sendmsg([b'x'], [], flags, (here, udp if kind == socket.SOCK_DGRAM else other))


def call(number, *args):
    if libc.syscall(number, *args) < 0:
        raise OSError(ctypes.get_errno(), 'syscall')


attempt('given', lambda: dial((here, given)))
attempt('other', lambda: dial((here, other)))
attempt('mapped', lambda: dial((f'::ffff:{here}', other), socket.AF_INET6))
attempt('unix', lambda: dial(path, socket.AF_UNIX))
for name in ('\0' + path, ('\0' + path).ljust(108, '\0')):  # Node fills them up
    attempt('abstract', lambda: dial(name, socket.AF_UNIX))
attempt('udp', lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', (here, udp)))
attempt('udp-message', lambda: messages(socket.SOCK_DGRAM))
attempt('udp-connect', lambda: socket.socket(type=socket.SOCK_DGRAM).connect((here, udp)))
attempt('fast-open', lambda: fast_open(0x20000000))
attempt('fast-open-message', lambda: messages(socket.SOCK_STREAM, 0x20000000))
for name, arguments in (
    ('raw', (socket.AF_INET, socket.SOCK_RAW, 1)),
    ('raw6', (socket.AF_INET6, socket.SOCK_RAW, 58)),
    ('ping', (socket.AF_INET, socket.SOCK_DGRAM, 1)),
    ('packet', (socket.AF_PACKET, socket.SOCK_RAW, 0)),
    ('netlink', (socket.AF_NETLINK, socket.SOCK_RAW, 0)),
    ('multipath', (socket.AF_INET, socket.SOCK_STREAM, 262)),
    ('sctp', (socket.AF_INET, socket.SOCK_STREAM, 132)),
    ('vsock', (40, socket.SOCK_STREAM, 0)),
    ('alg', (38, socket.SOCK_SEQPACKET, 0)),
):
    attempt(name, lambda: socket.socket(*arguments).close())
attempt('io-uring', lambda: call(425, 4, (ctypes.c_char * 120)()))
attempt('serve', lambda: serve((here, free)))
attempt('serve-any', lambda: serve(('0.0.0.0', free)))
attempt('serve-port', lambda: serve((here, 0)))
attempt('listen-any-port', lambda: serve(('', 0)))
attempt('listen-unbound', listen_unbound)
attempt('unix-serve', lambda: serve(os.path.join(os.environ.get('TMPDIR', '/tmp'), f'served{os.getpid()}'), socket.AF_UNIX))

"""Payload: tries to reach sockets and shared memory; says which answered.

connect.py unix:PATH | abstract:NAME | tcp:PORT | shm:KEY | file:PATH ...
"""
import ctypes, socket, sys


def attempt(kind, where):
    if kind in ('unix', 'abstract'):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(20)
        s.connect(where if kind == 'unix' else '\0' + where)
        s.sendall(b'x')
    elif kind == 'tcp':
        s = socket.create_connection(('127.0.0.1', int(where)), 20)
        s.sendall(b'x')
    elif kind == 'shm':
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.shmget(int(where), 0, 0) < 0:
            raise OSError(ctypes.get_errno(), 'shmget')
    else:
        open(where).close()


for argument in sys.argv[1:]:
    kind, _, where = argument.partition(':')
    try:
        attempt(kind, where)
        print(argument, 'reached', flush=True)
    except OSError as error:
        print(argument, 'errno', error.errno, flush=True)

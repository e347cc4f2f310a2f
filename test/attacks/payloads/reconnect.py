"""Connects the socket that is stdin to a port of the host, or sends there."""
import os
import socket
import sys

one = socket.socket(fileno=os.dup(0))
kind, where = sys.argv[1], sys.argv[2]
target = where if kind.startswith('unix') else ('127.0.0.1', int(where))
try:
    if kind.endswith('datagram'):
        one.sendto(b'x', target)
    else:
        if kind == 'tcp-connected':
            # AF_UNSPEC dissolves the connection; Python has no call for it.
            import ctypes
            libc = ctypes.CDLL(None, use_errno=True)
            libc.connect(one.fileno(), b'\0' * 16, 16)
        one.connect(target)
except OSError as error:
    print(error)

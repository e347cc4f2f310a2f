"""Connections to ADDRESS PORT: how long one takes, how many at once, how many in a row.

  connections.py latency N    median and 90th percentile of connect, in microseconds, as JSON
  connections.py at-once N    how many of N are established together, each having carried a byte
  connections.py in-a-row N   makes and closes N, then says so and waits for the end of stdin
"""
import json
import select
import socket
import statistics
import sys
import time

address, port, what, number = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])


def one():
    connection = socket.socket()
    start = time.perf_counter()
    connection.connect((address, port))
    taken = time.perf_counter() - start
    connection.close()
    return taken * 1e6


if what == 'latency':
    for _ in range(50):
        one()
    taken = sorted(one() for _ in range(number))
    print(json.dumps({'median': statistics.median(taken), 'p90': taken[int(number * 0.9)]}))
elif what == 'at-once':
    poll = select.epoll()
    waiting = {}
    for _ in range(number):
        connection = socket.socket()
        connection.setblocking(False)
        if connection.connect_ex((address, port)) not in (0, 115):
            continue
        waiting[connection.fileno()] = connection
        poll.register(connection, select.EPOLLOUT)
    established = []
    end = time.monotonic() + 60
    while waiting and time.monotonic() < end:
        for fd, _ in poll.poll(1):
            poll.unregister(fd)
            connection = waiting.pop(fd)
            if connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
                established.append(connection)
    echoed = 0
    for connection in established:
        connection.setblocking(True)
        connection.settimeout(20)
        connection.sendall(b'x')
        echoed += connection.recv(1) == b'x'
    print(json.dumps({'established': len(established), 'echoed': echoed}))
else:
    # How it stands after the first is what the end is held against.
    one()
    print('ready', flush=True)
    sys.stdin.readline()
    for _ in range(number):
        one()
    print('done', flush=True)
    sys.stdin.read()

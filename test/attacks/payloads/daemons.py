"""What outlives its parent: a child, one in a session of its own, one in a process group of its own, and one
   whose parent is gone, each deaf to what can be ignored. With a second argument, from a line of input on as many
   more as there may be, all the time. Prints `ready`, and `full` where there may be no more. daemons.py MARKER [bomb]"""
import os, signal, sys, time

for deaf in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
    signal.signal(deaf, signal.SIG_IGN)


def fork():
    while True:
        try:
            return os.fork()
        except OSError:  # the others have all that there may be
            time.sleep(0.01)


def orphan():
    os.setsid()
    if fork():
        os._exit(0)


def explode():
    told = False
    while True:
        try:
            if os.fork() == 0:
                os.setsid()
        except OSError:
            if not told:
                print('full', flush=True)
            told = True


if len(sys.argv) > 2:
    sys.stdin.readline()
for act in (lambda: None, os.setsid, os.setpgrp, orphan):
    if fork() == 0:
        act()
        if len(sys.argv) > 2:
            explode()
        time.sleep(1000)
        os._exit(0)
time.sleep(0.2)
print('ready', flush=True)
time.sleep(1000)

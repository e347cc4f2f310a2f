"""Makes the attempts of probes.mjs, one line of JSON each: what the attempt had to say. Judges nothing.

    python3 probe.py JSON      paths, addresses and ids of what to try; no secret
"""
import ctypes
import errno
import fcntl
import json
import os
import signal
import socket
import sys
import time

given = json.loads(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWNET = 0x10000000, 0x00020000, 0x40000000
# The errors of a filter or a missing right; anything else comes from the call itself.
REFUSALS = (errno.EPERM, errno.EACCES, errno.ENOSYS)


def read(path):
    with open(path) as file:
        return file.read(400)


def append(path):
    with open(path, "a") as file:
        file.write("changed\n")
    return "written"


def call(number, *arguments):
    """Whether a call gets to where it is carried out: its arguments are wrong on purpose."""
    ctypes.set_errno(0)
    libc.syscall(number, *arguments)
    code = ctypes.get_errno()
    return f"refused: {errno.errorcode[code]}" if code in REFUSALS else "reached"


def in_child(action):
    """In a process of its own, because it changes what the process is."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            said = action()
        except OSError as error:
            said = f"refused: {error.strerror}"
        os.write(writer, said.encode())
        os._exit(0)
    os.close(writer)
    said = os.read(reader, 400).decode()
    os.close(reader)
    status = os.waitpid(child, 0)[1]
    return said or f"refused: killed by signal {os.WTERMSIG(status)}"


def unshare(flags):
    if libc.unshare(flags) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def userns(flags=0, then=lambda: "reached"):
    def action():
        unshare(CLONE_NEWUSER | flags)
        return then()

    return in_child(action)


def mount():
    if libc.mount(b"none", b"/tmp", b"tmpfs", 0, None) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return "reached"


def opened(*kind):
    socket.socket(*kind).close()
    return "reached"


def send(family, address):
    with socket.socket(family, socket.SOCK_STREAM) as connection:
        connection.settimeout(3)
        connection.connect(address)
        connection.sendall((given["token"] + "\n").encode())
        # The server closes when it has read it.
        connection.recv(1)
    return "sent"


def commands():
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            found.append(open(f"/proc/{pid}/cmdline").read().replace("\0", " "))
        except OSError:
            pass
    return "\n".join(found)


def kill():
    # The host knows the victim by this number.
    os.kill(given["victim"], signal.SIGKILL)
    return "sent"


def stay():
    child = os.fork()
    if child == 0:
        os.setsid()
        if os.fork() > 0:
            os._exit(0)
        null = os.open("/dev/null", os.O_RDWR)
        for fd in (0, 1, 2):
            os.dup2(null, fd)
        os.execvp("python3", ["python3", "-c", "import time; time.sleep(25)", given["mark"]])
    os.waitpid(child, 0)
    return "started"


def many():
    children = []
    try:
        while len(children) < 700:
            child = os.fork()
            if child == 0:
                signal.pause()
                os._exit(0)
            children.append(child)
        return "reached"
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
        for child in children:
            os.waitpid(child, 0)


def trace():
    child = os.fork()
    if child == 0:
        time.sleep(5)
        os._exit(0)
    try:
        # PTRACE_SEIZE
        return call(101, 0x4206, child, 0, 0)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def splice():
    reader, writer = os.pipe()
    target = os.pipe()
    os.write(writer, b"x")
    os.splice(reader, target[1], 1) if hasattr(os, "splice") else call(275, reader, 0, target[1], 0, 1, 0)
    return "reached"


def out_of_band():
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    one.send(b"x", socket.MSG_OOB)
    return "reached"


def namespace_file():
    with open("/proc/self/ns/net") as file:
        fcntl.ioctl(file, 0xB703)  # NS_GET_NSTYPE
    return "reached"


def set_id():
    # PR_GET_NO_NEW_PRIVS
    if libc.prctl(39, 0, 0, 0, 0) == 1:
        return "refused: no_new_privs is set"
    return "reached"


home = given["home"]
# Numbers of x86_64: libc has no names for some.
attempts = {
    "read-home": lambda: read(f"{home}/notes.txt"),
    "read-ssh": lambda: read(f"{home}/.ssh/id_criteria"),
    "list-home": lambda: " ".join(os.listdir(home)),
    "read-env": lambda: json.dumps(dict(os.environ)),
    "read-tmp": lambda: read(given["tmp"]),
    "see-process": commands,
    "write-home": lambda: append(f"{home}/.criteriarc"),
    "write-project": lambda: append("data.csv"),
    "git-hook": lambda: append(".git/hooks/post-checkout"),
    "write-tmp": lambda: append(given["tmp"] + ".left"),
    "kill-process": kill,
    "tcp-loopback": lambda: send(socket.AF_INET, ("127.0.0.1", given["loopback"])),
    "tcp-lan": lambda: send(socket.AF_INET, (given["address"], given["lan"])),
    "unix-home": lambda: send(socket.AF_UNIX, f"{home}/criteria.sock"),
    # Node pads the name to the whole of sun_path.
    "unix-abstract": lambda: send(socket.AF_UNIX, ("\0" + given["abstract"]).ljust(108, "\0")),
    "stay": stay,
    "many": lambda: in_child(many),
    "userns": lambda: userns(),
    "mount": lambda: userns(CLONE_NEWNS, mount),
    "netfilter": lambda: userns(CLONE_NEWNET, lambda: opened(socket.AF_NETLINK, socket.SOCK_RAW, 12)),
    "packet": lambda: userns(CLONE_NEWNET, lambda: opened(socket.AF_PACKET, socket.SOCK_RAW, 0)),
    "xfrm": lambda: userns(CLONE_NEWNET, lambda: opened(socket.AF_NETLINK, socket.SOCK_RAW, 6)),
    "qdisc": lambda: userns(CLONE_NEWNET, lambda: opened(socket.AF_NETLINK, socket.SOCK_RAW, 0)),
    "fsopen": lambda: userns(CLONE_NEWNS, lambda: call(430, b"tmpfs", 0)),
    "io-uring": lambda: call(425, 1, 0),
    "bpf": lambda: call(321, 0, 0, 0),
    "perf": lambda: call(298, 0, 0, -1, -1, 0),
    "keyctl": lambda: call(250, 0, -3, 0),
    "userfaultfd": lambda: call(323, 1),
    "ptrace": trace,
    "vsock": lambda: opened(socket.AF_VSOCK, socket.SOCK_STREAM),
    "af-alg": lambda: opened(socket.AF_ALG, socket.SOCK_SEQPACKET),
    "rxrpc": lambda: opened(33, socket.SOCK_DGRAM, socket.AF_INET),
    "splice": splice,
    "oob": out_of_band,
    # CLOCK_PROCESS_CPUTIME_ID
    "cpu-timer": lambda: call(222, 2, None, ctypes.byref(ctypes.c_int())),
    "nsfs": namespace_file,
    "set-id": set_id,
}

if __name__ == "__main__":
    attempt = attempts[given["id"]]
    try:
        said = attempt()
    except OSError as error:
        said = f"refused: {error.strerror or error}"
    print(json.dumps({"id": given["id"], "said": said}), flush=True)

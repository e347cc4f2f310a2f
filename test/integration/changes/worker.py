"""Does for property.test.ts what takes rights over the test's own files, in a user namespace: one
process for all, since a thousand sequences would start many thousand.

A request is a line of JSON on stdin, ["operations", DIRECTORY, SEED, COUNT, WORDS…], ["open", DIRECTORY],
["copy", FROM, TO] or ["look", DIRECTORY]; the answer a line of JSON on stdout.
"""
import hashlib
import json
import os
import stat
import subprocess
import sys

with open(sys.argv[1]) as file:
    code = compile(file.read(), sys.argv[1], "exec")


def operations(directory, *words):
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.chdir(directory)
            sys.argv[1:] = [str(word) for word in words]
            exec(code, {"__name__": "__main__"})
            status = 0
        finally:
            sys.stdout.flush()
            os._exit(status)
    if os.waitpid(child, 0)[1] != 0:
        raise RuntimeError("the operations failed")


def make_open(directory):
    subprocess.check_call(["chmod", "-R", "u+rwX", directory])


def copy(source, target):
    subprocess.check_call(["cp", "-a", "--no-preserve=ownership", source, target])


def look(directory):
    found = {}

    def walk(path, name):
        state = os.lstat(path)
        line = oct(state.st_mode)
        if stat.S_ISLNK(state.st_mode):
            line += " -> " + os.readlink(path).decode("latin1")
        if stat.S_ISREG(state.st_mode):
            with open(path, "rb") as file:
                line += " %d %s" % (state.st_mtime_ns, hashlib.sha256(file.read()).hexdigest())
        found[name.decode("latin1")] = line
        if stat.S_ISDIR(state.st_mode):
            for child in sorted(os.listdir(path)):
                walk(path + b"/" + child, name + b"/" + child)

    walk(os.fsencode(directory), b"")
    return found


calls = {"operations": operations, "open": make_open, "copy": copy, "look": look}
for request in sys.stdin:
    name, *arguments = json.loads(request)
    print(json.dumps(calls[name](*arguments)), flush=True)

"""Makes trees and changes them in an overlay for patch.test.ts, in a user and mount namespace: one process
for all, since each of thousands of trees would start several.

A request is a line of JSON on stdin, the answer a line of JSON on stdout:
["build", DIRECTORY, ENTRIES]               makes what is listed, each over what was there
["change", DIRECTORY, UPPER, WORK, STEPS]   the same steps on an overlay over the directory
Names and contents are text of one character a byte.
"""
import ctypes
import errno
import json
import os
import shutil
import sys

libc = ctypes.CDLL(None, use_errno=True)


def mount(directory, upper, work):
    options = "userxattr,lowerdir=%s,upperdir=%s,workdir=%s" % (directory, upper, work)
    if libc.mount(b"overlay", directory.encode(), b"overlay", 0, options.encode()) != 0:
        raise OSError(ctypes.get_errno(), "mount")


def unmount(directory):
    if libc.umount2(directory.encode(), 0) != 0:
        raise OSError(ctypes.get_errno(), "umount")


def is_directory(path):
    return os.path.isdir(path) and not os.path.islink(path)


def remove(path):
    if is_directory(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


def make(path, kind, value, mode):
    """What lies at the path goes; what is missing above it is made."""
    parent = os.path.dirname(path)
    if parent:
        os.makedirs(parent, exist_ok=True)
    remove(path)
    if kind == "directory":
        os.mkdir(path)
        os.chmod(path, mode)
    elif kind == "link":
        os.symlink(value.encode("latin1"), path)
    else:
        with open(path, "xb") as file:
            file.write(value.encode("latin1"))
        os.chmod(path, mode)


def entries():
    found = []
    for top, directories, files in os.walk(b"."):
        directories.sort()
        found += [os.path.join(top, name)[2:] for name in sorted(directories + files)]
    return sorted(found)


def move(source, target):
    """As mv(1): overlayfs renames no directory of the lower layer."""
    if (target + b"/").startswith(source + b"/"):
        return
    parent = os.path.dirname(target)
    if parent:
        os.makedirs(parent, exist_ok=True)
    remove(target)
    try:
        os.rename(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        shutil.copytree(source, target, symlinks=True)
        shutil.rmtree(source)


def edit(path, how, where, line):
    with open(path, "rb") as file:
        lines = file.read().splitlines(keepends=True)
    where = where % (len(lines) + 1)
    if how == "insert":
        lines.insert(where, line)
    elif how == "drop":
        del lines[where : where + 1]
    elif how == "replace":
        lines[where : where + 1] = [line]
    elif how == "rotate":
        lines = lines[where:] + lines[:where]
    elif how == "swap":
        lines.reverse()
    elif how == "cut":
        lines = [b"".join(lines)[:-1]]
    with open(path, "r+b") as file:
        file.truncate()
        file.write(b"".join(lines))


def step(name, *words):
    if name == "make":
        path, kind, value, mode = words
        make(path.encode("latin1"), kind, value, mode)
        return
    found = entries()
    if not found:
        return
    source = found[words[0] % len(found)]
    if name == "remove":
        remove(source)
    elif name == "move":
        move(source, words[1].encode("latin1"))
    elif name == "replace":
        make(source, *words[1:])
    elif name == "mode" and not os.path.islink(source):
        os.chmod(source, words[2] if is_directory(source) else words[1])
    elif name == "edit" and os.path.isfile(source) and not os.path.islink(source):
        edit(source, words[1], words[2], words[3].encode("latin1"))


def steps(directory, all_steps):
    os.chdir(directory)
    try:
        for one in all_steps:
            try:
                step(*one)
            except OSError:
                pass  # a file in the way: the same on every run of the seed
    finally:
        os.chdir("/")


def build(directory, listed):
    steps(directory, [["make", *one] for one in listed])


def change(directory, upper, work, listed):
    mount(directory, upper, work)
    try:
        steps(directory, listed)
    finally:
        unmount(directory)


os.umask(0o022)
calls = {"build": build, "change": change}
for request in sys.stdin:
    name, *arguments = json.loads(request)
    calls[name](*arguments)
    print(json.dumps(True), flush=True)

"""Does a random sequence of file operations in the current directory: operations.py SEED COUNT [links] [shut].

Every operation is the same wherever it runs: names, modes and times come from the seed.
"""
import errno
import os
import random
import shutil
import sys

rng = random.Random(int(sys.argv[1]))
NAMES = [b"a", b"b", b"c", b"dir", b"sub", b"-rf", b"new\nline", b"bad\xff", b"x" * 255]
DIRECTORY_MODES = [0o755, 0o700, 0o555, 0o750, 0o000 if "shut" in sys.argv else 0o711]
clock = 1_600_000_000_000_000_000


def tick():
    global clock
    clock += 1_234_567_891
    return clock


def places():
    found = [b"."]
    for top, dirs, _ in os.walk(b"."):
        dirs.sort()
        found += [os.path.join(top, d) for d in dirs if not os.path.islink(os.path.join(top, d))]
    return found


def entries():
    found = []
    for top, dirs, files in os.walk(b"."):
        dirs.sort()
        found += [os.path.join(top, n) for n in sorted(dirs + files)]
    return sorted(found)


def any_path():
    return os.path.join(rng.choice(places()), rng.choice(NAMES))


def some_entry():
    return rng.choice(entries() or [b"./a"])


def stamp(path):
    if os.path.isfile(path) and not os.path.islink(path):
        now = tick()
        os.utime(path, ns=(now, now))


def write(path, mode):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | mode, 0o644), "wb") as file:
        file.write(bytes([rng.randrange(256)]) * rng.choice([0, 1, 100, 70000]))
    stamp(path)


def remove(path):
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        os.unlink(path)


def linked(path):
    """Whether a file below has another name: a copy would lose that, a rename would not."""
    return any(
        os.lstat(os.path.join(top, name)).st_nlink > 1
        for top, _, files in os.walk(path)
        for name in files
    )


def move(source, target):
    """Like mv(1): overlayfs does not rename a directory of the lower layer."""
    if not os.path.isdir(source) or os.path.islink(source):
        os.rename(source, target)
    elif not os.path.lexists(target) and not linked(source):
        if os.path.abspath(target).startswith(os.path.abspath(source) + b"/"):
            return
        try:
            os.rename(source, target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            shutil.copytree(source, target, symlinks=True)
            shutil.rmtree(source)


def chmod(path):
    if not os.path.islink(path):
        isdir = os.path.isdir(path)
        os.chmod(path, rng.choice(DIRECTORY_MODES if isdir else [0o644, 0o600, 0o755, 0o444, 0o000]))


def recreate(path):
    remove(path)
    rng.choice([lambda: os.mkdir(path), lambda: write(path, 0), lambda: os.symlink(b"a", path)])()


OPERATIONS = [
    lambda: write(any_path(), os.O_TRUNC),
    lambda: write(some_entry(), os.O_APPEND),
    lambda: write(some_entry(), 0),
    lambda: os.mkdir(any_path()),
    lambda: os.mkdir(any_path()),
    lambda: remove(some_entry()),
    lambda: move(some_entry(), any_path()),
    lambda: chmod(some_entry()),
    lambda: os.symlink(rng.choice([b"a", b"dir/b", b"nowhere", b"./c"]), any_path()),
    lambda: stamp(some_entry()),
    lambda: recreate(some_entry()),
]

if "links" in sys.argv:
    OPERATIONS.append(lambda: os.link(some_entry(), any_path(), follow_symlinks=False))

os.umask(0o022)
for _ in range(int(sys.argv[2])):
    operation = rng.choice(OPERATIONS)
    try:
        operation()
    except OSError:
        pass

"""Opens a terminal of another program by each way there is, writes the way's name to it, and sets its mode:
   prints the ways that succeeded. landlock_terminals.py /dev/pts/N PID DESCRIPTOR"""
import os, sys

path, pid, descriptor = sys.argv[1:4]
number = os.path.basename(path)
here = os.getcwd()


def write(name, way, flags=os.O_RDWR, **rest):
    try:
        terminal = os.open(way, flags | os.O_NOCTTY, **rest)
        os.write(terminal, f'{name}\n'.encode())
        os.close(terminal)
        print(name, flush=True)
    except OSError:
        pass


def every(prefix):
    write(f'{prefix}path', path)
    write(f'{prefix}write', path, os.O_WRONLY)
    write(f'{prefix}create', path, os.O_RDWR | os.O_CREAT)
    write(f'{prefix}dots', f'/dev/pts/../pts//{number}')
    write(f'{prefix}root', f'/proc/self/root{path}')
    write(f'{prefix}link', os.path.join(here, 'link'))
    write(f'{prefix}descriptor', f'/proc/{pid}/fd/{descriptor}')
    write(f'{prefix}directory', number, dir_fd=os.open('/dev/pts', os.O_PATH))
    os.chdir('/dev/pts')
    write(f'{prefix}relative', number)
    write(f'{prefix}current', f'/proc/self/cwd/{number}')
    os.chdir(here)


os.symlink(path, 'link')
every('')
# With terminals of its own, which it may open.
own = [os.openpty() for _ in range(3)]
every('own-')
for name, act in (
    ('mode', lambda: os.chmod(path, 0o622)),
    ('time', lambda: os.utime(path, (1, 1))),
):
    try:
        act()
        print(name, flush=True)
    except OSError:
        pass

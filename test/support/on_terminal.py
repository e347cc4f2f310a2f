"""Runs a command as the session leader's child on a new terminal, types into it, and says what is
left in the terminal afterwards, as JSON on stdout. The oracle for attacks on the caller's terminal.

  on_terminal.py [--type TEXT --after TEXT]... [--limit SECONDS] -- COMMAND...

`output` is what the command wrote, `injected` the bytes that a shell reading this terminal would
receive once the command has ended, `before` and `after` the terminal's settings.
"""
import fcntl, json, os, pty, select, signal, sys, termios, time, tty

types, limit, argv = [], 240.0, sys.argv[1:]
while argv and argv[0] != '--':
    if argv[0] == '--type':
        types.append([argv[1].encode().decode('unicode_escape').encode('latin1'), argv[3].encode()])
        argv = argv[4:]
    elif argv[0] == '--limit':
        limit, argv = float(argv[1]), argv[2:]
    else:
        sys.exit('usage: on_terminal.py [--type TEXT --after TEXT]... [--limit SECONDS] -- COMMAND...')
command = argv[1:]

master, slave = pty.openpty()
result_r, result_w = os.pipe()
leader = os.fork()
if leader == 0:
    # The stand-in for the user's shell: it owns the terminal and looks into it at the end.
    os.close(master)
    os.close(result_r)
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for fd in (0, 1, 2):
        os.dup2(slave, fd)
    os.close(slave)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    before = termios.tcgetattr(0)
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        os.tcsetpgrp(0, os.getpid())
        signal.signal(signal.SIGTTOU, signal.SIG_DFL)
        os.execvp(command[0], command)
    try:
        os.setpgid(child, child)
    except OSError:
        pass
    _, status = os.waitpid(child, 0)
    os.tcsetpgrp(0, os.getpid())
    after = termios.tcgetattr(0)
    tty.setraw(0, termios.TCSANOW)
    injected = b''
    while select.select([0], [], [], 0.2)[0]:
        chunk = os.read(0, 4096)
        if not chunk:
            break
        injected += chunk
    os.write(result_w, json.dumps({
        'exit': os.waitstatus_to_exitcode(status), 'injected': injected.decode('latin1'),
        'before': before[:4], 'after': after[:4],
    }).encode())
    os._exit(0)

os.close(slave)
os.close(result_w)
output, result, end = b'', b'', time.time() + limit
open_fds = [master, result_r]
while result_r in open_fds and time.time() < end:
    for fd in select.select(open_fds, [], [], 0.1)[0]:
        try:
            chunk = os.read(fd, 65536)
        except OSError:
            chunk = b''
        if not chunk:
            open_fds.remove(fd)
        elif fd == master:
            output += chunk
        else:
            result += chunk
    if types and types[0][1] in output:
        text = types.pop(0)[0]
        os.write(master, text)
timed_out = not result
if timed_out:
    os.kill(leader, signal.SIGKILL)
print(json.dumps({'output': output.decode('latin1'), 'timedOut': timed_out, **(json.loads(result) if result else {})}))

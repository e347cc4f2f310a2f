"""How late limits, signals and the terminal are beside a payload that stretches each call that the supervisor acts on.

    python3 bench/lateness.py [ROUNDS]

In turn with a payload that does nothing; medians and the worst of the rounds, in milliseconds. On a machine that does
nothing else. lateness.c is the payload.
"""
import os, pty, signal, subprocess, sys, tempfile, time

here = os.path.dirname(os.path.abspath(__file__))
wasbox = os.path.join(here, '../dist/bin/wasbox.bin')
most = {'quiet': 0, 'stretch': 0}  # MiB that a payload had with --memory 300M
rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
place = tempfile.mkdtemp(prefix='wasbox-lateness-', dir='/var/tmp' if os.getuid() == 0 else os.path.expanduser('~'))
os.environ['XDG_STATE_HOME'] = place + '-state'
subprocess.run(['cc', '-O2', '-pthread', '-o', place + '/lateness', here + '/lateness.c'], check=True)
os.chdir(place)


def argv(isolation, kind, what, *options):
    net = ['--net', 'example.com'] if isolation == 'landlock' else ['--net', 'localhost:9']
    options = ['run', '-q', '--discard', '--isolation', isolation, *net, *options]
    return [wasbox, *options, '--', './lateness', kind, *what.split()]


def start(*words):
    child = subprocess.Popen(argv(*words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    return child, float(child.stdout.readline().split()[1])


def timeout(isolation, kind):
    """From the time limit, which begins with the program, to the run's end."""
    child, ready = start(isolation, kind, 'wait', '--timeout', '3s')
    assert child.wait() == 124, child.returncode
    return time.monotonic() - ready - 3


def memory(isolation, kind):
    """From when it surely has too much to the run's end; what it had by then is printed beside."""
    child, _ = start(isolation, kind, 'grow 4000', '--memory', '300M', '--timeout', '30s')
    lines = [line.split() for line in child.stdout.read().splitlines()]
    end = time.monotonic()
    assert child.wait() not in (0, 124), child.returncode
    most[kind] = max(most[kind], int(lines[-1][0]))
    return end - min([float(at) for size, at in lines if int(size) >= 300] or [float(lines[-1][1])])


def interrupt(isolation, kind):
    """From SIGINT to the run's end."""
    child, _ = start(isolation, kind, 'wait', '--timeout', '30s')
    time.sleep(1)
    begin = time.monotonic()
    child.send_signal(signal.SIGINT)
    assert child.wait() not in (0, 124), child.returncode
    return time.monotonic() - begin


def echo(isolation, kind):
    """From a key to its echo; the worst of twenty."""
    pid, master = pty.fork()
    if pid == 0:
        words = argv(isolation, kind, 'wait', '--timeout', '30s')
        os.execv(words[0], words)
    text = b''
    while b'ready' not in text:
        text += os.read(master, 4096)
    time.sleep(1)
    worst = 0
    for key in b'abcdefghijklmnopqrst':
        begin = time.monotonic()
        os.write(master, bytes([key]))
        while key not in os.read(master, 4096):
            pass
        worst = max(worst, time.monotonic() - begin)
        time.sleep(0.05)
    os.kill(pid, signal.SIGTERM)
    os.waitpid(pid, 0)
    os.close(master)
    return worst


for isolation in ['namespaces', 'landlock']:
    for measure in [timeout, memory, interrupt, echo]:
        found = {'quiet': [], 'stretch': []}
        for _ in range(rounds):
            for kind, values in found.items():
                values.append(1000 * measure(isolation, kind))
        said = [f'{kind} {sorted(values)[len(values) // 2]:.0f} (worst {max(values):.0f})' for kind, values in found.items()]
        print(f'{isolation:<10} {measure.__name__:<9} {", ".join(said)}', flush=True)
    print(f'{isolation:<10} had at most MiB: {most}')
    most = dict.fromkeys(most, 0)
subprocess.run(['rm', '-rf', place, place + '-state'])

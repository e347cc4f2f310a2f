"""Payload: what a program sees of the machine, as one JSON object."""
import json, os, socket, sys


def read(path, limit=200000):
    try:
        with open(path, errors='replace') as f:
            return f.read(limit)
    except OSError as error:
        return f'<{error.errno}>'


def names(path):
    try:
        return sorted(os.listdir(path))
    except OSError as error:
        return [f'<{error.errno}>']


def writes(path):
    try:
        with open(path, 'w') as f:
            f.write('wasbox')
        return True
    except OSError:
        return False


# The files that it writes to name the machine and say what the kernel starts: never as root without a sandbox.
if os.geteuid() == 0 and os.environ.get('WASBOX') != '1':
    sys.exit('probe.py: not as root outside of a sandbox')

mark = sys.argv[1]
home = os.path.expanduser('~')
print(json.dumps({
    'pids': [int(n) for n in os.listdir('/proc') if n.isdigit()],
    'pid1': read('/proc/1/comm').strip(),
    'ppid': os.getppid(),
    'commands': [read(f'/proc/{n}/cmdline') for n in os.listdir('/proc') if n.isdigit()],
    'interfaces': sorted(n for _, n in socket.if_nameindex()) if hasattr(socket, 'if_nameindex') else [],
    'devices': [l.split(':')[0].strip() for l in read('/proc/net/dev').splitlines()[2:]],
    'routes': read('/proc/net/route').strip().splitlines()[1:],
    'home': home,
    'homeEntries': names(home),
    'canary': read(f'{home}/.{mark}'),
    'homes': names('/home'),
    'root': names('/root') if home != '/root' else [],
    'hostname': socket.gethostname(),
    'env': dict(os.environ),
    'fds': sorted(int(n) for n in os.listdir('/proc/self/fd') if os.path.exists(f'/proc/self/fd/{n}') or n in '012'),
    'status': read('/proc/self/status'),
    'mounts': read('/proc/self/mountinfo').splitlines(),
    'cgroup': read('/proc/self/cgroup').strip(),
    'shadow': read('/etc/shadow'),
    'sys': names('/sys'),
    'dev': names('/dev'),
    'top': names('/'),
    'run': names('/run'),
    'tmp': names('/tmp'),
    'wrote': {p: writes(p) for p in (f'/usr/bin/{mark}', f'/etc/{mark}', f'/var/lib/{mark}', f'/opt/{mark}', f'/{mark}',
                                     f'{home}/{mark}', f'/tmp/{mark}', f'/var/tmp/{mark}', f'/dev/shm/{mark}', f'/dev/{mark}', f'/proc/{mark}', f'/run/{mark}')},
    'sysctl': {p: writes(p) for p in ('/proc/sys/kernel/core_pattern', '/proc/sys/kernel/hostname', '/proc/sys/vm/overcommit_memory', '/proc/sysrq-trigger', '/proc/sys/kernel/ns_last_pid', '/proc/self/oom_score_adj_none')},
    'kcore': read('/proc/kcore', 10), 'kallsyms': read('/proc/kallsyms', 40), 'keys': read('/proc/keys', 2000), 'kmsg': read('/dev/kmsg', 10) if not os.path.exists('/dev/kmsg') else '<exists>',
    'uid': os.getuid(), 'gid': os.getgid(), 'groups': os.getgroups(), 'cwd': os.getcwd(),
    'setgroups': read('/proc/self/setgroups').strip(), 'uid_map': read('/proc/self/uid_map').split(), 'gid_map': read('/proc/self/gid_map').split(),
    'init': {n: os.access(f'/proc/1/{n}', os.R_OK) and read(f'/proc/1/{n}', 1)[:1] != '<' for n in ('environ', 'mem', 'maps', 'auxv')},
}))

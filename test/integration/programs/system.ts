/** System utilities, networking on the loopback, and programs whose purpose is forbidden. */
import { file, type Program, shell } from './row.js';

export const system: readonly Program[] = [
  shell(
    'busybox',
    ['busybox-static'],
    `busybox sh -c 'echo $((2+3)); printf "b\\na\\n" | busybox sort; busybox sha1sum < /dev/null; busybox ash -c "exit 6"'`,
    { status: 6, prints: '5' },
  ),
  shell(
    'curl to a server inside',
    ['curl', 'python3'],
    `python3 -m http.server -b 127.0.0.1 8123 >/dev/null 2>&1 & s=$!
for i in $(seq 600); do curl -s -o /dev/null http://127.0.0.1:8123/ && break; sleep 0.05; done
curl -sf http://localhost:8123/page; curl -s -o /dev/null -w '%{http_code}\\n' http://127.0.0.1:8123/none; kill $s`,
    { files: { page: 'served\n' }, prints: 'served' },
  ),
  shell(
    'curl file:// and an unused port',
    ['curl'],
    `curl -s file://$PWD/f; curl -s http://127.0.0.1:9/`,
    { files: { f: 'file\n' }, status: 7, prints: 'file' },
  ),
  shell(
    'socat',
    ['socat'],
    `socat -u TCP-LISTEN:8124,bind=127.0.0.1,reuseaddr OPEN:got,creat & for i in $(seq 600); do echo over tcp | socat -u - TCP:127.0.0.1:8124 2>/dev/null && break; sleep 0.05; done; wait; cat got
socat UNIX-LISTEN:s.sock EXEC:'tr a-z A-Z' & for i in $(seq 3000); do grep -q ' 00010000 .* s.sock' /proc/net/unix && break; sleep 0.02; done; echo unix | socat -t 5 - UNIX-CONNECT:s.sock; wait; rm -f s.sock`,
    { prints: 'UNIX', writes: ['got'] },
  ),
  shell(
    'netcat',
    ['netcat-openbsd'],
    `nc -l 127.0.0.1 8125 > got & for i in $(seq 600); do grep -q ':1FBD .* 0A ' /proc/net/tcp && break; sleep 0.05; done; printf 'by netcat\\n' | nc -N 127.0.0.1 8125; wait; cat got; nc -z 127.0.0.1 1`,
    { status: 1, prints: 'by netcat', writes: ['got'] },
  ),
  shell(
    'perl UDP and IPv6 loopback',
    ['perl'],
    `perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(LocalAddr => "127.0.0.1", Proto => "udp") or die; $c = IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $s->sockport, Proto => "udp") or die; $c->send("datagram"); $s->recv($b, 100); print "$b\\n"'`,
    { prints: 'datagram' },
  ),
  shell(
    'date and TZ',
    ['coreutils', 'tzdata'],
    `TZ=Asia/Tokyo date -d @0; TZ=America/New_York date -d '2024-07-01 12:00 UTC' +%FT%T%z; date -u -d '2024-02-29 +1 year' +%F; date -r f +%s`,
    { files: { f: 'f' }, prints: 'JST' },
  ),
  shell(
    'locale',
    ['libc-bin'],
    `locale; locale -a | sort | head -3; locale charmap; printf '%s\\n' é ä z | LC_ALL=C.UTF-8 sort`,
    { prints: 'UTF-8' },
  ),
  shell(
    'tput and stty',
    ['ncurses-bin'],
    `tput -T xterm setaf 1 | od -c; tput -T xterm cols; infocmp -1 xterm | wc -l; stty < /dev/null`,
    { status: 1, prints: '033' },
  ),
  shell(
    'man -w',
    ['man-db'],
    `man -M "$PWD/man" -w demo; man --version | head -1; apropos --version`,
    { files: { 'man/man1/demo.1': '.TH demo 1\n' }, prints: 'man1/demo.1' },
  ),
  shell(
    'dpkg -l, -L, -S',
    ['dpkg'],
    `dpkg -l coreutils | tail -1; dpkg -L bash | grep -c /; dpkg -S /bin/sed /usr/bin/sed 2>/dev/null | head -1; dpkg --compare-versions 1.0~rc1 lt 1.0 && echo older; dpkg-query -W -f '\${Version}\\n' dpkg`,
    { prints: 'older' },
  ),
  shell(
    'apt-cache policy',
    ['apt'],
    `apt-config dump | grep -c APT; apt-mark --version | head -1`,
    { prints: 'apt' },
  ),
  shell(
    'flock',
    ['util-linux'],
    `exec 9>lock; flock -n 9 && echo got; (exec 8>lock; flock -n 8 || echo busy); flock lock2 -c 'echo inner'`,
    { prints: 'busy', writes: ['lock2'] },
  ),
  shell(
    'mktemp, install, chmod, touch, stat',
    ['coreutils'],
    `t=$(mktemp); echo x > "$t"; test -s "$t"; rm "$t"; d=$(mktemp -d); rmdir "$d"; install -m 640 f g; chmod u+x,g-r g; touch -d @1000 g; stat -c '%a %s %Y %F %h' g; ln g h; ln -s g l; stat -c '%h %F' h l; readlink -f l; truncate -s 1M big; stat -c %s big; mkfifo p; stat -c %F p; rm p`,
    { files: { f: 'content\n' }, prints: '700 8 1000', writes: ['g', 'h', 'l', 'big'] },
  ),
  shell(
    'cp, mv, rm, mkdir, ln in depth',
    ['coreutils'],
    `cp -a s t; mv s/x t/y; mkdir -p a/b/c; rm -r s; mv a t/; ls -R t; cp --reflink=auto --sparse=always t/y z; rmdir t/a/b/c; mv t u; ls -R u`,
    { files: { 's/x': 'x', 's/w/v': 'v' }, prints: 't/a/b', writes: ['z', 'u/y'] },
  ),
  shell(
    'dd, head, tail, split, tee, shred',
    ['coreutils'],
    `dd if=/dev/zero bs=1M count=8 2>/dev/null | tee z | sha256sum; split -b 3M z part.; cat part.* | cmp - z; tail -c 5 z | od -An -tx1; head -c 10 /dev/urandom | wc -c; shred -n1 -u part.aa; ls; dd if=/dev/full of=/dev/full bs=1 count=1 2>&1 | head -1; rm z part.*`,
    { prints: '00 00' },
  ),
  shell(
    'timeout, nice, nohup, env, xargs, yes',
    ['coreutils'],
    `yes | head -3; timeout 0.2 sleep 5 || echo "rc $?"; nice -n 5 true; env -i A=1 env; nohup echo nohup 2>/dev/null; setsid -w echo session; seq 5 | xargs -P3 -n1 echo | sort; timeout -s KILL 0.1 sleep 3`,
    { status: 137, prints: 'rc 124' },
  ),
  shell(
    'ps, pgrep, top, free, uptime',
    ['procps'],
    `sleep 30 & until ps -o comm= -p $! | grep -x sleep; do :; done; pgrep -P $$ -x sleep | wc -l; kill $!; free -b | awk 'NR==2{print ($2 > 0)}'; uptime -s | wc -l; top -bn1 | head -1 | cut -c1-3; pkill -x nosuch`,
    { status: 1, prints: 'sleep' },
  ),
  shell(
    'lscpu, nproc, uname, getconf, arch',
    ['util-linux', 'coreutils'],
    `nproc; uname -srm; getconf PAGESIZE; arch; getconf ARG_MAX; lscpu | grep -c .`,
    { prints: 'Linux' },
  ),
  shell(
    'prlimit, ulimit, taskset, chrt',
    ['util-linux'],
    `(ulimit -c 0; ulimit -s 4096; ulimit -s); taskset -c 0 nproc; prlimit --nofile=64 sh -c 'ulimit -n'; chrt -p $$ | tail -1 | sed 's/.*: //'`,
    { prints: '4096' },
  ),
  shell(
    'getopt, column, rev, hexdump, look, colrm',
    ['util-linux', 'bsdextrautils'],
    `getopt -o ab: -l long -- -a -b 1 --long x; printf 'a b\\nccc d\\n' | column -t; echo abc | rev; printf AB | hexdump -C; echo 12345 | colrm 2 3;`,
    { prints: 'cba' },
  ),
  shell(
    'script in a pty',
    ['bsdutils'],
    `script -qec 'test -t 0 && tty | sed s/[0-9].*//; stty size; echo in a pty; exit 3' /dev/null`,
    { status: 3, prints: 'in a pty' },
  ),
  file(
    'python pty and termios',
    ['python3'],
    ['python3', 'main.py'],
    'main.py',
    `import pty, os, sys, termios
pid, fd = pty.fork()
if pid == 0:
    os.execvp('sh', ['sh', '-c', 'tty >/dev/null && echo tty; stty -echo; stty -a | grep -c -- -echo'])
out = b''
while True:
    try: chunk = os.read(fd, 1000)
    except OSError: break
    if not chunk: break
    out += chunk
print(out.decode().split(), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))`,
    { prints: "'tty'" },
  ),
  shell(
    'getent, id, groups of files',
    ['libc-bin', 'coreutils'],
    `getent passwd daemon | cut -d: -f1; getent hosts localhost | wc -l; getent services http/tcp | awk '{print $2}'; getent protocols tcp | awk '{print $2}'`,
    { prints: '80/tcp' },
  ),
  shell(
    'ldd, ldconfig -p, readelf, strings',
    ['libc-bin', 'binutils'],
    `ldd /bin/ls | awk '{print $1}' | sort; /sbin/ldconfig -p | head -1 | sed 's/[0-9]*//'; readelf -h /bin/ls | grep Machine; printf 'abcd\\0efgh' | strings`,
    { prints: 'libc.so.6' },
  ),
  shell(
    'expr, factor, seq, numfmt, shuf, printf, test',
    ['coreutils'],
    `expr 7 \\* 6; factor 600851475143; seq -s, 1 3 10; numfmt --to=iec 1048576; shuf -n3 --random-source=/dev/zero -i 1-9 | wc -l; printf '%5.2f|%x\\n' 3.14159 255; pr -h t -l 12 f | tail -n +4 | head -3; fmt -w 20 f; fold -w 5 f; nl f; wc f`,
    { files: { f: 'some words in a line of text\n' }, prints: '71 839 1471 6857' },
  ),
  shell(
    'setfattr, xattr of user namespace by python',
    ['python3'],
    `python3 -c 'import os; os.setxattr("f", "user.note", b"v"); print(os.getxattr("f", "user.note"), os.listxattr("f"))'`,
    { files: { f: '' }, prints: 'user.note', unapplied: true },
  ),
  shell(
    'tmux refuses or works without a terminal',
    ['tmux'],
    `tmux -V; tmux -L t -f /dev/null new-session -d -x 40 -y 5 'echo in tmux > o; sleep 0.2'; for i in $(seq 600); do [ -s o ] && break; sleep 0.05; done; cat o; tmux -L t kill-server 2>/dev/null || true`,
    { prints: 'in tmux', writes: ['o'] },
  ),
  shell(
    'signals and job control in sh',
    ['dash'],
    `trap 'echo usr1' USR1; kill -USR1 $$; sh -c 'kill -SEGV $$' 2>/dev/null || echo "rc $?"; sleep 9 & wait_me=$!; kill -9 $wait_me; wait $wait_me || echo "rc $?"; kill -INT $$`,
    { status: 130, prints: 'rc 139' },
  ),
  shell(
    'an unknown command and one that cannot be executed',
    ['dash'],
    `nosuchcommand 2>/dev/null || echo "rc $?"; ./f 2>/dev/null || echo "rc $?"; exec /nonexistent/x`,
    { files: { f: 'x' }, status: 127, prints: 'rc 126' },
  ),
  shell(
    'gdb on a core-less program',
    ['gdb'],
    `gdb -nx -batch -ex 'print 6*7' -ex 'info line main' /bin/true 2>&1 | grep -v -i debuginfod`,
    { prints: '= 42' },
  ),
  shell('gdb run', ['gdb'], `gdb -nx -batch -ex run /bin/true < /dev/null`, {
    refused: /ptrace|not permitted|during startup/i,
  }),
  shell('strace', ['strace'], 'strace -o trace /bin/true', {
    refused: /ptrace|not permitted|PTRACE/i,
  }),
  shell('mount', ['mount'], 'mount -t tmpfs none /tmp', {
    refused: /permission|denied|must be superuser|not permitted/i,
    control: [
      'unshare',
      '--user',
      '--map-root-user',
      '--mount',
      'mount',
      '-t',
      'tmpfs',
      'none',
      '/tmp',
    ],
  }),
  shell('umount', ['mount'], 'umount /proc', {
    refused: /permission|denied|must be superuser|not permitted/i,
    control: [
      'unshare',
      '--user',
      '--map-root-user',
      '--mount',
      'sh',
      '-c',
      'mount -t tmpfs none /tmp && umount /tmp',
    ],
  }),
  shell('unshare', ['util-linux'], 'unshare -Ur id -u', {
    refused: /not permitted|denied|failed|cannot/i,
  }),
  shell('su', ['login', 'util-linux'], 'su -s /bin/sh daemon -c id < /dev/null', {
    refused: /su:|cannot|failure|not permitted|may not/i,
    control: ['su', '--version'],
  }),
];

/**
 * Options that other tools have for the same purpose, by their long name or letter, with what to write here. Used
 * for the hint of an unknown option alone: none of them is accepted.
 *
 * Sources: docker-run(1), podman-run(1), bwrap(1), firejail(1), nsjail(1), systemd-run(1), timeout(1), the
 * permission flags of Deno and Node.js.
 */

/** Several names of other tools that stand for one thing here. */
const rows: readonly (readonly [names: string, hint: string])[] = [
  // Docker, Podman
  [
    'network share-net unshare-net disable_clone_newnet',
    'The network is off. To allow it: --net internet, or --net example.org:443',
  ],
  ['rm', 'Not needed: only the changes are kept, for you to review. To discard them: --discard'],
  [
    'it i interactive t',
    'Not needed: stdin and the terminal are passed on. To force a terminal: --tty always',
  ],
  ['d detach', 'wasbox stays with the run. To put it in the background: wasbox run … &'],
  [
    'volume bindmount B',
    'To mount a path: --ro PATH[:DEST] (read-only), --rw PATH[:DEST] (writable), --cow PATH (changes are saved for review)',
  ],
  ['mount', 'To mount a path: --ro PATH[:DEST], or --rw PATH[:DEST]. /tmp is private already'],
  [
    'e setenv E clear-env clearenv unsetenv allow-env',
    'Only a short list of variables is passed. To add one: --env NAME or --env NAME=VALUE',
  ],
  [
    'gpu gpus device nv cuda rocm',
    'A sandbox has no GPU and no other device: a driver is called as the kernel is, and no list of its calls is kept here. Let the program use the processor',
  ],
  [
    'display x11 x wayland gui headless',
    "A sandbox has no display: the host's would let it read what you type. For an invisible one: wasbox run -- xvfb-run -a COMMAND",
  ],
  [
    'browser playwright',
    'Not needed: a browser that is installed runs with its own sandbox turned off, and --net for its hosts',
  ],
  ['env-file', 'To set a variable: --env NAME=VALUE, once for each'],
  ['w', 'To choose the working directory: --workdir DIR. To mount a path writable: --rw PATH'],
  ['cwd working-directory D', 'To choose the working directory: --workdir DIR'],
  [
    'u user uid gid userns group',
    'Not needed: the program never runs as root on this machine, and it sees your own user id',
  ],
  ['p port ports expose forward', 'To publish a port of a server inside: --publish PORT'],
  [
    'privileged cap-add caps',
    'The program never gets capabilities. To allow a single system call: --allow CALL',
  ],
  ['cap-drop caps.drop', 'Not needed: the program has no capabilities'],
  [
    'security-opt seccomp seccomp.drop seccomp_policy',
    'To use another system call policy: --policy FILE',
  ],
  [
    'no-new-privileges die-with-parent new-session unshare-all unshare-pid unshare-ipc unshare-uts unshare-user unshare-cgroup init private private-tmp private-dev noprofile caps.keep nonewprivs noroot',
    'Not needed: every run is isolated this way',
  ],
  [
    'read-only readonly',
    'Not needed: the system is read-only, and changes to the working directory are saved for review. To mount a path read-only: --ro PATH',
  ],
  ['tmpfs proc dev dev-bind', 'Not needed: /tmp, /dev and /proc are private'],
  [
    'name hostname label pull restart',
    'Leave it out: there is no container here to name or configure',
  ],
  [
    'cpus cpu-shares cpuset-cpus cpu-limit',
    'To limit processor time: --cpu 60s. To keep it to two processors: wasbox run -- taskset -c 0,1 COMMAND',
  ],
  ['pids-limit rlimit_nproc max-procs', 'To limit the number of processes: --pids 256'],
  ['m memory-swap rlimit_as rlimit-as', 'To limit memory: --memory 512M'],
  ['ulimit', 'To set limits: --open-files, --file-size, --pids, --memory, --cpu and --disk'],
  ['storage-opt shm-size', 'To limit what the run writes: --disk 1G'],
  [
    'time_limit time-limit max-time kill-after k stop-timeout t',
    'To limit the time: --timeout 30s. To give the program time to exit after that: --grace 2s',
  ],
  // bubblewrap, firejail, nsjail
  [
    'bind whitelist R rw-bind',
    'To mount a path writable: --rw PATH[:DEST]. To save its changes for review: --cow PATH',
  ],
  ['ro-bind bindmount_ro ro-bind-try overlay-src', 'To mount a path read-only: --ro PATH[:DEST]'],
  ['blacklist deny-read', 'To hide a path: --hide PATH'],
  // Deno, Node.js
  ['allow-net N', 'To allow the network: --net example.org:443, or --net internet'],
  ['deny-net', 'To deny part of what --net allows: --net-deny RULE'],
  ['allow-read allow-fs-read', 'To mount a path read-only: --ro PATH'],
  [
    'allow-write allow-fs-write',
    'To mount a path writable: --rw PATH. To save its changes for review: --cow PATH',
  ],
  [
    'allow-run allow-child-process allow-worker allow-ffi allow-addons allow-sys allow-import no-prompt permission no-remote',
    'Not needed: the program may run any program that it can see',
  ],
  [
    'allow-all A dangerously-skip-permissions full-auto',
    'There is no option that allows everything. See --net, --ro, --rw and --allow',
  ],
  // uv, pipx and others that install what a script needs
  [
    'pip install packages package requirements with-requirements with-editable deps dependencies',
    'To install packages for the script: --with requests,rich',
  ],
  [
    'no-network no-net offline',
    'Not needed: the network is off unless --net names what may be reached',
  ],
  ['python', 'To choose the interpreter: wasbox run -- python3.N SCRIPT'],
  ['write writable', 'To mount a path writable: --rw PATH'],
  // systemd-run, srt and others
  ['property settings config', 'To read options from a file: --profile FILE'],
  ['verbose-level debug trace', 'To see more: -v, or --audit for everything that the program does'],
  ['silent', 'To see less: -q'],
  ['dry', 'To see the sandbox without starting it: --dry-run'],
  ['time', 'To limit the time: --timeout 30s'],
  [
    'command exec execute',
    'To run code from the command line: -c CODE. To run a program: wasbox run -- PROGRAM ARGS',
  ],
];

const hints = new Map<string, string>();
for (const [names, hint] of rows)
  for (const name of names.split(' ')) if (!hints.has(name)) hints.set(name, hint);

/** Returns what to write here for an option that another tool has; undefined where none is known. */
export const foreignOption = (name: string): string | undefined => hints.get(name);

/** All hints, for the test that holds them to the options that there are. */
export const foreignHints: readonly string[] = rows.map(([, hint]) => hint);

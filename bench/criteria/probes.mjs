// What the code can see and do: an open list, one probe a line. probe.py makes each attempt inside;
// whether it succeeded is judged from outside wherever the outside can know it:
//   nonce     the attempt printed a secret that only the host had
//   file      a file of the host is another than before
//   heard     a server of the host received the secret that the attempt was given
//   killed    a process of the host is gone
//   alive     a process of the code is still there after the run
//   reached   the kernel did not refuse the call, which only the code itself can say
// Each probe is made without a sandbox, too: one that fails there shows nothing, and is left out.
export const probes = [
  ['read-home', 'nonce', 'read a file in your home'],
  ['read-ssh', 'nonce', 'read a key in ~/.ssh'],
  ['list-home', 'nonce', 'list the names in your home'],
  ['read-env', 'nonce', 'read a token in the environment'],
  ['read-tmp', 'nonce', 'read a file in /tmp'],
  ['see-process', 'nonce', 'see the command lines of your processes'],
  ['write-home', 'file', 'change a file in your home'],
  ['write-project', 'file', 'change a file of the project before you agree'],
  ['git-hook', 'file', 'plant a git hook in the project'],
  ['write-tmp', 'file', 'leave a file in your /tmp'],
  ['kill-process', 'killed', 'kill one of your processes'],
  ['tcp-loopback', 'heard', 'connect to a server on 127.0.0.1'],
  ['tcp-lan', 'heard', 'connect to an address of your network'],
  ['unix-home', 'heard', 'connect to a UNIX socket in your home'],
  ['unix-abstract', 'heard', 'connect to an abstract UNIX socket'],
  ['stay', 'alive', 'leave a process behind'],
  ['many', 'reached', 'start 700 processes'],
  ['userns', 'reached', 'make a user namespace'],
  ['mount', 'reached', 'mount a file system in a new user namespace'],
  ['netfilter', 'reached', 'open a netfilter socket in a new user namespace'],
  ['packet', 'reached', 'open a packet socket in a new user namespace'],
  ['fsopen', 'reached', 'call fsopen(2) in a new user namespace'],
  ['io-uring', 'reached', 'call io_uring_setup(2)'],
  ['bpf', 'reached', 'call bpf(2)'],
  ['perf', 'reached', 'call perf_event_open(2)'],
  ['keyctl', 'reached', 'use the keyring of the kernel'],
  ['userfaultfd', 'reached', 'call userfaultfd(2)'],
  ['ptrace', 'reached', 'trace a child with ptrace(2)'],
  ['vsock', 'reached', 'open a vsock socket'],
  ['splice', 'reached', 'call splice(2)'],
].map(([id, oracle, question]) => ({ id, oracle, question }));

/**
 * Holes of the kernel and of sandboxes that are public, and the probes that each of them needs: it is
 * closed where one of these is. Not exploited here: `bench/criteria` measures the way to the hole.
 */
export const holes = [
  ['CVE-2024-1086', 'nf_tables: use after free', ['userns', 'netfilter']],
  ['CVE-2023-32233', 'nf_tables: anonymous sets', ['userns', 'netfilter']],
  ['CVE-2022-0185', 'fsconfig: heap overflow', ['userns', 'fsopen']],
  ['CVE-2022-0492', 'cgroup v1: release_agent', ['userns', 'mount']],
  ['CVE-2023-0386', 'overlayfs: set-user-ID copy-up', ['userns', 'mount']],
  ['CVE-2020-14386', 'packet sockets: memory corruption', ['userns', 'packet']],
  ['CVE-2022-29582', 'io_uring: timeout race', ['io-uring']],
  ['CVE-2023-2598', 'io_uring: registered buffers', ['io-uring']],
  ['CVE-2021-3490', 'eBPF: bounds of ALU32', ['bpf']],
  ['CVE-2013-2094', 'perf_event_open: index', ['perf']],
  ['CVE-2016-0728', 'keyrings: reference count', ['keyctl']],
  ['CVE-2019-13272', 'ptrace: PTRACE_TRACEME', ['ptrace']],
  ['CVE-2021-26708', 'vsock: race', ['vsock']],
  ['CVE-2022-0847', 'pipes: Dirty Pipe', ['splice']],
].map(([id, what, needs]) => ({ id, what, needs }));

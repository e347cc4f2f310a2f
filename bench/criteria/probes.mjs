// Lists what the code can see and do: an open list, one probe a line. probe.py makes each attempt inside;
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
  ['xfrm', 'reached', 'open an IPsec socket in a new user namespace'],
  ['qdisc', 'reached', 'open a routing socket in a new user namespace'],
  ['fsopen', 'reached', 'call fsopen(2) in a new user namespace'],
  ['io-uring', 'reached', 'call io_uring_setup(2)'],
  ['bpf', 'reached', 'call bpf(2)'],
  ['perf', 'reached', 'call perf_event_open(2)'],
  ['keyctl', 'reached', 'use the keyring of the kernel'],
  ['userfaultfd', 'reached', 'call userfaultfd(2)'],
  ['ptrace', 'reached', 'trace a child with ptrace(2)'],
  ['vsock', 'reached', 'open a vsock socket'],
  ['af-alg', 'reached', 'open a crypto socket'],
  ['rxrpc', 'reached', 'open an RxRPC socket'],
  ['splice', 'reached', 'call splice(2)'],
  ['oob', 'reached', 'send an out-of-band byte over a pair of UNIX sockets'],
  ['cpu-timer', 'reached', 'make a timer of processor time'],
  ['nsfs', 'reached', 'ask a namespace file with ioctl(2)'],
  ['set-id', 'reached', 'gain rights from a set-user-ID program'],
].map(([id, oracle, question]) => ({ id, oracle, question }));

/*
 * The wire: what crosses from TypeScript to native code, and between supervisor and init; records.h
 * has what comes back. One definition; the TypeScript side (src/plan/wire.generated.ts) is
 * generated from this file by addon/wire.mjs, so keep to its shape: `#define NAME number`, `struct
 * name {` with one fixed-width field a line.
 *
 *   launch plan   TypeScript -> supervisor -> init   a sealed memfd, validated by plan_check.c;
 *                                                    behind it, as strings, the run's directory
 *                                                    and more arguments
 *   command       supervisor -> init                 SOCK_SEQPACKET
 *   event         init -> supervisor                 SOCK_SEQPACKET
 *
 * All numbers are host-endian. Offsets count from the first byte of the plan; offset 0 means none.
 */
#ifndef WASBOX_WIRE_H
#define WASBOX_WIRE_H

#include <stdint.h>

#define WB_PLAN_MAGIC 0x4e4c5057
#define WB_WIRE_VERSION 23
#define WB_PLAN_MAX 8388608
#define WB_OPS_MAX 4096
#define WB_ARGS_MAX 65536
#define WB_FILTER_MAX 4096
#define WB_PATH_MAX 4096
#define WB_MOUNT_FDS_MAX 200
#define WB_LOWERS_MAX 128
#define WB_ID_RANGES_MAX 32
#define WB_NET_RULES_MAX 4096
#define WB_NET_RESOLVERS_MAX 3
#define WB_NET_PUBLISH_MAX 64
#define WB_NET_NAME_MAX 253
/* Characters of a run's id. */
#define WB_RUN_ID 9

/* Descriptors of init at its start, beside 0, 1 and 2, which are the payload's. */
#define WB_FD_PLAN 3
#define WB_FD_CONTROL 4
/* The socket of a session, for a plan that says so: a UNIX stream of session commands and events.
 */
#define WB_FD_SESSION 5

/* Layers of protection that are on. A plan for an ordinary run has all that the kernel offers; the
 * tests switch single ones off to show that something notices. */
#define WB_LAYER_SECCOMP 1
#define WB_LAYER_LANDLOCK 2
#define WB_LAYER_CAPABILITIES 4
#define WB_LAYER_NO_NEW_PRIVS 8
#define WB_LAYER_CLOSE_FDS 16
#define WB_LAYER_SESSION 32
#define WB_LAYER_KEYRING 64
#define WB_LAYER_DUMPABLE 128
#define WB_LAYER_READ_ONLY_ROOT 256
#define WB_LAYER_QUOTAS 512

/* The process that writes the id maps. */
#define WB_IDS_SELF 0
#define WB_IDS_PRIVILEGED 1
/* The ids are as with SELF, written by the uid 0 of a user namespace, which is another user on the
 * host. */
#define WB_IDS_NESTED 2
/* There are none: without a user namespace of its own, the payload has the caller's ids. */
#define WB_IDS_KEPT 3
/* There are none either, but init gives up root for the payload's ids, which are ids of the
 * host. */
#define WB_IDS_DROPPED 4

/* A line of an id map: so many ids from `inside` on are those from `outside` on.
 * user_namespaces(7) */
struct wb_id_range {
  uint32_t inside;
  uint32_t outside; /* never holds 0, unless the ids are NESTED */
  uint32_t count;
  uint32_t reserved;
};

struct wb_plan {
  uint32_t magic;
  uint32_t version;
  uint32_t size; /* of the whole plan in bytes */
  uint32_t layers;
  uint32_t namespaces; /* CLONE_NEW* */
  uint32_t ids;        /* WB_IDS_* */
  uint32_t uid;        /* what the payload sees */
  uint32_t gid;
  uint32_t uid_ranges; /* wb_id_range[uid_range_count]; none where the ids are KEPT */
  uint32_t uid_range_count;
  uint32_t gid_ranges;
  uint32_t gid_range_count;
  uint32_t ops; /* wb_op[op_count] */
  uint32_t op_count;
  uint32_t argv; /* uint64_t[argc + 1], offsets of strings; the last is 0 */
  uint32_t argc;
  uint32_t envp; /* the same */
  uint32_t envc;
  uint32_t exec_path;
  uint32_t cwd;
  uint32_t hostname; /* 0 keeps it */
  uint32_t filter;   /* struct sock_filter[filter_count] */
  uint32_t filter_count;
  uint32_t guard; /* a second filter of the same form, loaded first; guard_count may be 0 */
  uint32_t guard_count;
  /* How many instructions at the guard's start are a program that refuses what the supervisor then
   * does on behalf of the payload, if all that follows, and the filter, allow it; or 0. */
  uint32_t guard_behalf;
  /* Guard and filter in one, their refusals turned into notifications: loaded instead of them where
   * the kernel gives a listener; watch_count may be 0. The supervisor answers as they decide. */
  uint32_t watch;
  uint32_t watch_count;
  uint32_t terminal; /* WB_TERMINAL_* */
  uint32_t net;      /* WB_NET_* */
  uint32_t rlimits;  /* wb_rlimit[rlimit_count] */
  uint32_t rlimit_count;
  uint32_t rules; /* wb_landlock_rule[rule_count] */
  uint32_t rule_count;
  uint32_t net_rules; /* wb_net_rule[net_rule_count]; only with WB_NET_RULES, as all that follow */
  uint32_t net_rule_count;
  uint32_t net_resolvers; /* wb_net_address[net_resolver_count] */
  uint32_t net_resolver_count;
  uint32_t net_publish; /* wb_net_publish[net_publish_count] */
  uint32_t net_publish_count;
  uint64_t landlock_fs; /* handled accesses; 0 where the kernel has none */
  uint64_t landlock_net;
  uint64_t landlock_scoped;
  uint64_t private_bytes; /* size of the private tmpfs */
  uint64_t private_inodes;
  /* The limits that the supervisor holds the run to; 0: no limit. It kills the run at all but
   * the last two, which are rlimits as well, and here so that it can tell. */
  uint64_t memory_bytes; /* of all processes and the private tmpfs */
  uint64_t cpu_us;
  uint64_t disk_bytes; /* of the layers of all overlays, and of deleted files that are open */
  uint64_t disk_inodes;
  uint64_t output_bytes; /* of descriptors 1 and 2, which are relayed then */
  uint32_t processes;
  uint32_t open_files;
  uint32_t cgroup;      /* string: directory of cgroup v2 in which one is made for the run, or 0 */
  uint32_t watch_flags; /* WB_WATCH_* */
  /* 1: nothing is executed at the start; init waits for programs at WB_FD_SESSION, and starts each
   * under the same filter, Landlock domain and limits. */
  uint32_t session;
  /* String: the host's directory whose subdirectories are all that the payload may change in a run
   * without namespaces (Landlock isolation); 0 for any other run. */
  uint32_t private_root;
  /* String: a file that the supervisor holds a shared lock on while the sandbox is there, so that
   * no other process removes the image that it shows; or 0. */
  uint32_t image_lock;
  /* The size of the payload's own terminal, where the caller has none whose size it could take:
   * rows << 16 | columns, or 0. */
  uint32_t terminal_size;
  /* uint32_t[run_id_count]: where the run's id belongs, in place of zeros; wb_plan_name writes it.
   * Only of a run without namespaces, where nothing has another path inside: no other plan names
   * its run. */
  uint32_t run_ids;
  uint32_t run_id_count;
};

/* The launch fails where the kernel gives no listener, rather than leave the supervisor untold. */
#define WB_WATCH_REQUIRED 1
/* A thread that waits for an answer wakes up for no signal but a deadly one, where the kernel can
 * do that (Linux 5.19): else each signal would have it ask anew. */
#define WB_WATCH_PATIENT 2
/* Ports that the payload listens on, and that nothing leads to, are told on stderr
 * (supervisor/open_ports.c). */
#define WB_WATCH_PORTS 4
/* Nothing but the set-id guard refuses a set-gid bit: on directories the supervisor sets it
 * (supervisor/metadata.c). */
#define WB_WATCH_DIRECTORIES 8

/* Says whether the payload gets a terminal of its own in place of the caller's: never; where
 * that is one; for stdin and stdout whatever they are. */
#define WB_TERMINAL_NEVER 0
#define WB_TERMINAL_AUTO 1
#define WB_TERMINAL_ALWAYS 2
/* The answer of the supervisor for init, as it sees the caller's descriptors: this, and bit n
 * for each descriptor that the payload's terminal takes the place of. */
#define WB_TERMINAL_DECIDED 8

/* Says what the network reaches beside the sandbox itself. NONE with a network namespace
 * that is the host's (no CLONE_NEWNET) is --net host. */
#define WB_NET_NONE 0
#define WB_NET_RULES 1

/* An address in network byte order; IPv4 as ::ffff:a.b.c.d. */
struct wb_net_address {
  uint32_t word0;
  uint32_t word1;
  uint32_t word2;
  uint32_t word3;
};

#define WB_NET_INTERNET 1
#define WB_NET_NAME 2
/* Names that end in ".name". */
#define WB_NET_WILDCARD 3
#define WB_NET_BLOCK 4

#define WB_NET_ANY 0
#define WB_NET_TCP 6
#define WB_NET_UDP 17

struct wb_net_rule {
  uint32_t kind;     /* WB_NET_INTERNET … */
  uint32_t deny;     /* 1: takes away what others allow */
  uint32_t protocol; /* WB_NET_ANY, _TCP, _UDP */
  uint32_t port_from;
  uint32_t port_to;
  uint32_t name;   /* string: lower case, no final dot */
  uint32_t prefix; /* of a block, 0 to 128 */
  uint32_t word0;  /* its address, as in wb_net_address */
  uint32_t word1;
  uint32_t word2;
  uint32_t word3;
};

/* A listener on the host whose connections are led to a port inside. */
struct wb_net_publish {
  uint32_t word0; /* host address, as in wb_net_address */
  uint32_t word1;
  uint32_t word2;
  uint32_t word3;
  uint32_t host_port;
  uint32_t inside_port;
};

/*
 * Operations on the file tree, executed in order. Targets are paths inside. "/" is the target of
 * the first alone, a BIND that is READ_ONLY or an OVERLAY: it is the root then, in place of an
 * empty one in the private tmpfs. The mount points of an overlay lie in a directory of init's own,
 * above the plan's; those of other views of the host must be there.
 */
#define WB_OP_BIND 1
#define WB_OP_OVERLAY 2
#define WB_OP_PRIVATE 3
#define WB_OP_DIRECTORY 4
#define WB_OP_SYMLINK 5
#define WB_OP_FILE 6
#define WB_OP_HIDE 7
#define WB_OP_PROC 8
#define WB_OP_DEVPTS 9
#define WB_OP_DEVICE 10
/* The message queues of the sandbox's own IPC namespace; an empty directory where the kernel has
 * none. */
#define WB_OP_MQUEUE 11

#define WB_OP_READ_ONLY 1
#define WB_OP_IS_DIRECTORY 2
#define WB_OP_CHECK_IDENTITY 4
/* The source is a mount that the privileged supervisor hands over, opened as root … */
#define WB_OP_HANDED_OVER 8
/* … and id-mapped to the payload. */
#define WB_OP_IDMAP 32
/* A file that is shown in place of one that is there already. */
#define WB_OP_COVER 64
/* The private place that is the home: what a run leaves there is told, where it has no layer. Of an
 * overlay: it stands for that, and what is mounted and linked in it is made in its layer. */
#define WB_OP_HOME 128
/* An overlay whose writes go to the private tmpfs. With a layer, they are copied to it when the run
 * ends: for a layer on a file system that overlayfs cannot write to. Without one, which only the
 * root may be, they are dropped. */
#define WB_OP_IN_MEMORY 256

/* An exclamation mark. */
#define WB_PROC_HIDDEN 33

/* A private place without a layer is a directory of the private tmpfs: this, and the number of its
 * operation. */
#define WB_PRIVATE_NAME "p"
/* The `upper` and `work` of an IN_MEMORY overlay are in a directory of the private tmpfs whose name
 * is this, the letter m, and the number of the operation. */
#define WB_MEMORY_NAME 109

struct wb_op {
  uint32_t kind;
  uint32_t flags;
  uint32_t source; /* string: host path, of an overlay's topmost directory; a link's contents */
  uint32_t target; /* string: absolute path inside */
  /* String: a directory below the run's that holds what is written. Overlay: `upper` and `work`; 0
   * if it is READ_ONLY, or IN_MEMORY and its writes are dropped. Private: `upper`, which is mounted
   * as it is; 0: a directory of the private tmpfs. */
  uint32_t layer;
  uint32_t mode;
  /* Bytes of a file; names in /proc, each with a NUL, that are made read-only or, with
   * WB_PROC_HIDDEN before the name, unreadable. */
  uint32_t data;
  uint32_t data_size;
  uint64_t device; /* device: expected rdev; identity: st_dev */
  uint64_t inode;
  uint32_t lowers; /* wb_lower[lower_count]: below an overlay's source, upper ones first */
  uint32_t lower_count;
};

struct wb_lower {
  uint32_t path;  /* string: host path */
  uint32_t flags; /* WB_OP_CHECK_IDENTITY or 0 */
  uint64_t device;
  uint64_t inode;
};

struct wb_rlimit {
  uint32_t resource;
  uint32_t reserved;
  uint64_t soft;
  uint64_t hard;
};

struct wb_landlock_rule {
  uint32_t path; /* string: absolute path inside */
  uint32_t reserved;
  uint64_t access;
};

/* Steps of a launch, as they are named in errors. */
#define WB_STEP_PLAN 1
#define WB_STEP_MEMFD 2
#define WB_STEP_CONTROL 3
#define WB_STEP_NAMESPACES 4
#define WB_STEP_EXEC_INIT 5
#define WB_STEP_ID_MAPS 6
#define WB_STEP_IDMAP_MOUNT 7
#define WB_STEP_MOUNT_PROPAGATION 8
#define WB_STEP_SCRATCH 9
#define WB_STEP_MOUNT_POINT 10
#define WB_STEP_BIND 11
#define WB_STEP_OVERLAY 12
#define WB_STEP_PRIVATE 13
#define WB_STEP_ENTRY 14
#define WB_STEP_HIDE 15
#define WB_STEP_PROC 16
#define WB_STEP_DEVPTS 17
#define WB_STEP_DEVICE 18
#define WB_STEP_PIVOT_ROOT 19
#define WB_STEP_WORKDIR 20
#define WB_STEP_HOSTNAME 21
#define WB_STEP_LOOPBACK 22
#define WB_STEP_KEYRING 23
#define WB_STEP_CAPABILITIES 24
#define WB_STEP_NO_NEW_PRIVS 25
#define WB_STEP_RLIMITS 26
#define WB_STEP_LANDLOCK 27
#define WB_STEP_SECCOMP 28
#define WB_STEP_SESSION 29
#define WB_STEP_DESCRIPTORS 30
#define WB_STEP_START 31
#define WB_STEP_IDENTITY 32
#define WB_STEP_EXEC 33
#define WB_STEP_PARENT_DEATH 34
#define WB_STEP_STDIO 35
#define WB_STEP_TERMINAL 36
#define WB_STEP_NETWORK 37
#define WB_STEP_PUBLISH 38
#define WB_STEP_LIMITS 39
#define WB_STEP_LISTENER 40
#define WB_STEP_MQUEUE 41
#define WB_STEP_SEAL 42
#define WB_STEP_IMAGE_LOCK 43

/* Commands. GO carries the mounts of a privileged launch as SCM_RIGHTS. */
#define WB_COMMAND_GO 1
#define WB_COMMAND_SIGNAL 2
/* Puts all processes of the sandbox behind those of the host; value: nice. */
#define WB_COMMAND_DEPRIORITISE 3
/* Asks for a SHARED event. */
#define WB_COMMAND_SHARED 4
/* The payload may be executed. Sent once, before all but GO: until then init only gets ready. */
#define WB_COMMAND_PROCEED 5
/* Ends every process of a run without a pid namespace, and init. With one, SIGKILL does. */
#define WB_COMMAND_KILL 6
/* Does so, too, when it is sent to the first process of a run without a pid namespace:
 * addon/init/warden.c. The last real-time signal, which nothing else sends to everybody. */
#define WB_WARDEN_SIGNAL 64
/* Ends every process with the mark of a program of a session; value: WB_LIMIT_* that it exceeded.
 */
#define WB_COMMAND_END_PROGRAM 7
/* Ends processes that have changed their mark. */
#define WB_COMMAND_END_STRAYS 8
/* Keeps all processes of the sandbox but init off one of the processors, where it has another. In a
 * pid namespace alone, where a number is never a process's of the host. */
#define WB_COMMAND_SPARE 9

struct wb_command {
  uint32_t kind;
  uint32_t value;   /* signal number; number of descriptors */
  uint32_t program; /* END_PROGRAM: number of its mark */
  uint32_t reserved;
};

/*
 * The mark of a program of a session that has limits of its own, and of all processes that come
 * from it: two hard limits on what the kernel does not limit any more (RLIMIT_LOCKS), or for no
 * process of a sandbox (RLIMIT_RTTIME). Children inherit them, whichever process is their parent
 * later, and no process can raise one. Their sum is always the same, so that a process cannot take
 * the mark of another program either: it would have to raise one of the two. setrlimit(2)
 */
#define WB_MARK_BASE 1152921504606846976 /* 2^60 */
#define WB_MARK_SUM 3458764513820540928  /* 3 * 2^60 */

/* Events. */
#define WB_EVENT_FAILED 1
/* Carries /proc and the private tmpfs of the sandbox as SCM_RIGHTS, for the supervisor to look at.
 */
#define WB_EVENT_STARTED 2
/* Bits of its `step`: what the sandbox is without, because something around wasbox forbids the call
 * that makes it. None is a wall: the payload cannot make that call either. */
#define WB_LACKS_HOSTNAME 1
/* `step`: how many processes and threads the payload left; of a limited run with a pid namespace.
 */
#define WB_EVENT_ENDED 3
/* Carries the listener of the payload's filter as SCM_RIGHTS, or the errno why there is none. */
#define WB_EVENT_LISTENER 4
/* Carries the master of the payload's own terminal as SCM_RIGHTS. */
#define WB_EVENT_TERMINAL 5
/* How much System V shared memory the sandbox has. */
#define WB_EVENT_SHARED 7

/* Carries something of the sandbox's network as SCM_RIGHTS; `step` says what (WB_NETWORK_*),
 * `error` why there is none. */
#define WB_EVENT_NETWORK 6

#define WB_NETWORK_DNS_UDP 1
#define WB_NETWORK_DNS_TCP 2
#define WB_NETWORK_PACKETS 3
/* A program of a session that has limits of its own is about to be executed; `step` is the number
 * of its mark. */
#define WB_EVENT_PROGRAM 9
/* Init has reaped a process with the mark `step`: `user_us` and `system_us`. */
#define WB_EVENT_REAPED 10
/* A signal stopped the payload; `step` is how many SIGCONT had been forwarded to it before. */
#define WB_EVENT_STOPPED 8

#define WB_EVENT_PATH_MAX 512

/*
 * A program of a session: a part of a plan of its own, in a sealed memfd. Offsets count from its
 * first byte.
 */
#define WB_EXEC_MAGIC 0x43455857
#define WB_EXEC_MAX 4194304
#define WB_EXEC_PATHS_MAX 256

struct wb_exec {
  uint32_t magic;
  uint32_t version; /* WB_WIRE_VERSION */
  uint32_t size;    /* in bytes */
  uint32_t paths;   /* uint64_t[path_count + 1]: offsets of strings; tried one after the other */
  uint32_t path_count;
  uint32_t argv; /* as in a plan */
  uint32_t argc;
  uint32_t envp;
  uint32_t envc;
  uint32_t cwd;  /* string; 0: the plan's */
  uint32_t kind; /* WB_EXEC_* */
  /* The size of the terminal of a program that has one of its own: rows << 16 | columns; else 0. */
  uint32_t terminal;
  /* Limits of its own, below those of the session; 0: none. Of the processes that come from it
   * together: */
  uint64_t memory_bytes;
  uint64_t cpu_us;
  uint64_t file_bytes; /* RLIMIT_FSIZE */
  uint64_t open_files; /* RLIMIT_NOFILE */
};

/* Says what becomes of it: a program, or an operation of init's own on the file that argv
 * names, whose exit status is an errno. READ, LIST (getdents64(2)) and STAT (statx(2)) write
 * to 1, WRITE reads from 0. */
#define WB_EXEC_PROGRAM 0
#define WB_EXEC_READ 1
#define WB_EXEC_WRITE 2
#define WB_EXEC_APPEND 3
#define WB_EXEC_LIST 4
#define WB_EXEC_STAT 5
#define WB_EXEC_LSTAT 6
#define WB_EXEC_REMOVE 7
#define WB_EXEC_REMOVE_TREE 8

/* Programs that a session has at a time. */
#define WB_SESSION_EXECS_MAX 1024

/* Carries as SCM_RIGHTS the memfd of a wb_exec, and pipes for 0, 1 and 2. With a terminal a UNIX
 * socket in their place, to which init sends the master, with one byte, before STARTED. */
#define WB_SESSION_EXEC 1
/* A signal for the process group of a program; `value` is its number. */
#define WB_SESSION_SIGNAL 2
#define WB_SESSION_FDS 4
#define WB_SESSION_TERMINAL_FDS 2

struct wb_session_command {
  uint32_t kind;
  uint32_t id; /* chosen by the sender, not 0; free again after FAILED or ENDED */
  uint32_t value;
  uint32_t reserved;
};

#define WB_SESSION_STARTED 1
#define WB_SESSION_FAILED 2
#define WB_SESSION_ENDED 3
/* Sent once, before all others, with the id 0: programs can be started. */
#define WB_SESSION_READY 4

struct wb_session_event {
  uint32_t kind;
  uint32_t id;
  uint32_t step;    /* FAILED: WB_STEP_* */
  int32_t error;    /* FAILED: errno */
  int32_t status;   /* ENDED: wait status */
  uint32_t limit;   /* ENDED: WB_LIMIT_* of its own that it was ended for, or 0 */
  uint64_t time_ns; /* CLOCK_MONOTONIC */
  uint64_t user_us; /* ENDED: of the program and the children that it waited for */
  uint64_t system_us;
  uint64_t max_rss_kib;
};

/* Lower ports of the machine are root's: for others, one of the sandbox's is published under a
 * number that is higher by this, as 8080 for 80 and 8443 for 443. */
#define WB_PORTS_FIRST_OF_USERS 1024
#define WB_PORTS_HIGHER 8000

/* Exit status of an init that cannot send an event: this, and the errno of sendmsg(2). */
#define WB_EXIT_MUTE 128

struct wb_event {
  uint32_t kind;
  uint32_t step;
  int32_t error;  /* errno */
  int32_t status; /* wait status of the payload */
  uint64_t user_us;
  uint64_t system_us;
  uint64_t max_rss_kib;
  uint64_t time_ns; /* CLOCK_MONOTONIC at the payload's end */
  uint64_t pages;   /* SHARED: in memory */
  /* SHARED: what semaphores and message queues take in the kernel; and for each task, which may
   * have to undo what it did to them, at most. */
  uint64_t kernel_bytes;
  uint64_t task_bytes;
  uint64_t memory_limit; /* PROGRAM: bytes, or 0 */
  uint64_t cpu_limit;    /* PROGRAM: microseconds, or 0 */
};
/* A FAILED event is followed in the same packet by a path of at most WB_EVENT_PATH_MAX bytes. */

#endif

/*
 * Declares what the supervisor gives back: how a run ended, with its tables, and questions while
 * it runs. The addon and the native command hand the bytes to TypeScript, which
 * src/native/decode reads. Same shape as wire.h; src/native/decode/records.generated.ts is
 * generated from it by addon/wire.mjs.
 *
 * All numbers are host-endian.
 */
#ifndef WASBOX_RECORDS_H
#define WASBOX_RECORDS_H

#include <stdint.h>

#include "wire.h"

/* The limits that a run can be ended for, or held to. */
#define WB_LIMIT_NONE 0
#define WB_LIMIT_CPU 1
#define WB_LIMIT_MEMORY 2
#define WB_LIMIT_DISK 3
#define WB_LIMIT_INODES 4
#define WB_LIMIT_OUTPUT 5
#define WB_LIMIT_PROCESSES 6
#define WB_LIMIT_OPEN_FILES 7
/* The private tmpfs was full. */
#define WB_LIMIT_PRIVATE_BYTES 8
#define WB_LIMIT_PRIVATE_INODES 9

/* The use of a run that the supervisor saw; the peaks are those of its samples. */
struct wb_usage {
  uint64_t memory_bytes; /* peak, of all processes and files in memory together */
  uint64_t cpu_us;
  uint64_t disk_bytes; /* last seen */
  uint64_t disk_inodes;
  uint64_t private_bytes; /* at the end */
  uint64_t private_inodes;
  uint64_t output_bytes;
  uint32_t processes; /* peak, of processes and threads, without init */
  uint32_t samples;   /* how many samples it took */
  uint32_t limit;     /* WB_LIMIT_* that the run was ended for */
  uint32_t reached;   /* bit n: refused more at limit n, or beyond it when it ended */
  uint32_t cgroup;    /* 1: the kernel held memory and processes by a cgroup, else the supervisor */
  uint32_t deprioritised; /* 1: it kept so many processes running that others went first */
};

/* Kinds of an end. */
#define WB_ENDED 0
#define WB_SETUP_FAILED 1
#define WB_EXEC_FAILED 2
#define WB_INIT_DIED 3
/* The part that answers the payload's calls failed, and the run was killed. */
#define WB_WATCH_LOST 4
/* Processes of the run are left that could not be ended. */
#define WB_SOME_LEFT 5

#define WB_OUTCOME_MAGIC 0x4d4f4357
#define WB_OUTCOME_MAX 16777216
#define WB_TAIL_MAX 16384

/*
 * How a run ended, its tables behind it: supervisor/outcome.c. A table's offset counts from the
 * first byte of the record, 0 meaning that the run has no such table; its size is in bytes.
 */
struct wb_outcome {
  uint32_t magic;
  uint32_t version;  /* WB_WIRE_VERSION */
  uint32_t size;     /* of the record with its tables */
  uint32_t kind;     /* WB_ENDED … */
  int32_t exit_code; /* -1 where a signal ended it */
  uint32_t signal;
  uint32_t step; /* WB_STEP_* that failed, or 0 */
  int32_t error; /* its errno */
  uint32_t timed_out;
  uint32_t interrupted;     /* 1: killed, because it went on after a second SIGINT or ^C */
  uint32_t stdin_withheld;  /* 1: the payload's stdin was /dev/null (wb_shell_reads) */
  uint32_t typed_interrupt; /* 1: ^C was typed, which only the payload received */
  uint32_t watched;         /* 1: refusals were answered and recorded by the supervisor */
  int32_t watch_error;      /* errno why they were not, or 0 where that was not asked for */
  uint32_t lacks;           /* WB_LACKS_* */
  int32_t udp_error;        /* why UDP reached only the resolver, in a run with rules, or 0 */
  uint32_t home_files;      /* files in the private home at the end */
  uint32_t reserved;
  uint64_t duration_ns;
  uint64_t user_us; /* of the payload and its reaped descendants */
  uint64_t system_us;
  uint64_t max_rss_kib;
  uint64_t refusals_total;
  uint64_t refusals_dropped; /* for which the table had no room */
  uint64_t destinations_dropped;
  uint64_t questions_turned_away; /* denied, because too many were open */
  uint32_t path;                  /* what the failed step was about, without a 0 byte */
  uint32_t path_size;
  uint32_t usage; /* wb_usage */
  uint32_t usage_size;
  uint32_t home; /* paths in the private home, a 0 byte after each; as many as there was room for */
  uint32_t home_size;
  uint32_t tail; /* the end of the output that passed through, if the payload failed by itself */
  uint32_t tail_size;
  uint32_t refusals; /* wb_refusal, each followed by WB_REFUSAL_TEXT_MAX bytes */
  uint32_t refusals_size;
  /* wb_destination, each followed by WB_NET_NAME_MAX + 3 and WB_PROCESS_MAX bytes; only of a run
   * with rules */
  uint32_t destinations;
  uint32_t destinations_size;
  uint32_t audit_totals; /* wb_audit_totals; all of these only with an audit */
  uint32_t audit_totals_size;
  uint32_t audit_counts; /* wb_audit_count */
  uint32_t audit_counts_size;
  uint32_t audit_processes; /* wb_audit_process */
  uint32_t audit_processes_size;
  uint32_t audit_entries; /* wb_audit_entry */
  uint32_t audit_entries_size;
  uint32_t audit_values; /* wb_audit_value */
  uint32_t audit_values_size;
  uint32_t audit_texts; /* what the entries' offsets lead into */
  uint32_t audit_texts_size;
};

/* The question that the user is asked to decide while the payload waits; the texts
 * follow the structure in the order of their sizes. */
#define WB_QUESTIONS_MAX 32
#define WB_QUESTION_TEXT_MAX 12288

#define WB_QUESTION_NETWORK 1
#define WB_QUESTION_FILE 2
#define WB_QUESTION_CALL 3
/* No call waits for these, and no process is known: pid 0. A name has no target. */
#define WB_QUESTION_UDP 4
#define WB_QUESTION_NAME 5

/* The uses that a file is wanted for. */
#define WB_QUESTION_READ 1
#define WB_QUESTION_WRITE 2
#define WB_QUESTION_EMPTY 4
#define WB_QUESTION_DIRECTORY 8

struct wb_question {
  uint64_t id;   /* counts from 1 in each run */
  uint32_t kind; /* WB_QUESTION_* */
  uint32_t arch; /* AUDIT_ARCH_* */
  uint32_t nr;
  uint32_t pid;         /* of the thread that waits, in the supervisor's pid namespace */
  uint32_t access;      /* WB_QUESTION_READ … */
  uint32_t target_size; /* struct sockaddr; or the file on the host, without symbolic links */
  uint32_t asked_size;  /* the path as the payload named it */
  uint32_t name_size;   /* of the process, as it calls itself */
  uint32_t exe_size;    /* path of its executable, inside */
  uint32_t argv_size;   /* its arguments, as it shows them, each with a NUL behind it */
  uint32_t argv_cut;    /* 1: there are more */
  uint32_t reserved;
  uint64_t arg0;
  uint64_t arg1;
  uint64_t arg2;
  uint64_t arg3;
  uint64_t arg4;
  uint64_t arg5;
};

#define WB_DECISION_DENY 1
#define WB_DECISION_ALLOW 2

/* The calls that the payload was refused, counted by the supervisor; one record for all calls
 * that differ in nothing a person would want to know. */
#define WB_REFUSALS_MAX 256
#define WB_REFUSAL_TEXT_MAX 256

/* The kinds of a record's text. */
#define WB_TARGET_NONE 0
#define WB_TARGET_PATH 1
#define WB_TARGET_ADDRESS 2
/* The call has one, but it could not be read, or so many were read that no more are. */
#define WB_TARGET_UNREAD 3
/* A name that was looked up while the network is off: `nr` is connect(2). */
#define WB_TARGET_NAME 4

struct wb_refusal {
  uint32_t arch; /* AUDIT_ARCH_* */
  uint32_t nr;
  int32_t error;        /* errno it was answered with; 0: the kernel decided, see `watch` */
  uint32_t target;      /* WB_TARGET_* */
  uint32_t target_size; /* bytes of the text that follows the structure */
  uint32_t truncated;   /* 1: the text was longer */
  uint32_t selectors;   /* bit n: argument n tells this record from others of the same call */
  uint32_t pid;         /* of the first such call, in the supervisor's pid namespace */
  uint64_t count;
  uint64_t arg0; /* arguments of the first such call */
  uint64_t arg1;
  uint64_t arg2;
  uint64_t arg3;
  uint64_t arg4;
  uint64_t arg5;
  uint64_t last_ns; /* when the last such call was made; CLOCK_MONOTONIC */
};

/* Where the payload wanted to go, or was asked about by name. */
#define WB_DESTINATIONS_MAX 512
#define WB_PROCESS_MAX 16

#define WB_ALLOWED 0
#define WB_REFUSED 1
/* A name was allowed, but its addresses belong to this host or its networks. */
#define WB_REFUSED_ADDRESS 2
/* A resolver did not answer, or with something that is no answer. */
#define WB_RESOLVER_SILENT 3
#define WB_RESOLVER_WRONG 4
/* A rule of --net-deny names it: the user is not asked, and no other rule would help. */
#define WB_DENIED 5
/* A name was allowed, and a resolver says that there is none such, or that it cannot say. */
#define WB_NAME_UNKNOWN 6
#define WB_RESOLVER_FAILED 7

/* Protocols of a destination, beside WB_NET_TCP and WB_NET_UDP. */
#define WB_NET_LOOKUP 53

struct wb_destination {
  uint32_t protocol;
  uint32_t verdict; /* WB_ALLOWED … */
  uint32_t word0;   /* address, as in wb_net_address; zeros for a look-up */
  uint32_t word1;
  uint32_t word2;
  uint32_t word3;
  uint32_t port;
  uint32_t pid;       /* of the first, in the supervisor's pid namespace; 0: not known */
  uint32_t name_size; /* bytes of the name that follows, in WB_NET_NAME_MAX + 3; then the process'
                         name */
  uint32_t reserved;
  uint64_t count;
  uint64_t bytes;   /* of UDP, both ways */
  uint64_t last_ns; /* when it last wanted to; CLOCK_MONOTONIC */
};

/* The actions of a run, recorded by the supervisor where `--audit` asks for it: every call
 * is then a question. Tables of fixed size; times are nanoseconds since the start of the
 * run. */
#define WB_AUDIT_PROCESSES_MAX 4096
#define WB_AUDIT_ENTRIES_MAX 16384
#define WB_AUDIT_VALUES_MAX 1024
#define WB_AUDIT_CALLS_MAX 512
#define WB_AUDIT_TEXTS_MAX 4194304
/* The size of one entry: a path, or a path and arguments, each ended by a zero. */
#define WB_AUDIT_TEXT_MAX 4096
#define WB_AUDIT_ARGUMENTS_MAX 2048

/* How many processes there are is in `processes`, and so on; dropped is what found no room. */
struct wb_audit_totals {
  uint64_t calls;
  uint64_t dropped_entries;
  uint64_t dropped_processes;
  uint64_t dropped_values;
  uint64_t unread;     /* calls whose path or address could not be read */
  uint64_t started_ns; /* what the other times count from; CLOCK_MONOTONIC */
};

struct wb_audit_count {
  uint64_t count;   /* calls of one number, by its place in the table */
  uint64_t refused; /* of them, by the policy */
};

struct wb_audit_process {
  uint32_t pid;     /* in the supervisor's pid namespace */
  uint32_t inside;  /* in the sandbox's */
  uint32_t parent;  /* 1 + place of its parent in the table, 0: init */
  uint32_t threads; /* that made a call */
  uint32_t ended;   /* 1: it ended by itself, with `status` */
  int32_t status;
  uint64_t started_ns;
  uint64_t ended_ns;
  uint64_t calls;
  uint64_t max_rss_kib; /* the following three: at its end, 0 where it was killed */
  uint64_t read_bytes;
  uint64_t written_bytes;
};

#define WB_AUDIT_READ 1
#define WB_AUDIT_WRITE 2
#define WB_AUDIT_CREATE 3
#define WB_AUDIT_DELETE 4
#define WB_AUDIT_RENAME 5
#define WB_AUDIT_DIRECTORY 6
#define WB_AUDIT_LINK 7
#define WB_AUDIT_SYMLINK 8
#define WB_AUDIT_ATTRIBUTES 9
#define WB_AUDIT_LOOK 10
#define WB_AUDIT_EXEC 11
#define WB_AUDIT_CONNECT 12
#define WB_AUDIT_BIND 13
#define WB_AUDIT_SEND 14

/* Flags of an entry: the policy refused it; the text was cut; an address, not a path. */
#define WB_AUDIT_REFUSED 1
#define WB_AUDIT_CUT 2
#define WB_AUDIT_ADDRESS 4
/* It was not looked at whether it could be done. */
#define WB_AUDIT_UNPROBED 8
#define WB_AUDIT_DEVICE 16

struct wb_audit_entry {
  uint32_t kind;    /* WB_AUDIT_* */
  uint32_t nr;      /* of the first such call; `process` likewise */
  uint32_t process; /* 1 + place in the table, 0: unknown */
  int32_t error;    /* what stood in its way just before the call: an errno, or 0 */
  uint32_t flags;
  uint32_t text;  /* offset in the texts */
  uint32_t size;  /* bytes */
  uint32_t first; /* bytes of them that are the path; a second path or the arguments follow */
  uint64_t count;
  uint64_t first_ns;
  uint64_t last_ns;
};

/* A value that an argument had which tells one use of a call from another. */
struct wb_audit_value {
  uint32_t nr;
  uint32_t argument;
  uint64_t value;
  uint64_t count;
};

#endif

/* Records what a run does, call by call, where `--audit` asks for it. */
#ifndef WASBOX_AUDIT_H
#define WASBOX_AUDIT_H

#include <stdint.h>

#include "../records.h"

struct wb_pin;
struct wb_ids;

#ifdef __cplusplus
extern "C" {
#endif

/* Places of a table by a hash; 0 is free, else 1 + place. A power of two. */
#define WB_AUDIT_SLOTS 65536
#define WB_AUDIT_THREADS 8192

struct wb_audit_thread {
  uint32_t tid;
  uint32_t process; /* 1 + place; 0: none is kept */
};

/* Bytes that a process has read and written, as /proc/PID/io counts them. */
struct wb_audit_io {
  uint64_t read_bytes, written_bytes;
};

struct wb_audit {
  struct wb_audit_io set_up; /* of the first process, before the program in it ran */
  uint32_t set_up_looks;
  uint64_t started_ns;
  int root;                 /* of the sandbox, O_PATH; -1 before the first look */
  const struct wb_ids *ids; /* that the sandbox has; borrowed */
  uint64_t files_max;       /* descriptors that a process may have; 0 without a limit */
  int files_counted;        /* the kernel tells how many descriptors a process has */
  int files_full;           /* a process that had so many asked for another one */
  struct wb_audit_totals totals;
  uint32_t processes, entries, values, texts; /* used of each table; bytes of the texts */
  uint32_t lookups;                           /* entries that are only lookups */
  uint32_t threads_used;
  struct wb_audit_count counts[WB_AUDIT_CALLS_MAX];
  struct wb_audit_process process[WB_AUDIT_PROCESSES_MAX];
  struct wb_audit_entry entry[WB_AUDIT_ENTRIES_MAX];
  struct wb_audit_value value[WB_AUDIT_VALUES_MAX];
  uint32_t slots[WB_AUDIT_SLOTS];
  uint32_t value_slots[WB_AUDIT_VALUES_MAX * 2];
  struct wb_audit_thread thread[WB_AUDIT_THREADS];
  char text[WB_AUDIT_TEXTS_MAX];
  /* The facts that were read of the latest question, until it is settled. */
  unsigned pends; /* WB_AUDIT_FOUND …, or 0 */
  struct wb_audit_entry pending;
  char pending_text[2 * WB_AUDIT_TEXT_MAX];
};

/* The state of what pends: there is an entry; nothing could be read; it does not matter if it is
 * lost. */
#define WB_AUDIT_FOUND 1u
#define WB_AUDIT_UNREAD 2u
#define WB_AUDIT_MAY_BE_LOST 4u

/* Empty tables, or NULL. */
struct wb_audit *wb_audit_new(void);
void wb_audit_free(struct wb_audit *audit);

/*
 * audit.c: takes note of a call while its caller waits. `error` is the errno that the policy
 * answers with, 0 where it lets the kernel go on. Reads the caller's memory and /proc; decides
 * nothing.
 */
void wb_audit_observe(struct wb_audit *audit, struct wb_pin *caller, int error);

/*
 * Called after each: keeps what was read if the question `stood` all the while, which the kernel
 * says when it takes the answer. Otherwise the caller may have died, and what was read be
 * another's.
 */
void wb_audit_settle(struct wb_audit *audit, int stood);

/* audit_table.c: adds to an entry that is the same but for count and time, or makes one. `text` has
 * `entry->size` bytes. */
void wb_audit_add(struct wb_audit *audit, struct wb_audit_entry *entry, const char *text);
void wb_audit_add_value(struct wb_audit *audit, uint32_t nr, uint32_t argument, uint64_t value);

/* audit_process.c: the process of a thread that asks, 1 + its place; 0 where there is no room. */
uint32_t wb_audit_process_of(struct wb_audit *audit, struct wb_pin *caller, uint64_t now);
void wb_audit_process_ends(struct wb_audit *audit, uint32_t process, struct wb_pin *caller,
                           int32_t status, uint64_t now);
void wb_audit_thread_ends(struct wb_audit *audit, uint32_t tid);

/*
 * audit_path.c: the absolute path, in the sandbox, of what a thread names by a descriptor of a
 * directory and a text in its memory. Returns its length without the zero, 0 where it could not be
 * read. `*cut` where it was longer than `size`.
 */
uint32_t wb_audit_path(struct wb_pin *caller, int directory, uint64_t address, char *path,
                       uint32_t size, int *cut);

/* Finds what would stand in the way of a use of `path`, as the supervisor's own user: 0 or an
 * errno. */
#define WB_PROBE_READ 1
#define WB_PROBE_WRITE 2
#define WB_PROBE_EXECUTE 4
#define WB_PROBE_NO_FOLLOW 8
/* It is to be made: its directory must be writable; and with NEW it must not be there yet. */
#define WB_PROBE_MAKE 16
#define WB_PROBE_NEW 32
/* It is to be removed: it must be there, and its directory writable. */
#define WB_PROBE_REMOVE 64
/* `*existed` says whether it was there. */
int wb_audit_probe(struct wb_audit *audit, struct wb_pin *caller, const char *path, unsigned how,
                   int *existed);

#ifdef __cplusplus
}
#endif
#endif

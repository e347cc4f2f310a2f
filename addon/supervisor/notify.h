/* Refusals of the payload's filter: answered, counted, kept in a table of fixed size. */
#ifndef WASBOX_NOTIFY_H
#define WASBOX_NOTIFY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../records.h"

struct sock_filter;
struct seccomp_notif;
struct wb_pin;
struct wb_asker;
struct wb_audit;
struct wb_lookups;
struct wb_moves;
struct wb_network;
struct wb_open_ports;
struct wb_ptys;

#ifdef __cplusplus
extern "C" {
#endif

#define WB_CALL_SLOTS 512

struct wb_refusal_entry {
  struct wb_refusal record;
  unsigned char text[WB_REFUSAL_TEXT_MAX]; /* record.target_size bytes of it */
};

struct wb_refusals {
  uint64_t total;   /* refusals, and watched calls that were recorded */
  uint64_t dropped; /* of those, the ones that found no room */
  uint32_t used;
  struct wb_refusal_entry entries[WB_REFUSALS_MAX];
  uint32_t seen[WB_CALL_SLOTS]; /* how often a call's target was read */
};

/* refusals.c: an empty table, or NULL; both for callers that are not C. */
struct wb_refusals *wb_refusals_new(void);
void wb_refusals_free(struct wb_refusals *refusals);

/* refusals.c: the bytes of the entries while the run goes on, from another thread than the one that
 * counts. Those that are there stay; only their counts and times change. */
size_t wb_refusals_so_far(const struct wb_refusals *refusals, const void **entries);

/* The ids that exist inside, borrowed from the plan; without ranges, all that the host has. And
 * what the host calls the payload's own, or 0 where they are the supervisor's. */
struct wb_ids {
  const struct wb_id_range *uids, *gids;
  uint32_t uid_count, gid_count;
  uint32_t host_uid, host_gid;
};

/* refusals.c: counts a record as one more of its like, or keeps a copy; `text` has
 * record->target_size bytes.
 */
void wb_refusals_count(struct wb_refusals *refusals, const struct wb_refusal *record,
                       const unsigned char *text);

struct wb_watch {
  int listener; /* owned; -1: there is none, */
  int over;     /* and will be none any more: packets may come before the listener does */
  /* The filters that the payload's filter stands for: a call must be allowed by both.
   * `guard_count` may be 0.
   */
  const struct sock_filter *filter, *guard;
  uint32_t filter_count, guard_count;
  uint32_t guard_behalf; /* see wire.h */
  int directories;       /* WB_WATCH_DIRECTORIES */
  struct wb_ids ids;
  struct wb_refusals *refusals; /* borrowed; NULL: answered but not recorded */
  struct wb_asker *asker;       /* borrowed; NULL: nothing is asked */
  /* `observe` hears of every question before its answer, in which it has no part; `settle` hears
   * afterwards whether the question stood. Both are NULL without an audit. */
  void (*observe)(struct wb_audit *audit, struct wb_pin *caller, int error);
  void (*settle)(struct wb_audit *audit, int stood);
  struct wb_audit *audit; /* borrowed */
  /* Borrowed from the plan: of Landlock isolation, whose filter refuses what the supervisor then
   * does below it; NULL for any other run. */
  const char *private_root;
  int isolated;                /* whether the sandbox has a network of its own */
  struct wb_network *network;  /* borrowed; NULL: the sandbox has no rules for it */
  struct wb_lookups *lookups;  /* borrowed; of an isolated sandbox */
  struct wb_open_ports *ports; /* borrowed */
  struct wb_moves *moves;      /* borrowed; of one with copy-on-write trees */
  struct wb_ptys *ptys;        /* borrowed; of Landlock isolation */
};

/* Takes a listener over. Returns 0, or an errno where this program cannot serve it. */
int wb_watch_open(struct wb_watch *watch, int listener);

/* Answers one question of the listener, which poll(2) called readable. Does not wait. Returns -1
 * where the listener is of no use any more. */
int wb_watch_answer(const struct wb_watch *watch);

/* Takes the payload's ids, as root without a user namespace around the payload, so that what is
 * looked at and done is what the payload may, in containers without CAP_SYS_PTRACE as well; and
 * goes back. 0, or -1 where the listener is of no use any more. What wb_watch_answer calls has
 * them. */
int wb_watch_assume(const struct wb_watch *watch);
int wb_watch_resume(const struct wb_watch *watch);

/* emulate.c: whether the call is one that the supervisor answers in the kernel's place; then
 * `*error` is the errno, or 0. */
int wb_emulate(const struct wb_ids *ids, struct wb_pin *caller, int *error);

/* metadata.c: whether the call is one that the filter refuses and the supervisor does in the
 * payload's place, on files of the run alone; then `*error` is the errno, or 0. */
int wb_metadata(const struct wb_watch *watch, struct wb_pin *caller, int *error);

/* metadata.c: a call that the set-id guard refuses, and the policy allows. On a directory the bit
 * of the group says whose group its entries have, and nothing runs with other rights: then the
 * supervisor sets the mode in the payload's place. Returns 0, or an errno where the refusal stands
 * or the kernel refuses. */
#define WB_SET_GID 02000
int wb_share_directory(const struct wb_watch *watch, struct wb_pin *caller);

/* metadata.c: which argument of a call is the mode that it gives a file; -1: none is. */
int wb_mode_argument(int nr);

/* own_thread.c: whether the call is one that the filter refuses because it can name any thread, and
 * that names the caller or its process: the kernel may then go on with it. */
int wb_own_thread(struct wb_pin *caller);

/* notify.c: records a call as refused; an errno of 0 means that the kernel decided. */
void wb_watch_note(const struct wb_watch *watch, struct wb_pin *caller, int error);

/* --- notification.c --- */

/* Room for the kernel's answer, which may grow. */
#define WB_RESPONSE_MAX 128

/* Returns whether the caller waits for the answer: what was read of the process before is its
 * own. */
int wb_listener_stands(int listener, uint64_t notification);
int wb_watch_valid(const struct wb_watch *watch, uint64_t notification);

/* Answers: with an errno; with a value, where the errno is 0; or, with `let`, that the kernel go on
 * with the call. Returns 1; 0 where the caller waits no more; -1 with errno. */
int wb_watch_respond(const struct wb_watch *watch, uint64_t notification, int error, int64_t value,
                     int let);

/* Answers with a copy of `file` among the caller's descriptors. Returns 1; 0 where the caller waits
 * no more; or a negative errno, and the answer is still owed. */
int wb_watch_give(const struct wb_watch *watch, uint64_t notification, int file, int close_on_exec);

/* Puts a copy of `file` in the place of one of the caller's descriptors; nothing is answered.
 * Returns 0 or an errno. */
int wb_watch_replace(const struct wb_watch *watch, uint64_t notification, int file, int number,
                     int close_on_exec);

/* --- payload_path.c --- */

#define WB_PAYLOAD_PATH_MAX 4096

/* Opens with O_PATH what a descriptor of the payload's leads to, or with AT_FDCWD its current
 * directory. Returns a descriptor or a negative errno. */
long wb_payload_descriptor(struct wb_pin *caller, int fd);

/* Makes a path inside absolute: relative ones begin at a directory that is open there, or with
 * AT_FDCWD at the current one. Returns 0 or an errno. */
int wb_payload_absolute(struct wb_pin *caller, int directory, char path[WB_PAYLOAD_PATH_MAX]);

/* Opens a path, relative ones from `base`, as wb_payload_descriptor. Links of /proc are followed
 * only to descriptors of the payload's own. */
long wb_payload_open(struct wb_pin *caller, int base, const char path[WB_PAYLOAD_PATH_MAX],
                     int no_follow);

#ifdef __cplusplus
}
#endif
#endif

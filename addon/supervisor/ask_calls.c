/*
 * Decides which calls become questions, and what a decision does. Called by notify.c before it
 * answers, and by ask.c with the decision.
 *
 * An answer allows exactly what was shown: a call continues only if its whole meaning is in
 * registers, which no other thread can change while it waits.
 */
#define _GNU_SOURCE
#include "ask_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "inside.h"
#include "judge.h"

static void note(const struct wb_watch *watch, const struct wb_held *held, int error) {
  const struct seccomp_notif notif = {
      .id = held->notification, .pid = held->pid, .data = held->data};
  struct wb_pin caller;
  wb_pin_begin(&caller, watch, &notif);
  wb_watch_note(watch, &caller, error);
  wb_pin_end(&caller);
}

/* --- a call that the policy refuses ----------------------------------------------------------- */

static void decide_call(struct wb_asker *asker, const struct wb_watch *watch, struct wb_held *held,
                        uint32_t decision) {
  (void)asker;
  const int allow = decision == WB_DECISION_ALLOW;
  if (!allow)
    note(watch, held, held->error);
  wb_watch_respond(watch, held->notification, held->error, 0, allow);
}

/* No answer overrides a guard. */
static int guard_allows(const struct wb_watch *watch, const struct seccomp_data *data) {
  return !watch->guard_count || (wb_judge(watch->guard, watch->guard_count, data) &
                                 SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ALLOW;
}

static int can_allow(const struct wb_ask_options *options, int nr) {
  return nr >= 0 && nr < WB_CALL_SLOTS && (options->calls[nr / 32] >> nr % 32 & 1);
}

static int take_call(struct wb_asker *asker, const struct wb_watch *watch, struct wb_pin *caller,
                     int error) {
  const struct seccomp_data *data = &caller->call->data;
  struct wb_question_packet packet;
  if (!can_allow(wb_asker_options(asker), data->nr) || !guard_allows(watch, data))
    return 0;
  wb_question_begin(&packet, WB_QUESTION_CALL, caller);
  wb_question_target(&packet, caller, NULL, 0, NULL, 0);
  struct wb_held *held = wb_ask(asker, caller, &packet, -1, decide_call);
  if (held)
    held->error = error;
  return held != NULL;
}

/* --- a file that fails to open inside ----------------------------------------------------------
 */

/* The flags of open(2) that are carried over to a file that is lent. */
#define LENT_FLAGS                                                                                 \
  (O_ACCMODE | O_APPEND | O_NONBLOCK | O_TRUNC | O_DIRECTORY | O_DIRECT | O_SYNC | O_DSYNC)

struct lending {
  const struct wb_watch *watch;
  const struct wb_held *held;
};

static int give(int file, void *context) {
  const struct lending *lending = context;
  const struct wb_held *held = lending->held;
  const int sent = wb_watch_give(lending->watch, held->notification, file, held->flags & O_CLOEXEC);
  return sent < 0 ? -sent : 0;
}

static void decide_file(struct wb_asker *asker, const struct wb_watch *watch, struct wb_held *held,
                        uint32_t decision) {
  (void)asker;
  if (decision != WB_DECISION_ALLOW) {
    note(watch, held, 0);
    /* The kernel says what it says without us. */
    wb_watch_respond(watch, held->notification, 0, 0, 1);
    return;
  }
  char link[64], path[WB_INSIDE_PATH_MAX];
  struct stat info;
  snprintf(link, sizeof link, "/proc/self/fd/%d", held->file);
  ssize_t n = readlink(link, path, sizeof path - 1);
  int error = n > 0 && fstat(held->file, &info) == 0 ? 0 : ESTALE;
  if (!error) {
    struct lending lending = {watch, held};
    path[n] = 0;
    error = wb_host_lend(path, info.st_dev, info.st_ino, held->flags & LENT_FLAGS, give, &lending);
  }
  if (error)
    wb_watch_respond(watch, held->notification, error, 0, 0);
}

/* Reads the call's arguments. Returns 0 for a call that the user is never asked about. */
static int read_opening(struct wb_pin *caller, struct wb_opening *opening) {
  const struct seccomp_data *data = &caller->call->data;
  const __u64 *args = data->args;
  uint64_t path, flags;
  *opening = (struct wb_opening){.caller = caller, .directory = AT_FDCWD};
  switch (data->nr) {
#ifdef SYS_open
  case SYS_open:
    path = args[0];
    flags = args[1];
    break;
#endif
  case SYS_openat:
    opening->directory = (int)args[0];
    path = args[1];
    flags = args[2];
    break;
  case SYS_openat2: {
    struct open_how how;
    /* A caller that limits how its path is resolved wants no other file. */
    if (args[3] != sizeof how || wb_pin_copy(caller, args[2], &how, sizeof how) != sizeof how ||
        how.resolve)
      return 0;
    opening->directory = (int)args[0];
    path = args[1];
    flags = how.flags;
    break;
  }
  default:
    return 0;
  }
  opening->flags = (int)flags;
  if ((flags & O_PATH) || (flags & O_TMPFILE) == O_TMPFILE ||
      (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL) || (flags & O_ACCMODE) == O_ACCMODE)
    return 0;
  size_t n = wb_pin_read(caller, path, opening->path, sizeof opening->path);
  return n > 0 && opening->path[0] && memchr(opening->path, 0, n);
}

static int below(const char *path, const char *directory) {
  size_t length = strlen(directory);
  return strncmp(path, directory, length) == 0 && (path[length] == '/' || !path[length]);
}

static int is_systems(const char *path) {
  return below(path, "/proc") || below(path, "/sys") || below(path, "/dev");
}

static int take_file(struct wb_asker *asker, struct wb_pin *caller) {
  const struct wb_ask_options *options = wb_asker_options(asker);
  struct wb_question_packet packet;
  struct wb_opening opening;
  struct wb_host_file file;
  char asked[WB_INSIDE_PATH_MAX];
  if (!options->files || !read_opening(caller, &opening))
    return 0;
  memcpy(asked, opening.path, sizeof asked);
  if (wb_inside_absolute(&opening) != 0 || is_systems(opening.path))
    return 0;
  const struct wb_inside_user user = {options->uid, options->gid};
  if (!wb_inside_fails(&opening, user) || wb_host_find(&file, &opening) != 0)
    return 0;
  if (is_systems(file.path)) { /* by another spelling, or a link */
    close(file.fd);
    return 0;
  }
  wb_question_begin(&packet, WB_QUESTION_FILE, caller);
  const int mode = opening.flags & O_ACCMODE;
  packet.head.access =
      (mode != O_WRONLY ? WB_QUESTION_READ : 0) | (mode != O_RDONLY ? WB_QUESTION_WRITE : 0);
  if (mode != O_RDONLY && (opening.flags & O_TRUNC))
    packet.head.access |= WB_QUESTION_EMPTY;
  if (file.directory)
    packet.head.access |= WB_QUESTION_DIRECTORY;
  wb_question_target(&packet, caller, file.path, (uint32_t)strlen(file.path), asked,
                     (uint32_t)strlen(asked));
  struct wb_held *held = wb_ask(asker, caller, &packet, file.fd, decide_file);
  if (!held) {
    close(file.fd);
    return 0;
  }
  held->flags = (uint32_t)opening.flags & ~(mode == O_RDONLY ? (uint32_t)O_TRUNC : 0);
  if (file.directory)
    held->flags |= O_DIRECTORY;
  return 1;
}

int wb_ask_take_call(struct wb_asker *asker, const struct wb_watch *watch, struct wb_pin *caller,
                     uint32_t verdict) {
  switch (verdict & SECCOMP_RET_ACTION_FULL) {
  case SECCOMP_RET_ERRNO:
    return take_call(asker, watch, caller, (int)(verdict & SECCOMP_RET_DATA));
  case SECCOMP_RET_ALLOW:
  case SECCOMP_RET_LOG:
    return take_file(asker, caller);
  default:
    return 0;
  }
}

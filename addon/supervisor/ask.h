/* Questions that are answered outside while the payload waits for its call to return. */
#ifndef WASBOX_ASK_H
#define WASBOX_ASK_H

#include <linux/seccomp.h>
#include <stdint.h>

#include "../records.h"
#include "notify.h"
#include "pin.h"

#ifdef __cplusplus
extern "C" {
#endif

struct wb_held;

/* The callbacks of the caller. Both run on the supervising thread and must not wait. */
struct wb_ask_host {
  void *context;
  /* The texts are borrowed. Returns 0, or -1 if it cannot ask: then the question is denied. */
  int (*ask)(void *context, const struct wb_question *question, const unsigned char *texts);
  /* An answer would come too late: the time is over (`late`), or the process has exited. */
  void (*withdraw)(void *context, uint64_t id, int late);
};

struct wb_ask_options {
  uint64_t timeout_ns; /* until a question counts as denied; 0: never */
  int terminal;        /* whether questions are shown at the terminal of the run */
  int files;           /* whether to ask about files that fail to open inside */
  int network;         /* whether to ask about addresses that the rules do not allow */
  uint32_t uid, gid;   /* the payload's on the host, where the supervisor has more rights; else 0 */
  /* Bit n: call n can be allowed, because its whole meaning is in registers. */
  uint32_t calls[WB_CALL_SLOTS / 32];
};

/* A notification that waits for a decision, or for its effect. */
struct wb_held {
  uint64_t id;
  uint64_t deadline; /* 0: none */
  uint32_t pid;
  int standing; /* no call waits for it: it ends by an answer, its deadline, or with the run */
  uint64_t notification;
  struct seccomp_data data;
  int state;      /* of ask.c */
  int32_t error;  /* what a denied call gets; 0: what the kernel says of it */
  int file;       /* closed with it; -1: none */
  uint32_t flags; /* of open(2) */
  void *context;  /* of the caller of wb_ask */
  unsigned char bytes[32] __attribute__((aligned(8))); /* struct sockaddr */
  uint32_t size;
  /* Carries a decision out. The notification is its own to answer, now or, after wb_ask_wait,
   * later; it must not wait. */
  void (*decided)(struct wb_asker *asker, const struct wb_watch *watch, struct wb_held *held,
                  uint32_t decision);
};

/* 1: the notification is taken over and will be answered; 0: nothing to ask, answer it. */
typedef int wb_ask_take(struct wb_asker *asker, const struct wb_watch *watch, struct wb_pin *caller,
                        uint32_t verdict);

/* The functions that supervise.c and notify.c use, so that a program that never asks need not
 * link ask.c. */
struct wb_asker {
  int fd; /* readable where `serve` has something to do */
  wb_ask_take *take;
  void (*serve)(struct wb_asker *asker, const struct wb_watch *watch);
  /* Milliseconds until `serve` must be called anyway; -1: none. */
  int (*wait_ms)(const struct wb_asker *asker);
  /* Returns whether a question may be shown at the terminal now: nothing is relayed meanwhile. */
  int (*wants_terminal)(const struct wb_asker *asker);
};

/* `take` decides what is asked about: ask_calls.h. NULL with errno. Both for the thread that asks
 * for the run. */
struct wb_asker *wb_asker_new(const struct wb_ask_host *host, const struct wb_ask_options *options,
                              wb_ask_take *take);
void wb_asker_free(struct wb_asker *asker);

/* Any thread: the decision on a question. Returns 0 or an errno; late answers are no error. */
int wb_asker_answer(struct wb_asker *asker, uint64_t id, uint32_t decision);

/* Any thread: whether a question is on the terminal, which is held as long, answered or not. */
void wb_asker_show(struct wb_asker *asker, int showing);

/* How many questions were denied unasked, because too many waited or `ask` failed. */
uint64_t wb_asker_turned_away(const struct wb_asker *asker);

/* --- for ask_calls.c, and for addon/net, which asks about destinations ------------------------ */

const struct wb_ask_options *wb_asker_options(const struct wb_asker *asker);

/* The size of a path or address, and of the path as it was asked for. */
#define WB_QUESTION_TARGET_MAX 4096

struct wb_question_packet {
  struct wb_question head;
  unsigned char texts[WB_QUESTION_TEXT_MAX];
};

/* Begins a question: kind, call and arguments; `caller` is NULL where no call waits for it. */
void wb_question_begin(struct wb_question_packet *packet, uint32_t kind,
                       const struct wb_pin *caller);
/* Target and what was asked for, in this order, then the process that asks. */
void wb_question_target(struct wb_question_packet *packet, struct wb_pin *caller,
                        const void *target, uint32_t size, const void *asked, uint32_t asked_size);

/* Holds the notification and puts the question. NULL where it cannot be put: the caller refuses.
 * Takes over `file` where it succeeds. Without a notification it is about something else that
 * waits; then `decided` is called unless the run ends first. */
struct wb_held *wb_ask(struct wb_asker *asker, const struct wb_pin *caller,
                       struct wb_question_packet *packet, int file,
                       void (*decided)(struct wb_asker *, const struct wb_watch *, struct wb_held *,
                                       uint32_t));

/* Called from `decided`: keeps the notification held until `file` (see held->file) is ready for
 * `events` of epoll(7), and then calls `decided` again, with WB_DECISION_ALLOW. */
int wb_ask_wait(struct wb_asker *asker, struct wb_held *held, uint32_t events);

#ifdef __cplusplus
}
#endif
#endif

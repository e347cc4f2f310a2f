/*
 * The questions of a run: a table of fixed size, a pipe for the answers, an epoll instance for all
 * that may happen meanwhile. Called by supervise.c through struct wb_asker; ask_calls.c decides
 * what is asked and what an answer does.
 *
 *   notification ─▶ take (ask_calls.c) ─▶ wb_ask: held ─▶ host.ask ─▶ another thread
 *   answer of the kernel ◀── decided (ask_calls.c) ◀── serve ◀── pipe ◀── wb_asker_answer
 *
 * The supervising thread never waits for an answer. A held notification ends by an answer, by its
 * deadline, or when its process stops waiting: it died or was interrupted.
 */
#define _GNU_SOURCE
#include "ask.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "supervisor.h"

/* How often to check that processes still wait; the kernel does not notify of it. */
#define LOOK_MS 100
/* How much of an executable's path and of its arguments a question shows. */
#define EXE_MAX 1024
#define ARGV_MAX 2048

enum { FREE, ASKED, WAITING };

struct answer {
  uint64_t id;
  uint32_t decision, reserved;
};

struct table {
  struct wb_asker asker; /* first: what others see */
  struct wb_ask_host host;
  struct wb_ask_options options;
  int answers[2]; /* read by the supervising thread, written by any */
  uint64_t last_id, turned_away;
  uint32_t used;
  int showing; /* a question is on the terminal; atomic */
  struct wb_held held[WB_QUESTIONS_MAX];
};

static struct table *table_of(struct wb_asker *asker) {
  return (struct table *)(void *)asker;
}

static void let_go(struct table *table, struct wb_held *held) {
  if (held->file >= 0) {
    if (held->state == WAITING)
      epoll_ctl(table->asker.fd, EPOLL_CTL_DEL, held->file, NULL);
    close(held->file);
  }
  memset(held, 0, sizeof *held);
  held->file = -1;
  table->used--;
}

/* Carries a decision out; what waits on afterwards keeps its place. */
static void decide(struct table *table, const struct wb_watch *watch, struct wb_held *held,
                   uint32_t decision) {
  if (held->state == WAITING)
    epoll_ctl(table->asker.fd, EPOLL_CTL_DEL, held->file, NULL);
  held->state = ASKED;
  held->decided(&table->asker, watch, held, decision);
  if (held->state != WAITING)
    let_go(table, held);
}

static void take_answers(struct table *table, const struct wb_watch *watch) {
  struct answer answer;
  while (read(table->answers[0], &answer, sizeof answer) == sizeof answer)
    for (unsigned i = 0; i < WB_QUESTIONS_MAX; i++) {
      struct wb_held *held = &table->held[i];
      if (held->state != ASKED || held->id != answer.id)
        continue;
      const int allow = answer.decision == WB_DECISION_ALLOW;
      decide(table, watch, held, allow ? WB_DECISION_ALLOW : WB_DECISION_DENY);
    }
}

static void serve(struct wb_asker *asker, const struct wb_watch *watch) {
  struct table *table = table_of(asker);
  struct epoll_event ready[WB_QUESTIONS_MAX + 1];
  int n = epoll_wait(asker->fd, ready, WB_QUESTIONS_MAX + 1, 0);
  for (int i = 0; i < n; i++)
    if (ready[i].data.ptr != table)
      decide(table, watch, ready[i].data.ptr, WB_DECISION_ALLOW);
  take_answers(table, watch);
  const uint64_t now = wb_now_ns();
  for (unsigned i = 0; i < WB_QUESTIONS_MAX; i++) {
    struct wb_held *held = &table->held[i];
    if (held->state == FREE)
      continue;
    const int gone = held->standing ? watch->over : !wb_watch_valid(watch, held->notification);
    const int late = held->state == ASKED && held->deadline && now >= held->deadline;
    if (!gone && !late)
      continue;
    if (held->state == ASKED)
      table->host.withdraw(table->host.context, held->id, !gone);
    if (gone)
      let_go(table, held);
    else
      decide(table, watch, held, WB_DECISION_DENY);
  }
}

static int wait_ms(const struct wb_asker *asker) {
  const struct table *table = (const struct table *)(const void *)asker;
  return table->used || __atomic_load_n(&table->showing, __ATOMIC_SEQ_CST) ? LOOK_MS : -1;
}

static int wants_terminal(const struct wb_asker *asker) {
  const struct table *table = (const struct table *)(const void *)asker;
  if (!table->options.terminal)
    return 0;
  if (__atomic_load_n(&table->showing, __ATOMIC_SEQ_CST))
    return 1;
  for (unsigned i = 0; i < WB_QUESTIONS_MAX; i++)
    if (table->held[i].state == ASKED)
      return 1;
  return 0;
}

struct wb_held *wb_ask(struct wb_asker *asker, const struct wb_pin *caller,
                       struct wb_question_packet *packet, int file,
                       void (*decided)(struct wb_asker *, const struct wb_watch *, struct wb_held *,
                                       uint32_t)) {
  struct table *table = table_of(asker);
  struct wb_held *held = NULL;
  for (unsigned i = 0; i < WB_QUESTIONS_MAX && !held; i++)
    if (table->held[i].state == FREE)
      held = &table->held[i];
  /* Text that was read of the process is its own only if it still waits. */
  if (!held || (caller && !wb_pin_stands(caller))) {
    table->turned_away += !held;
    return NULL;
  }
  packet->head.id = ++table->last_id;
  if (table->host.ask(table->host.context, &packet->head, packet->texts) != 0) {
    table->turned_away++;
    return NULL;
  }
  *held = (struct wb_held){.id = packet->head.id,
                           .standing = caller == NULL,
                           .state = ASKED,
                           .file = file,
                           .decided = decided};
  if (caller) {
    held->notification = caller->call->id;
    held->pid = caller->call->pid;
    held->data = caller->call->data;
  }
  if (table->options.timeout_ns)
    held->deadline = wb_now_ns() + table->options.timeout_ns;
  table->used++;
  return held;
}

int wb_ask_wait(struct wb_asker *asker, struct wb_held *held, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = held};
  if (epoll_ctl(asker->fd, EPOLL_CTL_ADD, held->file, &event) < 0)
    return -1;
  held->state = WAITING;
  return 0;
}

/* --- what a question says --------------------------------------------------------------------- */

void wb_question_begin(struct wb_question_packet *packet, uint32_t kind,
                       const struct wb_pin *caller) {
  memset(&packet->head, 0, sizeof packet->head);
  packet->head.kind = kind;
  if (!caller)
    return;
  const struct seccomp_data *data = &caller->call->data;
  packet->head.arch = data->arch;
  packet->head.nr = (uint32_t)data->nr;
  packet->head.pid = caller->call->pid;
  packet->head.arg0 = data->args[0];
  packet->head.arg1 = data->args[1];
  packet->head.arg2 = data->args[2];
  packet->head.arg3 = data->args[3];
  packet->head.arg4 = data->args[4];
  packet->head.arg5 = data->args[5];
}

/* A file of /proc about the process; how many bytes there were, at most `size`. */
static uint32_t read_proc(struct wb_pin *caller, const char *name, unsigned char *out,
                          size_t size) {
  int fd = caller ? wb_pin_open(caller, name, O_RDONLY) : -1;
  ssize_t n = fd < 0 ? -1 : read(fd, out, size);
  if (fd >= 0)
    close(fd);
  return n < 0 ? 0 : (uint32_t)n;
}

void wb_question_target(struct wb_question_packet *packet, struct wb_pin *caller,
                        const void *target, uint32_t size, const void *asked, uint32_t asked_size) {
  struct wb_question *head = &packet->head;
  unsigned char *at = packet->texts;
  if (size > WB_QUESTION_TARGET_MAX)
    size = WB_QUESTION_TARGET_MAX;
  if (asked_size > WB_QUESTION_TARGET_MAX)
    asked_size = WB_QUESTION_TARGET_MAX;
  if (size)
    memcpy(at, target, size);
  head->target_size = size;
  at += size;
  if (asked_size)
    memcpy(at, asked, asked_size);
  head->asked_size = asked_size;
  at += asked_size;

  head->name_size = read_proc(caller, "comm", at, 64);
  if (head->name_size && at[head->name_size - 1] == '\n')
    head->name_size--;
  at += head->name_size;
  const ssize_t n = caller ? wb_pin_link(caller, "exe", (char *)(void *)at, EXE_MAX + 1) : -1;
  head->exe_size = n < 0 ? 0 : (uint32_t)n;
  at += head->exe_size;
  head->argv_size = read_proc(caller, "cmdline", at, ARGV_MAX);
  head->argv_cut = head->argv_size == ARGV_MAX;
}

/* --- the asker itself ------------------------------------------------------------------------- */

struct wb_asker *wb_asker_new(const struct wb_ask_host *host, const struct wb_ask_options *options,
                              wb_ask_take *take) {
  struct table *table = calloc(1, sizeof *table);
  if (!table)
    return NULL;
  table->host = *host;
  table->options = *options;
  table->answers[0] = table->answers[1] = -1;
  for (unsigned i = 0; i < WB_QUESTIONS_MAX; i++)
    table->held[i].file = -1;
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = table};
  table->asker.fd = epoll_create1(EPOLL_CLOEXEC);
  if (table->asker.fd < 0 || pipe2(table->answers, O_CLOEXEC | O_NONBLOCK) < 0 ||
      epoll_ctl(table->asker.fd, EPOLL_CTL_ADD, table->answers[0], &event) < 0) {
    int error = errno;
    wb_asker_free(&table->asker);
    errno = error;
    return NULL;
  }
  table->asker.take = take;
  table->asker.serve = serve;
  table->asker.wait_ms = wait_ms;
  table->asker.wants_terminal = wants_terminal;
  return &table->asker;
}

void wb_asker_free(struct wb_asker *asker) {
  struct table *table = table_of(asker);
  if (!table)
    return;
  for (unsigned i = 0; i < WB_QUESTIONS_MAX; i++)
    if (table->held[i].file >= 0)
      close(table->held[i].file);
  const int fds[] = {asker->fd, table->answers[0], table->answers[1]};
  for (unsigned i = 0; i < 3; i++)
    if (fds[i] >= 0)
      close(fds[i]);
  free(table);
}

int wb_asker_answer(struct wb_asker *asker, uint64_t id, uint32_t decision) {
  const struct answer answer = {id, decision, 0};
  /* So many bytes go whole or not at all. pipe(7) */
  return write(table_of(asker)->answers[1], &answer, sizeof answer) < 0 ? errno : 0;
}

void wb_asker_show(struct wb_asker *asker, int showing) {
  __atomic_store_n(&table_of(asker)->showing, showing, __ATOMIC_SEQ_CST);
}

const struct wb_ask_options *wb_asker_options(const struct wb_asker *asker) {
  return &((const struct table *)(const void *)asker)->options;
}

uint64_t wb_asker_turned_away(const struct wb_asker *asker) {
  return ((const struct table *)(const void *)asker)->turned_away;
}

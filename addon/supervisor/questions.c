/*
 * Which calls become questions, and what a decision does. Called by notify.c before it answers, and
 * by ask.c with the decision.
 *
 * What was asked about is what is granted: a call goes on only if all that it means is in the
 * registers, which nobody can change while it waits.
 */
#define _GNU_SOURCE
#include "questions.h"

#include "judge.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <string.h>

static void note(const struct wb_watch *watch, const struct wb_held *held, int error) {
  const struct seccomp_notif notif = {
      .id = held->notification, .pid = held->pid, .data = held->data};
  wb_watch_note(watch, &notif, error);
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

/* What the guard refuses is not a question of the policy. */
static int guard_allows(const struct wb_watch *watch, const struct seccomp_data *data) {
  return !watch->guard_count || (wb_judge(watch->guard, watch->guard_count, data) &
                                 SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ALLOW;
}

static int can_allow(const struct wb_ask_options *options, int nr) {
  return nr >= 0 && nr < WB_CALL_SLOTS && (options->calls[nr / 32] >> nr % 32 & 1);
}

static int take_call(struct wb_asker *asker, const struct wb_watch *watch,
                     const struct seccomp_notif *notif, int error) {
  struct wb_question_packet packet;
  if (!can_allow(wb_asker_options(asker), notif->data.nr) || !guard_allows(watch, &notif->data))
    return 0;
  wb_question_begin(&packet, WB_ASK_CALL, notif);
  wb_question_target(&packet, NULL, 0, NULL, 0);
  struct wb_held *held = wb_ask(asker, watch, notif, &packet, -1, decide_call);
  if (held)
    held->error = error;
  return held != NULL;
}

int wb_questions_take(struct wb_asker *asker, const struct wb_watch *watch,
                      const struct seccomp_notif *notif, uint32_t verdict) {
  if ((verdict & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO)
    return take_call(asker, watch, notif, (int)(verdict & SECCOMP_RET_DATA));
  return 0;
}

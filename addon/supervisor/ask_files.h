/* Which calls become questions, and what a decision does. */
#ifndef WASBOX_QUESTIONS_H
#define WASBOX_QUESTIONS_H

#include "ask.h"

/* See struct wb_asker. */
int wb_questions_take(struct wb_asker *asker, const struct wb_watch *watch,
                      const struct seccomp_notif *notif, uint32_t verdict);

#endif

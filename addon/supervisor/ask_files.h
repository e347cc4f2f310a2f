/* Which calls become questions, and what a decision does. */
#ifndef WASBOX_ASK_FILES_H
#define WASBOX_ASK_FILES_H

#include "ask.h"

#ifdef __cplusplus
extern "C" {
#endif

/* For wb_asker_new. */
wb_ask_take wb_questions_take;

#ifdef __cplusplus
}
#endif
#endif

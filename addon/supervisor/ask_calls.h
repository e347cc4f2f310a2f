/* Decides which calls become questions, and what a decision does. */
#ifndef WASBOX_ASK_CALLS_H
#define WASBOX_ASK_CALLS_H

#include "ask.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The function to give to wb_asker_new. */
wb_ask_take wb_ask_take_call;

#ifdef __cplusplus
}
#endif
#endif

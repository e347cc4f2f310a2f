/*
 * Drops what the caller's terminal answers to the payload's questions (its size, colours,
 * position …). Answers that come after the payload has ended, or while it is stopped, would be
 * typed into the shell. Terminals answer in the order in which they were asked: a question of
 * our own, behind those of the payload, tells when all have come. Called by terminal.c and
 * signals.c.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "supervisor.h"

/* DSR: "are you well?", which every terminal answers, with ESC [ 0 n or ESC [ 3 n. */
static const char question[] = "\033[5n";
#define REPORT_BYTES 4
/* How long the next answer may take, all together, and for how long after a question there may be
 * one at all. A busy terminal that was asked a lot answers late, but it answers. */
#define ANSWER_MS 2000
#define ANSWERS_MS 15000
#define ASKED_MS 10000

/* Returns whether the byte ends a status report. */
static int ends_report(struct wb_terminal *terminal, unsigned char byte) {
  const unsigned char state = terminal->report_state;
  terminal->report_state = byte == 0x1b                                 ? 1
                           : state == 1 && byte == '['                  ? 2
                           : state == 2 && (byte == '0' || byte == '3') ? 3
                                                                        : 0;
  return state == 3 && byte == 'n';
}

void wb_tty_replies_note(struct wb_terminal *terminal, const unsigned char *bytes, size_t size) {
  for (size_t i = 0; i < size; i++)
    terminal->reports += (unsigned)ends_report(terminal, bytes[i]);
}

static void ask(struct wb_terminal *terminal) {
  struct wb_flow *output = &terminal->output;
  memcpy(output->bytes, question, sizeof question - 1);
  output->at = 0;
  output->end = sizeof question - 1;
  terminal->screen.status_asked++;
  wb_terminal_flush(terminal, ANSWER_MS);
}

/* Takes in what has come; returns whether the answer to our own question was in it. Answers start
 * with ESC; plain keys do not prolong the wait. */
static int take(struct wb_terminal *terminal, int keep, uint64_t *answered) {
  struct wb_flow *input = &terminal->input;
  if (!keep || input->at == input->end)
    input->at = input->end = 0;
  ssize_t n =
      read(terminal->caller.in, input->bytes + input->end, sizeof input->bytes - input->end);
  if (n <= 0)
    return n == 0 || (errno != EAGAIN && errno != EINTR);
  if (memchr(input->bytes + input->end, 0x1b, (size_t)n))
    *answered = wb_now_ns();
  for (ssize_t i = 0; i < n; i++, input->end++) {
    if (!ends_report(terminal, input->bytes[input->end]) ||
        ++terminal->reports < terminal->screen.status_asked)
      continue;
    /* Ours is not for the payload; what is behind it is. */
    const size_t own = input->end + 1 < REPORT_BYTES ? input->end + 1 : REPORT_BYTES;
    for (ssize_t rest = 1; rest < n - i; rest++)
      input->bytes[input->end + (size_t)rest - own] = input->bytes[input->end + (size_t)rest];
    input->end += (size_t)(n - i) - own;
    return 1;
  }
  return input->end == sizeof input->bytes && keep;
}

void wb_tty_replies_await(struct wb_terminal *terminal, int keep) {
  const struct wb_caller *caller = &terminal->caller;
  const uint64_t begun = wb_now_ns();
  if (!caller->keyboard || !caller->display || !caller->raw || !terminal->asked_ns ||
      begun - terminal->asked_ns > ASKED_MS * 1000000ull || !wb_caller_in_foreground(caller))
    return;
  ask(terminal);
  uint64_t answered = wb_now_ns();
  for (uint64_t now = answered;
       now - answered < ANSWER_MS * 1000000ull && now - begun < ANSWERS_MS * 1000000ull;
       now = wb_now_ns()) {
    struct pollfd wait = {caller->in, POLLIN, 0};
    if (poll(&wait, 1, 50) > 0 && take(terminal, keep, &answered))
      break;
  }
  terminal->asked_ns = 0;
}

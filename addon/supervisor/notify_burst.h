/* Questions of the listener, one after the other, while nothing else happens. */
#ifndef WASBOX_NOTIFY_BURST_H
#define WASBOX_NOTIFY_BURST_H

struct pollfd;
struct wb_watch;

struct wb_burst {
  unsigned questions; /* in a row, with nothing else between them */
};

/* After each wait: whether a question was all that came of it. */
void wb_burst_count(struct wb_burst *burst, int alone);

/*
 * Answers questions until something else is to be done: one of `wait`, which holds the listener
 * too, is ready, or the time is over (-1: none). Does nothing where too few came in a row. Returns
 * 0, or the errno of a listener that fails.
 */
int wb_burst_answer(struct wb_burst *burst, const struct wb_watch *watch, const struct pollfd *wait,
                    unsigned count, int patience_ms);

#endif

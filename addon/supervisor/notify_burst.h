/* Questions of the listener, one after the other, while nothing else happens. */
#ifndef WASBOX_SERIES_H
#define WASBOX_SERIES_H

struct pollfd;
struct wb_watch;

struct wb_series {
  unsigned questions; /* in a row, with nothing else between them */
};

/* After each wait: whether a question was all that came of it. */
void wb_series_count(struct wb_series *series, int alone);

/*
 * Answers questions until something else is to be done: one of `wait`, which holds the listener
 * too, is ready, or the time is over (-1: none). Does nothing where too few came in a row. Returns
 * 0, or the errno of a listener that fails.
 */
int wb_series(struct wb_series *series, const struct wb_watch *watch, const struct pollfd *wait,
              unsigned count, int patience_ms);

#endif

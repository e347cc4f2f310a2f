/* Words of memory that init and the payload's process share, to wait for each other: futex(2). */
#include <linux/futex.h>

#include "init.h"

void announce(int *word, int value) {
  __atomic_store_n(word, value, __ATOMIC_SEQ_CST);
  sys3(__NR_futex, word, FUTEX_WAKE, 1);
}

void await(const int *word) {
  while (!__atomic_load_n(word, __ATOMIC_SEQ_CST))
    sys4(__NR_futex, word, FUTEX_WAIT, 0, 0);
}

/* Checks of a checker's tests: each failure is told, and counted. */
#ifndef WASBOX_TEST_EXPECT_H
#define WASBOX_TEST_EXPECT_H

#include <stdio.h>

static int failures;

#define EXPECT(condition)                                                                          \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      failures++;                                                                                  \
      fprintf(stderr, "%s:%d: expected %s\n", __FILE__, __LINE__, #condition);                     \
    }                                                                                              \
  } while (0)

#endif

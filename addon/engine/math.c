/*
 * Functions of Math that no command uses, whose tables would take half a megabyte of the
 * executable. addon/engine/build.mjs refuses a program that names one of them.
 */
#include <math.h>
#include <stdlib.h>

#define UNUSED(name)                                                                               \
  double name(double x) {                                                                          \
    (void)x;                                                                                       \
    abort();                                                                                       \
  }
#define UNUSED_OF_TWO(name)                                                                        \
  double name(double x, double y) {                                                                \
    (void)x, (void)y;                                                                              \
    abort();                                                                                       \
  }

UNUSED(acos)
UNUSED(acosh)
UNUSED(asin)
UNUSED(asinh)
UNUSED(atan)
UNUSED_OF_TWO(atan2)
UNUSED(atanh)
UNUSED(cbrt)
UNUSED(cos)
UNUSED(cosh)
UNUSED(exp)
UNUSED(expm1)
UNUSED_OF_TWO(hypot)
UNUSED(log1p)
UNUSED(sin)
UNUSED(sinh)
UNUSED(tan)
UNUSED(tanh)

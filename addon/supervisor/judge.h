/* The verdict of a seccomp filter on one call. */
#ifndef WASBOX_JUDGE_H
#define WASBOX_JUDGE_H

#include <stdint.h>

struct sock_filter;
struct seccomp_data;

/* Returns what the filter returns: SECCOMP_RET_* with its data. */
uint32_t wb_judge(const struct sock_filter *filter, uint32_t count,
                  const struct seccomp_data *data);

#endif

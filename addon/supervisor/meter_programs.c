/*
 * Enforces the own limits of a session's programs, which are below those of the run. If a program
 * exceeds one, init ends it with all that came from it, and the run goes on. Called by meter.c.
 */
#define _GNU_SOURCE
#include "meter_parts.h"

/* Nothing is left of a program after so many samples in which nothing of it was seen. */
#define ABSENT_LOOKS 8
/* If init cannot end a program in this time, only ending the run is left. */
#define END_NS 5000000000ull

static struct wb_memory_use memory_use(const struct wb_program *one) {
  return (struct wb_memory_use){
      .resident_bytes = one->resident_bytes,
      .swapped_bytes = one->swapped_bytes,
      .largest_bytes = one->largest_bytes,
      .kernel_bytes = one->kernel_bytes,
      .mark = one->number,
  };
}

static void judge_memory(struct wb_meter *meter, struct wb_program *one) {
  const struct wb_memory_use use = memory_use(one);
  if (one->memory_limit &&
      meter_memory(meter, &use, one->memory_limit, &one->tables_next_ns) > one->memory_limit)
    one->limit = WB_LIMIT_MEMORY;
}

/* A program's time is that of its living processes and of those that init reaped. What neither
 * shows in two samples was used by processes that no process waited for. */
static void judge_processor(const struct wb_meter *meter, const struct wb_processes *seen,
                            struct wb_program *one, uint64_t since_ns) {
  one->lost_cpu_us += meter_unwaited_us(meter, seen, one->unwaited, since_ns);
  const uint64_t found = one->live_cpu_us + one->reaped_cpu_us + one->lost_cpu_us;
  const uint64_t missing = meter_lost(one->cpu_us, found);
  const uint64_t gone = meter_least(missing, one->missing_cpu_us);
  one->lost_cpu_us += gone;
  one->missing_cpu_us = missing - gone;
  if (found > one->cpu_us)
    one->cpu_us = found;
  if (one->cpu_limit_us && one->cpu_us >= one->cpu_limit_us)
    one->limit = WB_LIMIT_CPU;
}

int meter_judge_programs(struct wb_meter *meter, const struct wb_processes *seen, uint64_t since_ns,
                         uint64_t now) {
  struct wb_programs *programs = &meter->programs;
  int wanted = programs->strays ? WB_METER_PROGRAMS : 0;
  for (uint32_t i = 0; i < programs->count; i++) {
    struct wb_program *one = &programs->list[i];
    if (!one->number)
      continue;
    one->absent = one->tasks ? 0 : one->absent + 1;
    if (one->absent == ABSENT_LOOKS) {
      one->number = 0;
      continue;
    }
    if (!one->limit) {
      judge_memory(meter, one);
      judge_processor(meter, seen, one, since_ns);
    }
    if (!one->limit)
      continue;
    wanted |= WB_METER_PROGRAMS;
    if (!one->ended_ns)
      one->ended_ns = now;
    else if (one->resident_bytes && now > one->ended_ns + END_NS)
      meter_exceed(meter, one->limit);
  }
  while (programs->count && !programs->list[programs->count - 1].number)
    programs->count--;
  return wanted;
}

uint64_t meter_programs_time(const struct wb_meter *meter, uint64_t time) {
  for (uint32_t i = 0; i < meter->programs.count; i++) {
    const struct wb_program *one = &meter->programs.list[i];
    if (!one->number)
      continue;
    if (one->limit)
      return 0;
    if (one->memory_limit) {
      const struct wb_memory_use use = memory_use(one);
      time = meter_least(time, meter_memory_time(&use, one->memory_limit, one->tables_next_ns));
    }
    if (one->cpu_limit_us)
      time =
          meter_least(time, meter_lost(one->cpu_limit_us, one->cpu_us) * 1000 / meter->processors);
  }
  return time;
}

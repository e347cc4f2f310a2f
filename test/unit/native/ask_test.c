/* addon/supervisor/ask.c: a question that no call waits for, as of a packet, outlives that the
 * listener is not there yet, and ends with the run. A withdrawal says whether the time was over. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../addon/supervisor/ask.h"
#include "../../../addon/supervisor/supervisor.h"

static unsigned asked, withdrawn, late, decided;
static uint32_t decision;

static int on_ask(void *context, const struct wb_question *question, const unsigned char *texts) {
  (void)context, (void)question, (void)texts;
  asked++;
  return 0;
}

static void on_withdraw(void *context, uint64_t id, int by_time) {
  (void)context, (void)id;
  withdrawn++;
  late += by_time != 0;
}

static void on_decided(struct wb_asker *asker, const struct wb_watch *watch, struct wb_held *held,
                       uint32_t what) {
  (void)asker, (void)watch, (void)held;
  decided++;
  decision = what;
}

static int take(struct wb_asker *asker, const struct wb_watch *watch, struct wb_pin *caller,
                uint32_t verdict) {
  (void)asker, (void)watch, (void)caller, (void)verdict;
  return 0;
}

/* No call is behind these questions. */
int wb_pin_stands(const struct wb_pin *caller) {
  (void)caller;
  return 0;
}

int wb_pin_open(struct wb_pin *caller, const char *name, int flags) {
  (void)caller, (void)name, (void)flags;
  return -1;
}

ssize_t wb_pin_link(struct wb_pin *caller, const char *name, char *out, size_t size) {
  (void)caller, (void)name, (void)out, (void)size;
  return -1;
}

int wb_watch_valid(const struct wb_watch *watch, uint64_t notification) {
  (void)watch, (void)notification;
  return 0;
}

#define EXPECT(condition)                                                                          \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                              \
      exit(1);                                                                                     \
    }                                                                                              \
  } while (0)

static struct wb_held *ask(struct wb_asker *asker) {
  static struct wb_question_packet packet;
  wb_question_begin(&packet, WB_QUESTION_UDP, NULL);
  wb_question_target(&packet, NULL, NULL, 0, "name", 4);
  return wb_ask(asker, NULL, &packet, -1, on_decided);
}

int main(void) {
  const struct wb_ask_host host = {NULL, on_ask, on_withdraw};
  const struct wb_ask_options options = {.network = 1};
  struct wb_asker *asker = wb_asker_new(&host, &options, take);
  struct wb_watch watch = {.listener = -1};
  EXPECT(asker);
  const struct wb_held *held = ask(asker);
  EXPECT(held && asked == 1);
  asker->serve(asker, &watch);
  EXPECT(withdrawn == 0 && decided == 0);
  EXPECT(wb_asker_answer(asker, held->id, WB_DECISION_ALLOW) == 0);
  asker->serve(asker, &watch);
  EXPECT(decided == 1 && decision == WB_DECISION_ALLOW);

  EXPECT(ask(asker) && asked == 2);
  watch.over = 1;
  asker->serve(asker, &watch);
  EXPECT(withdrawn == 1 && late == 0 && decided == 1);
  wb_asker_free(asker);

  const struct wb_ask_options brief = {.network = 1, .timeout_ns = 1};
  watch.over = 0;
  asker = wb_asker_new(&host, &brief, take);
  EXPECT(asker && ask(asker));
  asker->serve(asker, &watch);
  EXPECT(withdrawn == 2 && late == 1 && decided == 2 && decision == WB_DECISION_DENY);
  wb_asker_free(asker);
  puts("ask: ok");
  return 0;
}

/*
 * Payload of the tests: POSIX message queues. mq_overview(7)
 *
 *   queue pass NAME    makes a queue; a child sends, this process gets a signal, and receives
 *   queue leave NAME   makes a queue with a message, says so, and waits for the end of stdin
 *   queue find NAME    receives what another process left, or says with which errno it cannot
 *   queue fill         takes all the memory that it gets, and says how many queues that were
 *
 * Built by the tests with cc; called by test/integration/queues.test.ts.
 */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int fail(const char *what) {
  printf("%s: errno %d\n", what, errno);
  return 1;
}

static int receive(mqd_t queue) {
  char text[8192];
  ssize_t n = mq_receive(queue, text, sizeof text, NULL);
  if (n < 0)
    return fail("mq_receive");
  printf("received %.*s\n", (int)n, text);
  return 0;
}

static int pass(const char *name) {
  mqd_t queue = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, NULL);
  if (queue < 0)
    return fail("mq_open");
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, NULL);
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
  if (mq_notify(queue, &event) < 0)
    return fail("mq_notify");
  if (fork() == 0) {
    mqd_t other = mq_open(name, O_WRONLY);
    _exit(other < 0 || mq_send(other, "hello", 5, 1) < 0);
  }
  int status, signal;
  sigwait(&set, &signal);
  wait(&status);
  if (status != 0 || receive(queue) != 0)
    return fail("child");
  return mq_unlink(name) < 0 ? fail("mq_unlink") : 0;
}

static int leave(const char *name) {
  mqd_t queue = mq_open(name, O_CREAT | O_RDWR, 0666, NULL);
  if (queue < 0 || mq_send(queue, "left", 4, 1) < 0)
    return fail("leave");
  printf("left\n");
  fflush(stdout);
  getchar();
  return mq_unlink(name);
}

static int fill(void) {
  const struct mq_attr attr = {.mq_maxmsg = 10, .mq_msgsize = 8192};
  for (int i = 0;; i++) {
    char name[32];
    snprintf(name, sizeof name, "/fill-%d", i);
    if (i == 4096 || mq_open(name, O_CREAT | O_RDWR, 0600, &attr) < 0) {
      printf("queues %d\n", i);
      return 0;
    }
  }
}

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "fill") == 0)
    return fill();
  if (argc != 3)
    return 2;
  if (strcmp(argv[1], "pass") == 0)
    return pass(argv[2]);
  if (strcmp(argv[1], "leave") == 0)
    return leave(argv[2]);
  mqd_t queue = mq_open(argv[2], O_RDONLY | O_NONBLOCK);
  return queue < 0 ? fail("mq_open") : receive(queue);
}

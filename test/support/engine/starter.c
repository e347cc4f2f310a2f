/*
 * Starts the engine for one input after the other, for peer.ts. A process as large as Node takes
 * milliseconds to start another one, of which a comparison of 200,000 inputs makes 200,000.
 *
 *   starter ENGINE REQUESTS ANSWERS OUT STREAM…     (all but the first are open descriptors)
 *
 * A request is a `struct request` and so many strings, each with a NUL at its end: the directory,
 * the words from argv[0] on, the environment. The answer is a `struct answer`. Ends at the end of
 * the requests.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct request {
  uint32_t size; /* of the strings */
  uint32_t words, variables;
  uint32_t input, errors; /* which of the streams are stdin and stderr */
};

struct answer {
  int32_t error;  /* errno where it could not be started */
  int32_t status; /* waitpid(2) */
};

static _Noreturn void fail(const char *what) {
  perror(what);
  exit(1);
}

/* Returns whether all of it came; at the end of the requests nothing does. */
static int read_all(int fd, void *to, size_t size) {
  for (size_t done = 0; done < size;) {
    const ssize_t n = read(fd, (char *)to + done, size - done);
    if (n < 0 && errno != EINTR)
      fail("starter: read");
    if (n == 0 && done == 0)
      return 0;
    if (n == 0) {
      fprintf(stderr, "starter: a request was cut off\n");
      exit(1);
    }
    done += n > 0 ? (size_t)n : 0;
  }
  return 1;
}

/* The next strings, as argv(7) and environ(7) have them. */
static char **vector_of(char **at, const char *end, uint32_t count) {
  char **out = calloc((size_t)count + 1, sizeof *out);
  if (!out)
    fail("starter");
  for (uint32_t i = 0; i < count; i++) {
    if (*at >= end) {
      fprintf(stderr, "starter: a request with too few strings\n");
      exit(1);
    }
    out[i] = *at;
    *at += strlen(*at) + 1;
  }
  return out;
}

int main(int argc, char **argv) {
  if (argc < 6)
    return 1;
  const char *engine = argv[1];
  const int requests = atoi(argv[2]), answers = atoi(argv[3]), out = atoi(argv[4]);
  const uint32_t streams = (uint32_t)argc - 5;
  /* The engine gets three descriptors and no others. */
  if (syscall(SYS_close_range, 3u, ~0u, 4u /* CLOSE_RANGE_CLOEXEC */) < 0)
    fail("starter: close_range");
  for (struct request request; read_all(requests, &request, sizeof request);) {
    char *strings = malloc((size_t)request.size + 1);
    if (!strings)
      fail("starter");
    if (request.input >= streams || request.errors >= streams ||
        !read_all(requests, strings, request.size)) {
      fprintf(stderr, "starter: an invalid request\n");
      return 1;
    }
    const char *end = strings + request.size;
    strings[request.size] = 0;
    char *at = strings;
    char **cwd = vector_of(&at, end, 1);
    char **words = vector_of(&at, end, request.words);
    char **variables = vector_of(&at, end, request.variables);
    const int input = atoi(argv[5 + request.input]), errors = atoi(argv[5 + request.errors]);
    volatile int error = 0;
    const pid_t pid = vfork();
    if (pid == 0) {
      if (chdir(cwd[0]) < 0 || dup2(input, 0) < 0 || dup2(out, 1) < 0 || dup2(errors, 2) < 0 ||
          execve(engine, words, variables) < 0)
        error = errno;
      _exit(127);
    }
    struct answer answer = {.error = pid < 0 ? errno : error};
    while (pid > 0 && waitpid(pid, &answer.status, 0) < 0 && errno == EINTR)
      continue;
    if (write(answers, &answer, sizeof answer) != sizeof answer)
      fail("starter: write");
    free(cwd);
    free(words);
    free(variables);
    free(strings);
  }
  return 0;
}

/*
 * Holds the lock of a pipe for ever (addon/supervisor/pump.h). Its argument is the pipe's
 * descriptor, 0 or 1.
 *
 * splice(2) from a socket waits for bytes with the lock of the pipe that they are to go to;
 * splice(2) into a socket that is full waits for room with the lock of the one that they come from.
 *
 * Writes "held" to stderr before.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define SIZE 65536

static char bytes[SIZE];

static void *write_without_end(void *unused) {
  while (write(1, bytes, sizeof bytes) > 0)
    ;
  return unused;
}

static void fill(int socket) {
  while (send(socket, bytes, 1024, MSG_DONTWAIT) > 0)
    ;
}

int main(int argc, char **argv) {
  const int input = argc > 1 && atoi(argv[1]) == 0;
  int ends[2];
  pthread_t thread;
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0) {
    perror("held_pipe");
    return 1;
  }
  signal(SIGTERM, SIG_IGN);
  if (input)
    fill(ends[1]);
  for (int i = 0; !input && i < 4; i++) /* there is something to read all the time */
    pthread_create(&thread, NULL, write_without_end, NULL);
  sleep(1);
  fputs("held\n", stderr);
  /* The other end of the pipe is about to write. */
  if (input && read(0, bytes, 8192) < 0)
    perror("held_pipe");
  if ((input ? splice(0, NULL, ends[1], NULL, SIZE, 0) : splice(ends[0], NULL, 1, NULL, SIZE, 0)) <
      0)
    perror("held_pipe");
  for (;;)
    pause();
}

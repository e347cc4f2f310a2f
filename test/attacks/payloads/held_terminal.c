/*
 * Holds the lock of its terminal's modes for many seconds (addon/supervisor/terminal_modes.c).
 *
 * read(2) has that lock from its 65th byte on. Each byte goes to a huge page that nothing has
 * touched, and each fault waits for a thread that changes the protection of a large mapping. One
 * more thread sets modes, for which every reader of them then waits.
 *
 * Writes "ready" when it wants at least 1,000 bytes of input, "held" before it reads them, and
 * "released" afterwards.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <termios.h>
#include <unistd.h>

#define HUGE ((size_t)2 << 20)
#define BYTES 300
#define LOCKERS 3
#define LOCKED ((size_t)1 << 30)

static char *map(size_t size, int advice) {
  char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED || madvise(memory, size, advice) < 0)
    return NULL;
  return memory;
}

/* Its pages are all the kernel's one page of zeros. */
static void *lock_memory(void *locked) {
  for (;;) {
    mprotect(locked, LOCKED, PROT_NONE);
    mprotect(locked, LOCKED, PROT_READ);
  }
}

static void *set_modes(void *modes) {
  for (;;)
    tcsetattr(0, TCSANOW, modes);
}

int main(void) {
  struct termios modes;
  struct iovec vectors[BYTES];
  pthread_t thread;
  int waiting = 0;
  char *locked = map(LOCKERS * LOCKED, MADV_NOHUGEPAGE);
  char *pages = map((BYTES + 1) * HUGE, MADV_HUGEPAGE);
  if (!locked || !pages || tcgetattr(0, &modes) < 0) {
    perror("held_terminal");
    return 1;
  }
  signal(SIGTERM, SIG_IGN); /* there is time to say that the read is over */
  modes.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
  tcsetattr(0, TCSANOW, &modes);
  for (size_t at = 0; at < LOCKERS * LOCKED; at += 4096)
    (void)*(volatile char *)(locked + at);
  puts("ready");
  fflush(stdout);
  while (ioctl(0, FIONREAD, &waiting) == 0 && waiting < 1000)
    usleep(10000);
  pages += HUGE - (uintptr_t)pages % HUGE;
  for (size_t i = 0; i < BYTES; i++)
    vectors[i] = (struct iovec){pages + i * HUGE, 1};
  for (size_t i = 0; i < LOCKERS; i++)
    pthread_create(&thread, NULL, lock_memory, locked + i * LOCKED);
  usleep(50000);
  pthread_create(&thread, NULL, set_modes, &modes);
  puts("held");
  fflush(stdout);
  if (readv(0, vectors, BYTES) < 0)
    perror("readv");
  puts("released");
  fflush(stdout);
  for (;;)
    pause();
}

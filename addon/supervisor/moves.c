/*
 * See moves.h: which renames are taken, and the helpers' begin and end. What a helper does is in
 * move_tree.c. Called by notify.c (take) and supervise.c (the rest).
 *
 * The names that are read here decide nothing but whether a helper is started. It reads no memory
 * of the payload's, has its ids and none of its rights beyond them, and renames within one mount of
 * overlayfs alone; a name that changes in the meantime leads to nothing that the payload could not
 * have renamed by itself.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <linux/stat.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../sys/openat2_libc.h"
#include "../sys/syscall.h"
#include "move_tree.h"
#include "moves.h"
#include "pin.h"

#define SIGSET_BYTES 8
#define RENAME_NOREPLACE_ 1

struct wb_move {
  uint64_t notification;
  int pid;
  struct wb_move_tree tree;
  /* The stack behind it. */
};
/* The time for moves that the program's end leaves unfinished. */
#define END_MS 2000
#define STACK_SIZE (256 << 10)
#define MOVE_SIZE ((sizeof(struct wb_move) + 4095) / 4096 * 4096 + STACK_SIZE)

/* The arguments of a call of rename(2)'s kin. */
struct renaming {
  int from, to; /* descriptors of the payload's that relative names count from, or AT_FDCWD */
  uint64_t old, fresh;
  uint64_t flags;
};

void wb_moves_begin(struct wb_moves *moves, int init, uint32_t uid, uint32_t gid) {
  memset(moves, 0, sizeof *moves);
  moves->init = init;
  moves->uid = uid;
  moves->gid = gid;
  for (unsigned i = 0; i < WB_MOVES_MAX; i++)
    moves->pidfds[i] = -1;
}

static int read_call(const struct seccomp_data *data, struct renaming *call) {
  switch (data->nr) {
#ifdef __NR_rename
  case __NR_rename:
    *call = (struct renaming){AT_FDCWD, AT_FDCWD, data->args[0], data->args[1], 0};
    return 1;
#endif
#ifdef __NR_renameat
  case __NR_renameat:
    *call =
        (struct renaming){(int)data->args[0], (int)data->args[2], data->args[1], data->args[3], 0};
    return 1;
#endif
  case __NR_renameat2:
    *call = (struct renaming){(int)data->args[0], (int)data->args[2], data->args[1], data->args[3],
                              (uint32_t)data->args[4]};
    return (call->flags & ~(uint64_t)RENAME_NOREPLACE_) == 0;
  default:
    return 0;
  }
}

static int read_path(struct wb_pin *caller, uint64_t address, char path[WB_MOVE_PATH_MAX]) {
  const size_t size = wb_pin_read(caller, address, path, WB_MOVE_PATH_MAX);
  return size > 1 && memchr(path, 0, size) ? 0 : -1;
}

/* Opens what a name counts from. */
static int open_base(struct wb_pin *caller, int directory, const char *path) {
  return path[0] == '/' ? wb_pin_open(caller, "root", O_PATH | O_DIRECTORY)
                        : wb_pin_open_base(caller, directory, O_PATH | O_DIRECTORY);
}

/* Returns whether the name may be that of a directory. A path with links in it may: it is
 * followed inside only, where it leads nowhere else. */
static int may_be_directory(int base, const char *path) {
  struct open_how how = {.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
                         .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
  struct statx info;
  while (*path == '/')
    path++;
  int fd = wb_openat2(base, path, &how);
  if (fd < 0)
    return errno == ELOOP;
  const int found = syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_TYPE, &info) == 0 &&
                    (info.stx_mode & S_IFMT) == S_IFDIR;
  close(fd);
  return found;
}

static int help(void *argument) {
  const uint64_t none = 0;
  sys4(__NR_rt_sigprocmask, SIG_SETMASK, &none, 0, SIGSET_BYTES);
  wb_move_tree(argument);
  return 0;
}

static int begin(struct wb_moves *moves, unsigned slot, struct wb_move *move) {
  const uint64_t all = ~(uint64_t)0;
  uint64_t mask = 0;
  int pidfd = -1;
  /* Handlers are this program's. */
  sys4(__NR_rt_sigprocmask, SIG_SETMASK, &all, &mask, SIGSET_BYTES);
  move->pid = clone(help, (char *)move + MOVE_SIZE, CLONE_VM | CLONE_PIDFD, &move->tree, &pidfd);
  sys4(__NR_rt_sigprocmask, SIG_SETMASK, &mask, 0, SIGSET_BYTES);
  if (move->pid < 0)
    return -1;
  moves->pidfds[slot] = pidfd;
  moves->moves[slot] = move;
  moves->begun++;
  return 0;
}

/* Fills in what the helper needs; `old_base` and `old_path` are those that were looked at. */
static int prepare(struct wb_move *move, const struct wb_moves *moves, struct wb_pin *caller,
                   const struct renaming *call, int old_base, const char *old_path) {
  struct wb_move_tree *tree = &move->tree;
  tree->init = moves->init;
  tree->supervisor = (int)syscall(SYS_getpid);
  tree->uid = moves->uid;
  tree->gid = moves->gid;
  tree->flags = (uint32_t)call->flags;
  tree->outcome = WB_MOVE_LET;
  tree->old_base = old_base;
  memcpy(tree->old_path, old_path, strlen(old_path) + 1);
  if (read_path(caller, call->fresh, tree->new_path) < 0)
    return -1;
  tree->new_base = open_base(caller, call->to, tree->new_path);
  return tree->new_base < 0 ? -1 : 0;
}

/* Takes the renaming of a directory. Returns whether a helper is on its way. */
static int take(struct wb_moves *moves, struct wb_pin *caller, const struct renaming *call,
                int old_base, const char *old_path) {
  unsigned slot = 0;
  while (slot < WB_MOVES_MAX && moves->moves[slot])
    slot++;
  if (slot == WB_MOVES_MAX)
    return 0;
  void *memory = mmap(NULL, MOVE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    return 0;
  struct wb_move *move = memory;
  move->notification = caller->call->id;
  move->tree.new_base = -1;
  const int taken = prepare(move, moves, caller, call, old_base, old_path) == 0 &&
                    wb_pin_stands(caller) && begin(moves, slot, move) == 0;
  if (move->tree.new_base >= 0)
    close(move->tree.new_base); /* the helper has a copy */
  if (!taken)
    munmap(memory, MOVE_SIZE);
  return taken;
}

int wb_moves_take(struct wb_moves *moves, struct wb_pin *caller) {
  struct renaming call;
  char path[WB_MOVE_PATH_MAX];
  if (moves->init < 0 || !read_call(&caller->call->data, &call) ||
      read_path(caller, call.old, path) < 0)
    return 0;
  const int base = open_base(caller, call.from, path);
  if (base < 0)
    return 0;
  const int taken = may_be_directory(base, path) && take(moves, caller, &call, base, path);
  close(base);
  return taken;
}

void wb_moves_wait(const struct wb_moves *moves, struct pollfd *wait) {
  for (unsigned i = 0; i < WB_MOVES_MAX; i++)
    wait[i] = (struct pollfd){moves->moves[i] ? moves->pidfds[i] : -1, POLLIN, 0};
}

static uint64_t to_us(int64_t seconds, int64_t microseconds) {
  return (uint64_t)seconds * 1000000 + (uint64_t)microseconds;
}

uint64_t wb_moves_spent_us(const struct wb_moves *moves) {
  uint64_t spent = moves->spent_us;
  for (unsigned i = 0; i < WB_MOVES_MAX; i++) {
    struct timespec time;
    /* The clock of a process: clock_getcpuclockid(3), MAKE_PROCESS_CPUCLOCK of the kernel. */
    if (moves->moves[i] && syscall(SYS_clock_gettime, ~moves->moves[i]->pid << 3 | 2, &time) == 0)
      spent += to_us(time.tv_sec, time.tv_nsec / 1000);
  }
  return spent;
}

static void let_go(struct wb_moves *moves, unsigned slot) {
  struct rusage used;
  memset(&used, 0, sizeof used);
  while (syscall(SYS_wait4, moves->moves[slot]->pid, NULL, __WALL, &used) < 0 && errno == EINTR)
    ;
  moves->spent_us += to_us(used.ru_utime.tv_sec, used.ru_utime.tv_usec) +
                     to_us(used.ru_stime.tv_sec, used.ru_stime.tv_usec);
  close(moves->pidfds[slot]);
  munmap(moves->moves[slot], MOVE_SIZE);
  moves->pidfds[slot] = -1;
  moves->moves[slot] = NULL;
}

int wb_moves_serve(struct wb_moves *moves, const struct wb_watch *watch) {
  int ret = 0;
  for (unsigned i = 0; i < WB_MOVES_MAX; i++) {
    const struct wb_move *move = moves->moves[i];
    struct pollfd ended = {moves->pidfds[i], POLLIN, 0};
    if (!move || poll(&ended, 1, 0) != 1)
      continue;
    const int let = move->tree.outcome == WB_MOVE_LET;
    if (watch->listener >= 0 &&
        wb_watch_respond(watch, move->notification, let ? 0 : move->tree.outcome, 0, let) < 0)
      ret = -1;
    let_go(moves, i);
  }
  return ret;
}

void wb_moves_end(struct wb_moves *moves) {
  struct timespec begun, now;
  clock_gettime(CLOCK_MONOTONIC, &begun);
  for (unsigned i = 0; i < WB_MOVES_MAX; i++) {
    if (!moves->moves[i])
      continue;
    /* A run with half a move in its layer is saved as incomplete: a while for all of them. */
    clock_gettime(CLOCK_MONOTONIC, &now);
    const long spent = (now.tv_sec - begun.tv_sec) * 1000 + (now.tv_nsec - begun.tv_nsec) / 1000000;
    struct pollfd ended = {moves->pidfds[i], POLLIN, 0};
    poll(&ended, 1, spent < END_MS ? (int)(END_MS - spent) : 0);
    syscall(SYS_pidfd_send_signal, moves->pidfds[i], SIGKILL, NULL, 0);
    let_go(moves, i);
  }
  moves->init = -1;
}

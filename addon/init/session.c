/*
 * Programs of a session, on the commands of its owner: payload.c calls this when something comes in
 * at WB_FD_SESSION, and when a child has ended. A program gets three pipes, or a terminal of its
 * own (terminal.c), and nothing else; what it leaves running stays for the next one, and is reaped
 * by init.
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/mman.h>
#include <linux/resource.h>
#include <linux/signal.h>
#include <linux/socket.h>
#include <linux/stat.h>

#include "../exec_check.h"
#include "programs.h"

#define MSG_DONTWAIT 0x40
#define MSG_NOSIGNAL 0x4000
#define MSG_WAITALL 0x100
#define MSG_CMSG_CLOEXEC 0x40000000
#define SOL_SOCKET 1
#define SCM_RIGHTS 1

static struct {
  uint32_t id; /* 0: free */
  int pid;
  uint32_t number; /* of its mark, or 0 */
  uint32_t limit;  /* WB_LIMIT_* of its own that it exceeded */
  uint32_t kind;   /* WB_EXEC_* */
} programs[WB_SESSION_EXECS_MAX];
static uint32_t used; /* none beyond it */

static long nothing; /* /dev/null, for descriptors that no program gets */

static void tell(struct wb_session_event *event) {
  struct iovec vector = {event, sizeof *event};
  const struct message message = {.vector = &vector, .vector_count = 1};
  sys3(__NR_sendmsg, WB_FD_SESSION, &message, MSG_NOSIGNAL);
}

static void tell_failed(uint32_t id, uint32_t step, long error) {
  struct wb_session_event event = {.kind = WB_SESSION_FAILED,
                                   .id = id,
                                   .step = step,
                                   .error = (int32_t)error,
                                   .time_ns = now_ns()};
  tell(&event);
}

/* Descriptors 0, 1 and 2 are never free: what comes in would take their numbers. */
static void take_back(void) {
  for (int fd = 0; fd <= 2; fd++)
    check(sys3(__NR_dup3, nothing, fd, O_CLOEXEC), WB_STEP_DESCRIPTORS, NULL);
}

void open_session(void) {
  nothing = check(sys4(__NR_openat, AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0),
                  WB_STEP_DESCRIPTORS, "/dev/null");
  take_back();
  struct wb_session_event ready = {.kind = WB_SESSION_READY, .time_ns = now_ns()};
  tell(&ready);
}

static uint32_t slot_of(uint32_t id) {
  uint32_t i = 0;
  while (i < used && programs[i].id != id)
    i++;
  return i;
}

void tell_ended(long pid, int status, const struct rusage *usage, uint64_t now) {
  for (uint32_t i = 0; i < used; i++) {
    if (programs[i].id == 0 || programs[i].pid != pid)
      continue;
    struct wb_session_event event = {
        .kind = WB_SESSION_ENDED,
        .id = programs[i].id,
        .status = status,
        .limit = programs[i].limit,
        .time_ns = now,
        .user_us = (uint64_t)usage->ru_utime.tv_sec * 1000000u + (uint64_t)usage->ru_utime.tv_usec,
        .system_us =
            (uint64_t)usage->ru_stime.tv_sec * 1000000u + (uint64_t)usage->ru_stime.tv_usec,
        .max_rss_kib = (uint64_t)usage->ru_maxrss,
    };
    programs[i].id = 0;
    tell(&event);
    return;
  }
}

void tell_stopped(long pid) {
  for (uint32_t i = 0; i < used; i++)
    if (programs[i].id != 0 && programs[i].pid == pid && programs[i].kind != WB_EXEC_PROGRAM)
      sys2(__NR_kill, pid, SIGKILL);
}

void note_limit(uint32_t number, uint32_t limit) {
  for (uint32_t i = 0; i < used; i++)
    if (programs[i].id != 0 && programs[i].number == number && !programs[i].limit)
      programs[i].limit = limit;
}

/* A pipe: all else is a handle on something of the host (stdio.c). */
static int is_pipe(int fd) {
  struct statx info;
  return sys5(__NR_statx, fd, "", AT_EMPTY_PATH, STATX_TYPE, &info) >= 0 &&
         (info.stx_mode & S_IFMT) == S_IFIFO;
}

/* The program in the memfd, mapped: private and writable, since vectors are relocated in place. */
static struct wb_exec *map_exec(int fd, size_t *size) {
  struct statx info;
  if (sys5(__NR_statx, fd, "", AT_EMPTY_PATH, STATX_SIZE, &info) < 0 ||
      info.stx_size < sizeof(struct wb_exec) || info.stx_size > WB_EXEC_MAX)
    return NULL;
  const long address =
      sys6(__NR_mmap, 0, (long)info.stx_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  if (address < 0 && address > -4096)
    return NULL;
  *size = info.stx_size;
  return (struct wb_exec *)address;
}

static int has_limits(const struct wb_exec *exec) {
  return exec->memory_bytes || exec->cpu_us || exec->file_bytes || exec->open_files;
}

static void start(uint32_t id, struct wb_exec *exec, const char *terminal) {
  struct program program = {
      .paths = relocate(exec, exec->paths, exec->path_count),
      .path_count = exec->path_count,
      .argv = relocate(exec, exec->argv, exec->argc),
      .envp = relocate(exec, exec->envp, exec->envc),
      .kind = exec->kind,
      .cwd = exec->cwd ? (const char *)exec + exec->cwd : NULL,
      .terminal = terminal,
      .limits = has_limits(exec) ? exec : NULL,
  };
  const uint32_t slot = slot_of(0);
  start_program(&program);
  if (program.error) {
    tell_failed(id, program.step, program.error);
    return;
  }
  programs[slot].id = id;
  programs[slot].pid = program.pid;
  programs[slot].number = program.number;
  programs[slot].limit = 0;
  programs[slot].kind = program.kind;
  if (slot == used)
    used++;
  struct wb_session_event event = {.kind = WB_SESSION_STARTED, .id = id, .time_ns = now_ns()};
  tell(&event);
}

/* A descriptor for the owner, with one byte. Returns a negative errno where it is not taken. */
static long hand_over(int socket, long descriptor) {
  char byte = 0;
  struct iovec vector = {&byte, 1};
  struct rights rights = {.length = sizeof(size_t) + 3 * sizeof(int),
                          .level = SOL_SOCKET,
                          .type = SCM_RIGHTS,
                          .fds = {(int)descriptor}};
  const struct message message = {.vector = &vector,
                                  .vector_count = 1,
                                  .control = &rights,
                                  .control_length = sizeof(size_t) + 4 * sizeof(int)};
  return sys3(__NR_sendmsg, socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void start_at_terminal(uint32_t id, struct wb_exec *exec, int socket) {
  char path[TERMINAL_PATH_MAX];
  const long master = open_program_terminal(exec->terminal, path);
  if (master < 0) {
    tell_failed(id, WB_STEP_TERMINAL, -master);
    return;
  }
  /* The owner's copy is the only one: once it is closed, the terminal hangs up. */
  const long ret = hand_over(socket, master);
  sys1(__NR_close, master);
  if (ret < 0)
    tell_failed(id, WB_STEP_TERMINAL, -ret);
  else
    start(id, exec, path);
}

static int are_pipes(const int *fds, uint32_t count) {
  if (count != WB_SESSION_FDS)
    return 0;
  for (uint32_t i = 1; i < WB_SESSION_FDS; i++)
    if (!is_pipe(fds[i]))
      return 0;
  return 1;
}

static void execute(uint32_t id, const int *fds, uint32_t count) {
  if (count < WB_SESSION_TERMINAL_FDS || id == 0 || slot_of(id) != used) {
    tell_failed(id, WB_STEP_CONTROL, EPROTO);
    return;
  }
  if (slot_of(0) == WB_SESSION_EXECS_MAX) {
    tell_failed(id, WB_STEP_START, EAGAIN);
    return;
  }
  size_t size = 0;
  struct wb_exec *exec = map_exec(fds[0], &size);
  if (!exec) {
    tell_failed(id, WB_STEP_PLAN, EINVAL);
    return;
  }
  if (!wb_exec_valid(exec, size)) {
    tell_failed(id, WB_STEP_PLAN, EINVAL);
  } else if (exec->terminal && count == WB_SESSION_TERMINAL_FDS) {
    start_at_terminal(id, exec, fds[1]);
  } else if (!exec->terminal && are_pipes(fds, count)) {
    for (int fd = 0; fd <= 2; fd++)
      check(sys3(__NR_dup3, fds[fd + 1], fd, 0), WB_STEP_DESCRIPTORS, NULL);
    start(id, exec, NULL);
  } else {
    tell_failed(id, WB_STEP_CONTROL, EPROTO);
  }
  take_back();
  sys2(__NR_munmap, exec, size);
}

static void signal_program(uint32_t id, uint32_t signal) {
  const uint32_t slot = id == 0 ? used : slot_of(id);
  if (slot == used || signal == 0 || signal > 64)
    return;
  const int pid = programs[slot].pid;
  /* The signal goes to the program's process group, which setsid(2) made before it was executed. */
  sys2(__NR_kill, -pid, signal);
}

int obey_session(void) {
  struct wb_session_command command = {0};
  struct iovec vector = {&command, sizeof command};
  struct rights rights;
  struct message message = {
      .vector = &vector, .vector_count = 1, .control = &rights, .control_length = sizeof rights};
  const long n = sys3(__NR_recvmsg, WB_FD_SESSION, &message, MSG_CMSG_CLOEXEC | MSG_WAITALL);
  const size_t head = sizeof(size_t) + 2 * sizeof(int);
  uint32_t count = 0;
  if (n > 0 && message.control_length >= head)
    count = (uint32_t)((rights.length - head) / sizeof(int));
  if (n == sizeof command && command.kind == WB_SESSION_EXEC)
    execute(command.id, rights.fds, count);
  else if (n == sizeof command && command.kind == WB_SESSION_SIGNAL)
    signal_program(command.id, command.value);
  for (uint32_t i = 0; i < count; i++)
    sys1(__NR_close, rights.fds[i]);
  return n == sizeof command;
}

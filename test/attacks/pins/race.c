/*
 * Attack 68: the caller of a notified call is killed and reaped while the supervisor acts for it, and
 * a process of the host gets its number. Both sides; pins.test.ts starts them in one pid namespace.
 *
 *     race victims FOLDER UID GID SECONDS  the host's processes, until one is hit; root starts it
 *     race landlock SECONDS [CALL]         in Landlock isolation with a rule for a name
 *     race namespaces SECONDS PORT [CALL]  with namespaces and a rule for this port of loopback
 *
 * Without CALL each of the calls that the supervisor acts on has its turn. The supervisor of the test
 * (slow.c) writes the numbers of callers that are gone to FOLDER/orders, and reads from FOLDER/ready
 * when a victim has one; what became of the victims stands in FOLDER/results.
 * Victims and callers have the same memory at the same addresses and the same descriptors, so that
 * whatever is done by number to a caller that is gone is seen in a victim.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SHARED ((unsigned char *)0x414100000000)
#define SHARED_SIZE 65536
#define PATTERN 0xa5
#define FIRST_EPOLL 40
#define EPOLLS 16
#define STREAM 60   /* a TCP socket, in victims neither bound nor connected */
#define DATAGRAM 61 /* the same, UDP */
#define ALIVE 64    /* victims at a time, at most */
#define LIFE_US 30000

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void *map(void *at, size_t size) {
  void *found = mmap(at, size, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | (at ? MAP_FIXED_NOREPLACE : 0), -1, 0);
  if (found == MAP_FAILED) {
    perror("mmap");
    exit(2);
  }
  return found;
}

/* --- the host's processes --------------------------------------------------------------------- */

/* A socket at this number. */
static void place_socket(int number, int type) {
  const int fd = socket(AF_INET, type | SOCK_NONBLOCK, 0);
  if (fd < 0 || dup2(fd, number) < 0 || close(fd) < 0) {
    perror("socket");
    exit(2);
  }
}

static void place_epolls(void) {
  for (int i = 0; i < EPOLLS; i++) {
    const int fd = epoll_create1(0);
    if (fd < 0 || dup2(fd, FIRST_EPOLL + i) < 0 || close(fd) < 0) {
      perror("epoll");
      exit(2);
    }
  }
}

/* Returns whether the socket was bound, connected or made to listen. */
static int was_used(int fd) {
  struct sockaddr_in name = {0};
  socklen_t size = sizeof name;
  int listens = 0;
  getsockname(fd, (void *)&name, &size);
  size = sizeof listens;
  getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size);
  return name.sin_port != 0 || listens;
}

/* Returns what is wrong with this process, or NULL. */
static const char *damage(const cpu_set_t *processors) {
  struct epoll_event event;
  cpu_set_t present;
  struct rlimit files;
  for (size_t i = 0; i < SHARED_SIZE; i++)
    if (SHARED[i] != PATTERN)
      return "memory";
  for (int i = 0; i < EPOLLS; i++)
    if (epoll_wait(FIRST_EPOLL + i, &event, 1, 0) != 0)
      return "epoll";
  if (fcntl(FIRST_EPOLL + EPOLLS, F_GETFD) >= 0)
    return "descriptor";
  if (was_used(STREAM) || was_used(DATAGRAM))
    return "socket";
  sched_getaffinity(0, sizeof present, &present);
  if (!CPU_EQUAL(&present, processors))
    return "affinity";
  getrlimit(RLIMIT_NPROC, &files);
  return files.rlim_max == 0 ? "limit" : NULL;
}

static int opened(const char *folder, const char *name, int flags) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  const int fd = open(path, flags | O_CLOEXEC, 0644);
  if (fd < 0) {
    perror(path);
    exit(2);
  }
  return fd;
}

static void say(int out, const char *what, long number) {
  char line[64];
  if (write(out, line, (size_t)snprintf(line, sizeof line, "%s %ld\n", what, number)) < 0)
    _exit(2);
}

struct maker {
  int orders, ready, results;
  uid_t uid;
  gid_t gid;
};

static _Noreturn void be_victim(const struct maker *maker) {
  const int32_t own = getpid();
  cpu_set_t processors;
  char what[48] = "hit ";
  if (setgroups(0, NULL) < 0 || setresgid(maker->gid, maker->gid, maker->gid) < 0 ||
      setresuid(maker->uid, maker->uid, maker->uid) < 0 || prctl(PR_SET_DUMPABLE, 1) < 0)
    _exit(2);
  sched_getaffinity(0, sizeof processors, &processors);
  if (write(maker->ready, &own, sizeof own) < 0)
    _exit(2);
  usleep(LIFE_US);
  const char *found = damage(&processors);
  if (found)
    say(maker->results, strcat(what, found), own);
  _exit(found ? 1 : 0);
}

/* Makes a victim with this number as soon as it is free. clone(2): set_tid, Linux 5.5 */
static pid_t make_victim(const struct maker *maker, pid_t number) {
  struct clone_args how = {
      .exit_signal = SIGCHLD, .set_tid = (uint64_t)(uintptr_t)&number, .set_tid_size = 1};
  const double end = now() + 0.05;
  pid_t pid;
  while ((pid = (pid_t)syscall(SYS_clone3, &how, sizeof how)) < 0 && errno == EEXIST && now() < end)
    usleep(20);
  if (pid == 0)
    be_victim(maker);
  return pid;
}

/* Takes those that have ended; returns whether one was hit. */
static int reap(int *alive, int flags) {
  int status, hit = 0;
  while (*alive && waitpid(-1, &status, flags) > 0) {
    hit |= status != 0;
    (*alive)--;
    flags = WNOHANG;
  }
  return hit;
}

static int victims(const char *folder, uid_t uid, gid_t gid, double seconds) {
  const struct maker maker = {opened(folder, "orders", O_RDWR), opened(folder, "ready", O_RDWR),
                              opened(folder, "results", O_WRONLY | O_APPEND), uid, gid};
  memset(map(SHARED, SHARED_SIZE), PATTERN, SHARED_SIZE);
  place_epolls();
  place_socket(STREAM, SOCK_STREAM);
  place_socket(DATAGRAM, SOCK_DGRAM);
  struct pollfd order = {maker.orders, POLLIN, 0};
  long made = 0;
  int32_t number;
  int alive = 0, hit = 0;
  for (const double end = now() + seconds; !hit && now() < end;) {
    hit = reap(&alive, alive < ALIVE ? WNOHANG : 0);
    if (poll(&order, 1, 10) != 1 || read(maker.orders, &number, sizeof number) != sizeof number)
      continue;
    const int is_made = make_victim(&maker, number) > 0;
    alive += is_made;
    made += is_made;
  }
  while (alive)
    reap(&alive, 0);
  say(maker.results, "made", made);
  return 0;
}

/* --- the payloads ----------------------------------------------------------------------------- */

/* Kills and reaps a caller after a while of its call, which differs from try to try: 64 steps of 25
 * us, then of 50, 100 and 200, as the longest call takes some 10 ms. */
#define STEP_US 25
static void end_caller(pid_t pid, int try) {
  const int step = STEP_US << try / 64 % 4;
  usleep((useconds_t)(step + try % 64 * step));
  kill(pid, SIGKILL);
  waitpid(pid, NULL, 0);
}

static int port; /* that the rule allows, of loopback */

static const unsigned char question[] = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
                                        "\x07" "example\x03" "com\x00\x00\x01\x00\x01";

/* Where the question goes, as the call finds it: in memory that victims have, too. */
static struct sockaddr_in *resolver(void) {
  struct sockaddr_in *to = (void *)(SHARED + 16384);
  *to = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(53)};
  inet_pton(AF_INET, "127.0.0.53", &to->sin_addr);
  return to;
}

/* A question to the resolver on the socket, whose answer is to come. */
static void ask_resolver(void) {
  struct pollfd wait = {DATAGRAM, POLLIN, 0};
  if (sendto(DATAGRAM, question, sizeof question - 1, 0, (void *)resolver(), 16) < 0 ||
      poll(&wait, 1, 5000) != 1) {
    perror("resolver");
    exit(2);
  }
}

/* A message whose header, name and vector lie where victims have memory of their own. */
static struct mmsghdr *message(void *name, void *bytes, size_t size) {
  struct mmsghdr *one = (void *)(SHARED + 8192);
  struct iovec *vector = (void *)(SHARED + 12288);
  *vector = (struct iovec){bytes, size};
  *one = (struct mmsghdr){
      .msg_hdr = {.msg_name = name, .msg_namelen = 16, .msg_iov = vector, .msg_iovlen = 1}};
  return one;
}

static void do_recvfrom(void) {
  socklen_t *size = (void *)(SHARED + 2048);
  *size = 16;
  recvfrom(DATAGRAM, SHARED + 4096, 512, 0, (void *)SHARED, size);
}
static void do_recvmsg(void) {
  recvmsg(DATAGRAM, &message(SHARED, SHARED + 4096, 512)->msg_hdr, 0);
}
static void do_recvmmsg(void) {
  recvmmsg(DATAGRAM, message(SHARED, SHARED + 4096, 512), 1, 0, NULL);
}
static void do_sendto(void) {
  memcpy(SHARED + 4096, question, sizeof question);
  sendto(DATAGRAM, SHARED + 4096, sizeof question - 1, 0, (void *)resolver(), 16);
}
static void do_sendmsg(void) {
  memcpy(SHARED + 4096, question, sizeof question);
  sendmsg(DATAGRAM, &message(resolver(), SHARED + 4096, sizeof question - 1)->msg_hdr, 0);
}
static void do_sendmmsg(void) {
  memcpy(SHARED + 4096, question, sizeof question);
  sendmmsg(DATAGRAM, message(resolver(), SHARED + 4096, sizeof question - 1), 1, 0);
}
static void do_connect_datagram(void) {
  connect(DATAGRAM, (void *)resolver(), 16);
}

static struct sockaddr_in *server(void) {
  struct sockaddr_in *to = (void *)(SHARED + 16384);
  *to = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  to->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return to;
}
static void do_connect(void) {
  connect(STREAM, (void *)server(), 16);
}
static void do_connect_watched(void) {
  for (int i = 0; i < EPOLLS; i++) {
    struct epoll_event event = {.events = EPOLLOUT, .data.u64 = 0x4141414141414141};
    epoll_ctl(FIRST_EPOLL + i, EPOLL_CTL_ADD, STREAM, &event);
  }
  do_connect();
}
static void do_fastopen(void) {
  sendto(STREAM, SHARED, 1, MSG_FASTOPEN, (void *)server(), 16);
}
static void do_bind(void) {
  struct sockaddr_in *any = server();
  any->sin_port = htons(7478);
  bind(STREAM, (void *)any, 16);
}
static void do_listen(void) {
  do_bind();
  listen(STREAM, 1);
}
static void do_chown(void) {
  memcpy(SHARED, "file", 5);
  fchownat(AT_FDCWD, (char *)SHARED, 12345, 12345, 0);
}
static void do_rename(void) {
  memcpy(SHARED, "directory", 10);
  memcpy(SHARED + 64, "fresh", 6);
  rename((char *)SHARED, (char *)SHARED + 64);
}
static void do_utimens(void) {
  struct timespec *times = (void *)(SHARED + 64);
  memcpy(SHARED, "file", 5);
  utimensat(AT_FDCWD, (char *)SHARED, times, 0);
}
static void do_own_thread(void) {
  const struct sched_param none = {0};
  sched_setscheduler(getpid(), SCHED_BATCH, &none);
}
static void do_terminal(void) {
  memcpy(SHARED, "/dev/ptmx", 10);
  const int master = open((char *)SHARED, O_RDWR | O_NOCTTY);
  ioctl(master, 0x5441 /* TIOCGPTPEER */, O_RDWR | O_NOCTTY);
}

enum { LANDLOCK = 1, NAMESPACES = 2, ANSWER = 4 /* is on its way */ };

static struct way {
  const char *name;
  int where;
  void (*call)(void);
  long tries;
} ways[] = {
    {"recvfrom", LANDLOCK | ANSWER, do_recvfrom, 0},
    {"recvmsg", LANDLOCK | ANSWER, do_recvmsg, 0},
    {"recvmmsg", LANDLOCK | ANSWER, do_recvmmsg, 0},
    {"sendto", LANDLOCK | NAMESPACES, do_sendto, 0},
    {"sendmsg", LANDLOCK | NAMESPACES, do_sendmsg, 0},
    {"sendmmsg", LANDLOCK | NAMESPACES, do_sendmmsg, 0},
    {"connect-datagram", LANDLOCK | NAMESPACES, do_connect_datagram, 0},
    {"connect", LANDLOCK | NAMESPACES, do_connect, 0},
    {"connect-watched", LANDLOCK | NAMESPACES, do_connect_watched, 0},
    {"fastopen", LANDLOCK | NAMESPACES, do_fastopen, 0},
    {"bind", LANDLOCK | NAMESPACES, do_bind, 0},
    {"listen", LANDLOCK | NAMESPACES, do_listen, 0},
    {"chown", LANDLOCK | NAMESPACES, do_chown, 0},
    {"rename", NAMESPACES, do_rename, 0},
    {"utimens", LANDLOCK, do_utimens, 0},
    {"own-thread", LANDLOCK | NAMESPACES, do_own_thread, 0},
    {"terminal", LANDLOCK, do_terminal, 0},
};
#define WAYS (sizeof ways / sizeof *ways)

static void attempt(struct way *way, int try) {
  place_socket(STREAM, SOCK_STREAM);
  place_socket(DATAGRAM, SOCK_DGRAM);
  if (way->where & ANSWER)
    ask_resolver();
  const pid_t pid = fork();
  if (pid == 0) {
    way->call();
    _exit(0);
  }
  if (pid < 0)
    return;
  end_caller(pid, try);
  way->tries++;
}

static int attack(int where, double seconds, const char *only) {
  memset(map(SHARED, SHARED_SIZE), 0, SHARED_SIZE);
  place_epolls();
  close(open("file", O_WRONLY | O_CREAT, 0644));
  mkdir("directory", 0755);
  int try = 0;
  for (const double end = now() + seconds; now() < end; try++)
    for (size_t i = 0; i < WAYS; i++)
      if ((ways[i].where & where) && (!only || strcmp(only, ways[i].name) == 0))
        attempt(&ways[i], try);
  for (size_t i = 0; i < WAYS; i++)
    if (ways[i].tries)
      printf("tries %s %ld\n", ways[i].name, ways[i].tries);
  return 0;
}

int main(int count, char **words) {
  if (count == 6 && strcmp(words[1], "victims") == 0)
    return victims(words[2], (uid_t)atoi(words[3]), (gid_t)atoi(words[4]), atof(words[5]));
  if ((count == 4 || count == 5) && strcmp(words[1], "namespaces") == 0) {
    port = atoi(words[3]);
    return attack(NAMESPACES, atof(words[2]), words[4]);
  }
  if ((count == 3 || count == 4) && strcmp(words[1], "landlock") == 0)
    return attack(LANDLOCK, atof(words[2]), words[3]);
  return 2;
}

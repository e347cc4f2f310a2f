/*
 * Declares what the files of init share. Init is PID 1 in the sandbox: main.c walks through the
 * stages, tree.c builds the file tree (tree.h: its parts), confine.c takes rights away,
 * quotas.c limits what the kernel counts, payload.c starts the program (child.c) and stays to
 * reap, control.c speaks with the supervisor. They call each other in one direction.
 */
#ifndef WASBOX_INIT_H
#define WASBOX_INIT_H

#include <stddef.h>
#include <stdint.h>

#include <linux/uio.h>

#include "../plan_check.h"
#include "../sys/syscall.h"
#include "../wire.h"

struct rusage;

/* control.c: tells the supervisor which step failed, with a positive errno, and ends the process:
 * init, or its child, which init then sees. */
_Noreturn void die(uint32_t step, long error, const char *path);
/* Returns whether that has happened, in init or in a process that shares its memory. */
int has_died(void);
void send_event(const struct wb_event *event);
/* Hands over a descriptor, or says with a negative errno that there is none. */
void send_descriptor(uint32_t kind, long descriptor);
/* Hands over one of the network: WB_NETWORK_*. */
void send_network(uint32_t what, long descriptor);
/* Hands over as many as there are, up to the first that is negative. */
void send_descriptors(const struct wb_event *event, const long *descriptors, uint32_t count);

/* Room for the descriptors of one SCM_RIGHTS message, laid out as in cmsg(3). */
struct rights {
  size_t length;
  int level;
  int type;
  int fds[WB_MOUNT_FDS_MAX];
};

/* struct msghdr, which the kernel's headers leave to libc. */
struct message {
  void *name;
  int name_length;
  struct iovec *vector;
  size_t vector_count;
  void *control;
  size_t control_length;
  unsigned int flags;
};

/* control.c: waits for the supervisor's GO; returns how many mounts it handed over. */
uint32_t await_go(int fds[WB_MOUNT_FDS_MAX]);
/* When the supervisor dies, so does the sandbox. */
void die_with_parent(void);
/* From here on the supervisor's death does not kill init, which has a pid namespace: init sees the
 * end of the control socket, and kills and reaps all others before it ends. */
void outlive_parent(const struct wb_plan *plan);
/* Dies where the supervisor is gone already. */
void notice_parent(void);
/* Waits until the supervisor lets init execute the payload: it may still have something to look at.
 */
void await_proceed(void);

/* Dies with the step where `ret` is a negative errno; returns it otherwise. */
static inline long check(long ret, uint32_t step, const char *path) {
  if (ret < 0)
    die(step, -ret, path);
  return ret;
}

/* tree.c: the file tree, from the plan's operations, until the sandbox's root is "/" and the plan's
 * directory the current one. Without a mount namespace the tree stays the caller's. `directory` is
 * the path of the run's, in which the layers are. */
void build_tree(const struct wb_plan *plan, const char *directory, const int *handed_over,
                uint32_t handed_over_count);
void enter_tree(const struct wb_plan *plan);
/* Takes away the old root, which enter_tree leaves stacked on the new one. */
void leave_old_tree(const struct wb_plan *plan);
/* The private tmpfs, for send_descriptors; -1 where there is none. */
long scratch_descriptor(void);
/* kernel_views.c: makes parts of /proc read-only; waits for init to have attached it. Called by the
 * payload's process. */
void seal_proc(const struct wb_plan *plan);

/* stdio.c: so that descriptors 0, 1 and 2 do not change the host's files. */
void protect_stdio(const struct wb_plan *plan);

/* Returns whether the supervisor has decided on a terminal of the payload's own in place of
 * one of the caller's descriptors; of stdin, so that there is something to read and a
 * session. */
static inline int has_terminal(const struct wb_plan *plan) {
  return (plan->terminal & WB_TERMINAL_DECIDED) && (plan->terminal & 7);
}
static inline int types_into_terminal(const struct wb_plan *plan) {
  return has_terminal(plan) && (plan->terminal & 1);
}
/* terminal.c: such a terminal. */
void open_terminal(const struct wb_plan *plan);
/* terminal.c: one for a program of a session, of rows << 16 | columns, at descriptors 0, 1 and 2.
 * Returns the master, and the terminal's path; or a negative errno, with those unchanged. */
#define TERMINAL_PATH_MAX 24
long open_program_terminal(uint32_t size, char path[TERMINAL_PATH_MAX]);

/* domain.c: for a run without a pid namespace. Puts the caller, and all that it starts, in a
 * Landlock domain that no signal leaves. */
void enter_domain(void);
/* warden.c: a child that is init from here on. The caller stays behind as its warden. */
void leave_warden(const struct wb_plan *plan);
/* Returns the end of a pipe: hung up once the warden is gone; -1 where there is none. */
long warden_descriptor(void);
/* end.c: the domain is in force, and the caller its first process; or it is PID 1 of a namespace.
 */
void lead_domain(void);
/* Kills every process of that domain or namespace but the caller, which is its first, and waits for
 * them. Nothing without one. */
void kill_domain(void);
/* Ends the calling process; where it is the first of a domain or namespace, all of it before. */
_Noreturn void end_init(long status);

/* confine.c */
void give_up_root(const struct wb_plan *plan);
void write_own_id_maps(const struct wb_plan *plan);
void become_payload_user(const struct wb_plan *plan);
long bring_up_loopback(void);
void join_network(long socket);
void bound_rights(const struct wb_plan *plan);
void close_memory(const struct wb_plan *plan);
void drop_capabilities(const struct wb_plan *plan);
int make_landlock_ruleset(const struct wb_plan *plan);

/* quotas.c: a part of what the kernel counts for each user, for all that is inside. */
long open_quotas(const struct wb_plan *plan);
void set_quotas(const struct wb_plan *plan, long quotas);

/* The number by which each_process names a process. */
static inline long process_number(const char *process) {
  long number = 0;
  for (const char *at = process; *at >= '0' && *at <= '9'; at++)
    number = number * 10 + (*at - '0');
  return number;
}

/* tasks.c: calls `look` for each process that /proc shows; its name there is its number. Returns
 * the sum of what it returns. */
uint64_t each_process(uint64_t (*look)(long proc, const char *process, uint64_t argument),
                      uint64_t argument);
/* Processes and threads that the caller's user has, as far as /proc shows them. */
uint64_t count_own_tasks(void);
/* Processes and threads of the sandbox beside init; of one with a pid namespace. */
uint32_t count_tasks_left(void);

/* marks.c: a child that has ended and is still to be reaped: its pid, and the number of its mark or
 * 0; 0 where there is none, or no program ever had a mark. */
long next_ended(uint32_t *number);
/* Tells the supervisor what a process with a mark has used. */
void tell_reaped(uint32_t number, const struct rusage *usage);
/* Kills every process with a mark; 0: those whose mark is no mark any more. `own_numbers`: the run
 * has a pid namespace. */
void end_marked(uint32_t number, int own_numbers);

/* network.c: the resolver's sockets and the way out of the sandbox's own network, handed over to
 * the supervisor. */
void set_up_network(const struct wb_plan *plan);

/* words.c: a word that init and the payload's process share, 0 until it is announced. */
void announce(int *word, int value);
void await(const int *word);

/* payload.c: the payload's process begins while the file tree is still to be built; with the tree
 * in place it becomes the program, which init reaps and reports on. `lacking`: WB_LACKS_*. Returns
 * init's exit status. */
struct start;
struct start *begin_payload(struct wb_plan *plan, char **argv, long umask, long quotas,
                            int terminal);
int run_payload(struct start *start, uint32_t lacking);

/* processors.c: leaves this processor to the payload's process, where there is another; until the
 * second call. */
void leave_processor(void);
/* Keeps every process of init's pid namespace but init off one processor. */
void spare_processor(void);
void return_to_processors(void);

/* programs.c: in init's thread under the filter and the Landlock domain of a session: announces
 * `serving` and starts programs. Returns only a negative errno, where it cannot wait for them. */
long serve_programs(int *serving);

/* session.c: the programs of a session. */
void open_session(void);
/* Obeys one command; 0 once the caller has closed its end. */
int obey_session(void);
/* A program, if it still runs, was ended for a limit of its own: WB_LIMIT_*. */
void note_limit(uint32_t number, uint32_t limit);
/* Tells the end of a child that was a program of the session. `usage` is its struct rusage. */
void tell_ended(long pid, int status, const struct rusage *usage, uint64_t now);
/* session.c: a child was stopped. An operation on a file is ended by that: its caller could wait
 * for ever, and has no time limit. */
void tell_stopped(long pid);

/* vectors.c: offsets become pointers, in place: both are 64 bits wide. */
char **relocate(void *base, uint32_t offset, uint32_t count);
/* A vector with more words, a 0 byte after each. */
char **with_words(char **vector, uint32_t count, char *words, const char *end);
uint64_t now_ns(void);

/* string.c */
size_t str_len(const char *s);
void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int byte, size_t n);
/* Writes a decimal number and a NUL; returns the number of digits. */
size_t format_number(char *out, uint64_t number);

#endif

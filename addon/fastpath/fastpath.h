/*
 * Declares what the files of the native command share. The native command is the installed
 * `wasbox`: it repeats a recorded start and leaves everything else to the TypeScript command line,
 * in the engine or in Node. It does not interpret options: an entry holds what resolving asked the
 * host, with the answers, and if all answers are the same, so is the resolved spec.
 *
 *   main.c            finds the entry for the command line, or has one made
 *   engine.c          executes the engine, also beside this process, where it makes an entry
 *   cache_key.c       the cache key, with which the name of an entry begins
 *   entry.c           finds an entry, reads and saves it
 *   entry_check.c     checks it
 *   arguments.c       the payload's arguments, which it does not have
 *   recorded_reads.c  asks the host again and compares (about files: addon/reads_check.c)
 *   last_run.c        notes the command line for `wasbox why`
 *   working_copy.c    copies the working directory, where there is no overlay
 *   note.c            says how the run is isolated
 *   own_option.c      finds options of wasbox among the payload's arguments
 *   start.c           makes the run's directory (addon/rundir), starts, forwards signals, waits
 *   signals.c         handlers and the mask
 *   leave.c           takes the sandbox apart after the end
 *   node.c            executes Node
 *   words.c           words and variables for the engine and Node
 *   text.c            paths and numbers
 */
#ifndef WASBOX_FASTPATH_H
#define WASBOX_FASTPATH_H

#include <stddef.h>
#include <stdint.h>

#include "../rundir/rundir.h"
#include "../supervisor/supervisor.h"
#include "../sys/syscall.h"
#include "entry.h"

/* The command line and environment as the kernel laid them out. */
struct command {
  int argc;
  char **argv;
  char **envp;
};

/* Where the package lies: DIST/native/<platform>/wasbox is this executable. */
struct installation {
  char dist[WB_PATH_MAX];
  char init[WB_PATH_MAX];
};

/* The parts that the end of a run needs beside its directory. */
struct started {
  struct wb_rundir run;
  char *const *arguments; /* of the payload, beside those of the entry */
  const char *workdir;
  uint64_t started_ms; /* since the epoch */
  const struct wb_refusals *refusals;
};

/* text.c */
const char *variable(char *const *envp, const char *name);
/* Joins two parts to `out` of WB_PATH_MAX bytes; 0, or -1 where it is too long. */
int join_path(char *out, const char *first, const char *second);
int same_bytes(const void *a, const void *b, size_t n);
int same_text(const char *a, const char *b);
uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t n);
#define HASH_START 0xcbf29ce484222325u
/* Writes a number in decimal; returns what is behind it. */
char *put_decimal(char *out, uint64_t number);
/* A key in hexadecimal. */
#define WB_KEY_TEXT (2 * sizeof(struct wb_cache_key))
void put_cache_key(char *out, const struct wb_cache_key *key);

/* cache_key.c: 0, or -1 where the start is none for the native command. */
int find_installation(struct installation *out);
int find_cache_key(const struct installation *installation, struct wb_cache_key *key);

/* Returns what a standard stream leads to, as src/host/streams.ts tells it: its type, of those
 * that make a difference; and 1 more for a file that could be changed through the descriptor,
 * and for a device that may be a terminal. */
int stream_kind(int fd, uint32_t *kind);

/* The keys that an entry is found by. */
struct wanted {
  const struct command *command;
  const struct wb_cache_key *key;
  const char *state_path;
};

/* entry.c: opens the state directory; maps the entry of this command line and checks it. NULL where
 * there is none of use. `state_path` is where the state directory was looked for. */
int open_state(const struct command *command, char state_path[WB_PATH_MAX]);
struct wb_entry *read_entry(int state, const struct wanted *wanted);
/* The entry that the engine made for this command line, in a file that stays open. NULL where the
 * file is no valid entry. */
struct wb_entry *take_entry(int fd, const struct wanted *wanted);
/* Saves what is in that file for the next start like it. Nothing depends on its success. */
void save_entry(int state, int fd);
static inline char *entry_at(const struct wb_entry *entry, uint32_t offset) {
  return (char *)(uintptr_t)entry + offset;
}

/* entry_check.c: whether everything that the entry names lies inside. */
int entry_fits(const struct wb_entry *entry);

/* entry.c: the words of the command line behind those of its entry. */
char *const *arguments_of(const struct wb_entry *entry, const struct command *command);

/* arguments.c: whether these words can be what an entry lacks. */
int arguments_fit(const struct wb_entry *entry, char *const *words);
/* Copies the words into fresh memory, `size` bytes; NULL where there is none. As JSON, each behind
 * another element of an array; and as they are, a 0 byte after each: for the payload of a run with
 * this directory, or without. */
char *arguments_as_json(char *const *words, uint32_t *size);
char *arguments_joined(char *const *words, const struct wb_entry *entry, const char *directory,
                       uint32_t *size);

/* recorded_reads.c: whether the variables that resolving read are the same: known before anything
 * is started, and others in each terminal. */
int recorded_variables_agree(const struct wb_entry *entry, char *const *envp);
/* recorded_reads.c: whether the host answers each other question as it did before. */
int recorded_reads_agree(const struct wb_entry *entry);

/* engine.c: an entry that the engine makes at the moment. */
struct making {
  int pid;    /* of the engine's process; 0: none is at work */
  int socket; /* to it; says that the rest is there */
  int whole;  /* file of the entry with all in it */
  int lasts;  /* it may be saved */
};
/* Has the engine make an entry for this command line, and returns it without what only its report
 * and a next start need: that comes while the run is started. NULL where no entry can be made. */
struct wb_entry *make_entry(const struct wanted *wanted, const struct installation *installation,
                            struct making *making);
/* Waits for the rest and for the engine's process; returns the whole entry. NULL where none came.
 */
struct wb_entry *end_making(struct making *making, const struct wanted *wanted);
/* Ends the making of a start that failed, or was not made. */
void stop_making(struct making *making);
/* beyond.c: whether the words ask for what no entry can be made of. */
int is_for_engine(const struct command *command);
/* engine.c: returns where the engine cannot be executed. */
void execute_engine(const struct installation *installation, char **argv, char **envp);
/* words.c: a vector of so many words, in fresh memory. */
char **new_vector(size_t count);
/* The caller's environment, and what is said in WASBOX_FASTPATH. */
char **environment(const struct command *command, char *said);
/* Says why, and ends with 125. */
_Noreturn void give_up(const char *message);

/* start.c: the exit status; below 0 the payload never ran and nothing is left behind. */
enum { START_FAILED = -1, START_STALE = -2 /* the host answers otherwise than recorded */ };
/* `making`: NULL for an entry that was saved. */
int start(struct wb_entry *entry, int state, const struct wanted *wanted,
          const struct installation *installation, struct making *making);

/* last_run.c: the exit status that wasbox has for a run: src/report/build.ts. */
int status_of(const struct wb_result *result);
/* Notes the command line in the state directory, for `wasbox why`. A failure is
 * ignored.
 */
void note_run(int state, const struct command *command, const struct started *started,
              const struct wb_result *result);

/* working_copy.c: copies the working directory to the run's private root. 0, or -1. */
int make_working_copy(const struct wb_rundir *run, const struct wb_entry *entry);
/* Returns whether nothing of the private root is to be saved. */
int working_copy_unchanged(const struct wb_rundir *run, const char *workdir);

/* note.c: says what the entry has to say at the start of its run. */
void say_note(const struct wb_entry *entry, char *const *envp);
/* Says at the run's end that something got lost that a report needs. */
void say_unreported(int discards);
/* Says at the run's end what the sandbox was without, WB_LACKS_*. */
void say_lacks(const struct wb_entry *entry, uint32_t lacks, char *const *envp);

/* Returns whether an argument of the payload is an option of wasbox that the payload does not know.
 */
int names_own_option(const struct wb_entry *entry, char *const *arguments);

/* signals.c: what becomes of a signal; and which are blocked, returning which were. */
void handle(int signal, void (*handler)(int));
uint64_t set_mask(uint64_t mask);
#define ALL_SIGNALS (~(uint64_t)0)

/* streams.c */
void note_streams(void);
void give_back_streams(void);

/* leave.c: has another process take the run's mounts apart, recycle its directory, whose layer is
 * untouched, and save its entry, if `entry` is a file. 0, or -1 where that is left to the caller.
 */
int leave_behind(struct wb_run *run, const struct wb_rundir *directory, int entry);

/* node.c: do not return. The command is carried out in the engine, or in Node where there is none;
 * Node records a start under the key. */
_Noreturn void run_command(const struct command *command, const struct installation *installation,
                           const struct wb_cache_key *key);
_Noreturn void run_node(const struct command *command, const struct installation *installation,
                        const struct wb_cache_key *key);
/* Says what became of a run, and keeps, applies or drops its changes. */
_Noreturn void finish_run(const struct command *command, const struct installation *installation,
                          const struct wb_entry *entry, const struct started *started,
                          struct wb_result *result);

#endif

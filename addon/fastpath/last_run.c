/*
 * Notes the command line of a run, so that `wasbox why` can make it again. Called by start.c when
 * the payload has ended; src/changes/store/last-run.ts reads the note, and writes the same for the
 * runs that Node starts.
 *
 * The file of a directory is written over, and what an earlier note had more is cut off after that:
 * a file that was emptied first is written to the disk when it is closed, which takes longer than a
 * run. EXT4_STATE_DA_ALLOC_CLOSE in fs/ext4/inode.c
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/stat.h>
#include <string.h>

#include "fastpath.h"

#define DIRECTORY "last-runs"
#define NOTED_MAX 65536 /* of the words; longer ones are not noted, and the head says 0 bytes */
#define TIMEOUT_STATUS 124
#define LIMIT_STATUS 137

int status_of(const struct wb_result *result) {
  const struct wb_outcome *outcome = &result->outcome;
  const uint32_t limit = result->usage.limit;
  if (outcome->timed_out || limit == WB_LIMIT_CPU)
    return TIMEOUT_STATUS;
  if (limit)
    return LIMIT_STATUS;
  return outcome->signal ? 128 + (int)outcome->signal : outcome->exit_code;
}

/* Writes the name below the state directory: `last-runs/` with device and inode of the current
 * directory. */
static int put_name(char *out) {
  struct statx info;
  if (sys5(__NR_statx, AT_FDCWD, ".", 0, STATX_BASIC_STATS, &info) < 0)
    return -1;
  memcpy(out, DIRECTORY "/", sizeof DIRECTORY);
  char *end =
      put_decimal(out + sizeof DIRECTORY, wb_device_number(info.stx_dev_major, info.stx_dev_minor));
  *end++ = '-';
  end = put_decimal(end, info.stx_ino);
  *end = 0;
  return 0;
}

static int open_note(int state, const char *name) {
  int file = wb_open_beneath(state, name, O_WRONLY | O_CREAT, 0600);
  const int directory = file < 0 ? wb_state_open_in(state, DIRECTORY, 1) : -1;
  if (directory < 0)
    return file;
  sys1(__NR_close, directory);
  return wb_open_beneath(state, name, O_WRONLY | O_CREAT, 0600);
}

void note_run(int state, const struct command *command, const struct started *started,
              const struct wb_result *result) {
  char name[sizeof DIRECTORY + 2 * 20 + 2], head[] = "1 00000000000000 000 0000000000\n";
  static char cwd[WB_PATH_MAX];
  const long cwd_size = sys2(__NR_getcwd, cwd, sizeof cwd); /* with its 0 byte */
  if (cwd_size <= 0 || put_name(name) < 0)
    return;
  const char *last = command->argv[command->argc - 1];
  const char *words = command->argv[1], *end = last + strlen(last) + 1;
  const size_t size = (size_t)(end - words);
  const int fits = size <= NOTED_MAX;
  wb_put_digits(head + 2, started->started_ms, 10, 14);
  wb_put_digits(head + 17, (uint64_t)status_of(result), 10, 3);
  wb_put_digits(head + 21, fits ? (size_t)cwd_size + size : 0, 10, 10);
  const struct iovec parts[] = {
      {head, sizeof head - 1}, {cwd, (size_t)cwd_size}, {(void *)(uintptr_t)words, size}};
  const int file = open_note(state, name);
  if (file < 0)
    return;
  const long written = sys3(__NR_writev, file, parts, fits ? 3 : 1);
  if (written > 0)
    sys2(__NR_ftruncate, file, written);
  sys1(__NR_close, file);
}

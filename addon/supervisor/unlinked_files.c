/*
 * Files without a name that nothing shows: mapped ones, and those in messages that are not yet
 * received. How large they are cannot be seen from outside; which ones there are can. Called by
 * files.c; hidden.c says what they count for. proc_pid_maps(5), fdinfo of unix(7) sockets
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "directory.h"
#include "files.h"
#include "processes.h"
#include "supervisor.h"

/* How long the messages of one task are looked for in one sample. */
#define MESSAGES_NS 50000000ull

static uint64_t mix(uint64_t a, uint64_t b) {
  const uint64_t key = (a ^ b * 0x9e3779b97f4a7c15u) * 0xc2b2ae3d27d4eb4fu;
  return key ^ key >> 29;
}

static void note(struct wb_unlinked *unlinked, uint64_t key, uint64_t first, uint64_t last) {
  uint32_t at = 0;
  while (at < unlinked->count && unlinked->files[at].key != key)
    at++;
  if (at == WB_UNLINKED_MAX) /* the last one stands for all that find no room */
    at = WB_UNLINKED_MAX - 1;
  struct wb_unlinked_file *file = &unlinked->files[at];
  if (at == unlinked->count) {
    *file = (struct wb_unlinked_file){key, first, last};
    unlinked->count++;
    return;
  }
  if (file->key != key) {
    file->key = mix(file->key, key);
    last = file->last + (last - first);
  }
  file->first = first < file->first ? first : file->first;
  file->last = last > file->last ? last : file->last;
}

static uint64_t text_key(const char *text) {
  uint64_t key = 0;
  for (; *text; text++)
    key = mix(key, (unsigned char)*text);
  return key;
}

static void note_both(struct wb_files *files, uint64_t key) {
  note(&files->memory, key, 0, 0);
  note(&files->disk, key, 0, 0);
}

void wb_unlinked_anything(const char *name, struct wb_files *files) {
  note_both(files, mix(text_key(name), files->samples) | WB_UNLINKED_CHANGES);
}

/* The parts of a line of maps: the beginning, and the end. */
struct line {
  char head[128 + 16], tail[10]; /* zeros behind the first 128 */
  uint32_t size;
};

static void take(struct line *line, char byte) {
  if (line->size < 128)
    line->head[line->size] = byte;
  line->size++;
  for (size_t i = 0; i + 1 < sizeof line->tail; i++)
    line->tail[i] = line->tail[i + 1];
  line->tail[sizeof line->tail - 1] = byte;
}

/* The hexadecimal number at `*text`; moves `*text` behind it and one byte more. */
static uint64_t hexadecimal(const char **text) {
  uint64_t number = 0;
  for (;; (*text)++) {
    const char digit = **text;
    if (digit >= '0' && digit <= '9')
      number = number << 4 | (uint64_t)(digit - '0');
    else if (digit >= 'a' && digit <= 'f')
      number = number << 4 | (uint64_t)(digit - 'a' + 10);
    else
      break;
  }
  *text += **text != 0;
  return number;
}

/* "7f00-7f10 rw-s 00000000 00:01 2477   /memfd:m (deleted)" */
static void take_map(const struct wb_sandbox *sandbox, const struct line *line,
                     uint64_t memory_device, struct wb_files *files) {
  const char *at = line->head;
  if (line->size < 10 || memcmp(line->tail, " (deleted)", 10) != 0)
    return;
  const uint64_t begin = hexadecimal(&at), size = hexadecimal(&at) - begin;
  while (*at && *at++ != ' ') /* the rights */
    ;
  const uint64_t offset = hexadecimal(&at), major = hexadecimal(&at);
  const uint64_t device = major << 32 | hexadecimal(&at), inode = wb_number(&at);
  while (*at == ' ')
    at++;
  /* Segments of System V are in memory, too, but init counts them. */
  const int in_memory = device == memory_device;
  if (device == sandbox->private_device || (in_memory && memcmp(at, "/SYSV", 5) == 0))
    return;
  const uint32_t before = in_memory ? files->memory.count : files->disk.count;
  struct wb_unlinked *unlinked = in_memory ? &files->memory : &files->disk;
  const uint64_t key = mix(device, inode) & ~(uint64_t)WB_UNLINKED_CHANGES;
  for (uint32_t i = 0; i < before; i++)
    if (unlinked->files[i].key == key) {
      note(unlinked, key, offset, offset + size);
      return;
    }
  if (wb_files_is_new(files, device, inode))
    note(unlinked, key, offset, offset + size);
}

void wb_unlinked_maps(const struct wb_sandbox *sandbox, const char *process, uint64_t memory_device,
                      struct wb_files *files) {
  char path[64], bytes[8192];
  snprintf(path, sizeof path, "%s/maps", process);
  int fd = (int)syscall(SYS_openat, sandbox->proc, path, O_RDONLY | O_CLOEXEC, 0);
  if (fd < 0) {
    if (errno != ENOENT && errno != ESRCH)
      wb_unlinked_anything(path, files);
    return;
  }
  struct line line;
  memset(&line, 0, sizeof line);
  ssize_t n;
  while ((n = read(fd, bytes, sizeof bytes)) > 0)
    for (ssize_t i = 0; i < n; i++) {
      if (bytes[i] != '\n') {
        take(&line, bytes[i]);
        continue;
      }
      take_map(sandbox, &line, memory_device, files);
      memset(&line, 0, sizeof line);
    }
  close(fd);
}

/* Returns whether a descriptor is a socket. The list of an epoll waits for a lock that the
 * payload can hold, and no other kind has messages. */
static int is_socket(const struct wb_sandbox *sandbox, const char *task, const char *number) {
  char path[64], target[16];
  snprintf(path, sizeof path, "%s/fd/%s", task, number);
  const long n = syscall(SYS_readlinkat, sandbox->proc, path, target, sizeof target);
  return n < 0 || (n >= 7 && memcmp(target, "socket:", 7) == 0);
}

/* Descriptors on their way to one of the sockets can be anything, sockets with more of them too. */
void wb_unlinked_messages(const struct wb_sandbox *sandbox, const char *task, uint32_t *left,
                          struct wb_files *files) {
  struct wb_directory directory;
  const struct wb_name *entry;
  char path[64], text[512 + 32] = {0};
  snprintf(path, sizeof path, "%s/fdinfo", task);
  int fd = (int)syscall(SYS_openat, sandbox->proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  if (fd < 0) {
    if (errno != ENOENT && errno != ESRCH)
      wb_unlinked_anything(path, files);
    return;
  }
  const uint64_t until_ns = wb_now_ns() + MESSAGES_NS;
  wb_directory_begin(&directory, fd);
  while (wb_files_go_on(sandbox, left) && (entry = wb_directory_next(&directory))) {
    (*left)--;
    if (wb_now_ns() > until_ns) {
      wb_unlinked_anything(path, files);
      break;
    }
    if (!is_socket(sandbox, task, entry->name) || wb_read_text(fd, entry->name, text, 512) <= 0)
      continue;
    const uint64_t count = wb_processes_field(text, "scm_fds:");
    if (!count)
      continue;
    /* The socket, by its inode (Linux 5.14) or its place. */
    const uint64_t inode = wb_processes_field(text, "ino:");
    uint64_t key = mix(inode ? inode : mix(text_key(path), text_key(entry->name)), count);
    note_both(files, key & ~(uint64_t)WB_UNLINKED_CHANGES);
    note_both(files, mix(key, files->samples) | WB_UNLINKED_CHANGES);
  }
  close(fd);
}

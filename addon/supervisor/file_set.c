/* The files that one sample has met. Called by files.c and unlinked_files.c. */
#include "files.h"

/* A set of files that were met; full, it forgets, and a file may count twice. */
int wb_files_is_new(struct wb_files *files, uint64_t device, uint64_t inode) {
  uint64_t key = (inode * 0x9e3779b97f4a7c15u) ^ (device * 0xc2b2ae3d27d4eb4fu);
  key += key == 0;
  for (unsigned i = 0; i < 8; i++) {
    uint64_t *slot = &files->seen[((key >> 32) + i) % WB_FILES_SEEN_MAX];
    if (*slot == key)
      return 0;
    if (*slot == 0) {
      *slot = key;
      files->met++;
      return 1;
    }
  }
  return 1;
}

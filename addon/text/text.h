/*
 * Counts what `diff` asks of every byte of files (src/changes/show): how many are no text, and
 * how many lines differ. Called by addon/src/text.cc.
 */
#ifndef WASBOX_TEXT_H
#define WASBOX_TEXT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* junk.c: control characters that text does not have, and bytes that are not UTF-8. */
size_t wb_text_junk(const uint8_t *text, size_t size);

struct wb_line_changes {
  size_t added, removed;
};

/*
 * lines.c: the fewest lines to remove and add that make one text of the other; a line without a
 * newline at the end of a text is another one than with it. Where there are more than `most`, all
 * of the one and of the other. 0, or -1 with ENOMEM.
 */
int wb_text_line_changes(const uint8_t *before, size_t before_size, const uint8_t *after,
                         size_t after_size, size_t most, struct wb_line_changes *changes);

#ifdef __cplusplus
}
#endif

#endif

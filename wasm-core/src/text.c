/*
 * Growing text, and the notes of a conversion. Called by the importers and exporters.
 */
#include "convert.h"

#include <string.h>

void wb_write_bytes(struct wb_writer *w, const char *at, uint32_t size) {
  if (w->capacity - w->size < size) {
    uint32_t wider = w->capacity * 2 + size + 256;
    char *moved = wb_alloc(wider);
    if (w->size > 0)
      memcpy(moved, w->at, w->size);
    w->at = moved;
    w->capacity = wider;
  }
  if (size > 0)
    memcpy(w->at + w->size, at, size);
  w->size += size;
}

void wb_write(struct wb_writer *w, const char *text) {
  wb_write_bytes(w, text, (uint32_t)strlen(text));
}

static void write_base(struct wb_writer *w, uint64_t value, uint32_t base) {
  char digits[20];
  uint32_t at = sizeof digits;
  do {
    digits[--at] = "0123456789abcdef"[value % base];
    value /= base;
  } while (value > 0);
  wb_write_bytes(w, digits + at, (uint32_t)sizeof digits - at);
}

void wb_write_number(struct wb_writer *w, uint64_t value) {
  write_base(w, value, 10);
}

void wb_write_hex(struct wb_writer *w, uint64_t value) {
  wb_write(w, "0x");
  write_base(w, value, 16);
}

void wb_write_value(struct wb_writer *w, uint64_t value) {
  if (value < 4096)
    wb_write_number(w, value);
  else
    wb_write_hex(w, value);
}

void wb_write_archs(struct wb_writer *w, const char *before, uint32_t bits) {
  for (int arch = 0; arch < WB_ARCH_COUNT; arch++)
    if (bits >> arch & 1) {
      wb_write(w, before);
      wb_write(w, wb_arch_info((enum wb_arch)arch)->name);
      before = ", ";
    }
}

struct wb_note *wb_note(struct wb_conversion *c, enum wb_note_kind kind, uint32_t start,
                        uint32_t end) {
  if (kind < WB_NOTE_UNKNOWN_CALL)
    c->ok = false;
  if (c->note_count >= WB_MAX_DIAGNOSTICS)
    return wb_alloc(sizeof(struct wb_note));
  struct wb_note *note = WB_PUSH(c->notes, c->note_count, c->note_capacity);
  *note = (struct wb_note){.kind = kind, .start = start, .end = end};
  return note;
}

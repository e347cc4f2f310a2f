/*
 * Importing and exporting policies: JSON, OCI profiles. Each converter takes
 * untrusted bytes and makes text in wasbox's language, or the other way round; it
 * never compiles. Called by api_convert.c and by the tests.
 */
#ifndef WASBOX_CORE_CONVERT_H
#define WASBOX_CORE_CONVERT_H

#include "core.h"

/* --- text.c: growing text ----------------------------------------------------------------------
 */

struct wb_writer {
  char *at;
  uint32_t size, capacity;
};

void wb_write(struct wb_writer *w, const char *text);
void wb_write_bytes(struct wb_writer *w, const char *at, uint32_t size);
void wb_write_number(struct wb_writer *w, uint64_t value);
void wb_write_hex(struct wb_writer *w, uint64_t value);
/* Hexadecimal from 4096 on. */
void wb_write_value(struct wb_writer *w, uint64_t value);
/* `before`, then the architectures of these bits: `target x86_64, i386`. */
void wb_write_archs(struct wb_writer *w, const char *before, uint32_t bits);

/* --- json.c ------------------------------------------------------------------------------------
 */

enum wb_json_kind {
  WB_JSON_NULL,
  WB_JSON_BOOL,
  WB_JSON_NUMBER,
  WB_JSON_STRING,
  WB_JSON_ARRAY,
  WB_JSON_OBJECT
};

struct wb_json {
  enum wb_json_kind kind;
  uint32_t start, end;   /* bytes of the source */
  struct wb_text key;    /* of a member, escapes resolved */
  struct wb_text text;   /* of a string, escapes resolved */
  bool is_integer;       /* a number without fraction and exponent, within 64 bits */
  bool is_negative;      /* then `number` is its absolute value */
  uint64_t number;       /* of a number; 1 for true */
  struct wb_json *first; /* members or elements */
  struct wb_json *next;
};

/* NULL where the bytes are not a JSON document of at most WB_MAX_SOURCE bytes and 64 levels; `bad`
 * is where that shows. */
struct wb_json *wb_json_parse(struct wb_text text, uint32_t *bad);
/* A member by name, as Go's decoder finds it: without regard to case, the last one counts. NULL
 * where there is none, or where it is null. */
struct wb_json *wb_json_member(const struct wb_json *object, const char *name);

/* --- conversions ---------------------------------------------------------------------------------
 */

struct wb_note {
  enum wb_note_kind kind;
  uint32_t start, end; /* bytes of the input */
  struct wb_text detail;
  bool has_other;
  uint32_t other_start, other_end; /* of the rule that it conflicts with */
};

struct wb_conversion {
  bool ok;
  struct wb_writer out;
  struct wb_note *notes;
  uint32_t note_count, note_capacity;
};

/* Says what the profile is imported for. */
struct wb_import_options {
  struct wb_text text;
  uint32_t targets;      /* bits 1 << enum wb_arch; 0: x86_64 and what the profile adds to it */
  uint64_t capabilities; /* bits 1 << CAP_* that the payload will have */
};

/* Adds a note, up to WB_MAX_DIAGNOSTICS; an error (below WB_NOTE_UNKNOWN_CALL) makes ok false. */
struct wb_note *wb_note(struct wb_conversion *c, enum wb_note_kind kind, uint32_t start,
                        uint32_t end);

/* Two rules of a policy that both match a call and judge it differently. */
struct wb_overlap {
  uint32_t first, second; /* rules */
  struct wb_text call; /* an example: `kill(5, 9) on x86_64`; no arguments where it took too long */
};
/* False where no two rules overlap so. See overlap.c. */
bool wb_find_overlap(const struct wb_policy *policy, struct wb_overlap *out);

/* Docker's, Podman's, Kubernetes' and runc's profiles. */
void wb_import_oci(struct wb_conversion *c, const struct wb_import_options *options);
/* A resolved policy as an OCI profile. */
void wb_export_oci(struct wb_conversion *c, const struct wb_policy *policy);

#endif

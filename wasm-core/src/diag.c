/*
 * Diagnostics and the nearest name to a misspelled one. Called by every stage that reads the
 * user's text.
 */
#include "core.h"

#include <string.h>

struct wb_diag *wb_report(struct wb_context *cx, enum wb_code code, struct wb_place place) {
  bool error = code < WB_W_SHADOWED;
  /* An error in a rule recurs for each of its calls and targets: report it once. */
  for (uint32_t i = 0; i < cx->diag_count; i++) {
    const struct wb_diag *d = &cx->diags[i];
    if (d->code == code && memcmp(&d->place, &place, sizeof place) == 0 && code != WB_E_RULE_COST)
      return wb_alloc(sizeof(struct wb_diag));
  }
  if (error)
    cx->error_count++;
  if (cx->diag_count >= WB_MAX_DIAGNOSTICS) {
    /* The list is full: an error takes the place of the last warning, the rest is dropped. */
    for (uint32_t i = cx->diag_count; error && i-- > 0;)
      if (cx->diags[i].code >= WB_W_SHADOWED) {
        memmove(&cx->diags[i], &cx->diags[i + 1], (cx->diag_count - i - 1) * sizeof *cx->diags);
        cx->diag_count--;
        break;
      }
    if (cx->diag_count >= WB_MAX_DIAGNOSTICS)
      return wb_alloc(sizeof(struct wb_diag));
  }
  struct wb_diag *diag = WB_PUSH(cx->diags, cx->diag_count, cx->diag_capacity);
  *diag = (struct wb_diag){.code = code, .place = place};
  return diag;
}

struct wb_text wb_text_of(const char *string) {
  return (struct wb_text){string, (uint32_t)strlen(string)};
}

bool wb_text_is(struct wb_text text, const char *word) {
  return strlen(word) == text.size && memcmp(word, text.at, text.size) == 0;
}

void wb_suggest_start(struct wb_suggest *s, struct wb_text word) {
  /* One slip for short words, up to three for long ones. */
  uint32_t most = word.size <= 3 ? 1 : word.size <= 7 ? 2 : 3;
  *s = (struct wb_suggest){.word = word, .distance = most + 1};
}

static char lower(char c) {
  return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

void wb_suggest_offer(struct wb_suggest *s, const char *candidate) {
  enum { LONGEST = 48 };
  uint32_t n = s->word.size, m = (uint32_t)strlen(candidate);
  if (n == 0 || n > LONGEST || m > LONGEST)
    return;
  if ((n > m ? n - m : m - n) >= s->distance)
    return;
  /* Edits with neighbours swapped counted once (optimal string alignment). */
  uint32_t rows[3][LONGEST + 1];
  uint32_t *before = rows[0], *last = rows[1], *row = rows[2];
  for (uint32_t j = 0; j <= m; j++)
    last[j] = j, before[j] = 0;
  for (uint32_t i = 1; i <= n; i++) {
    row[0] = i;
    for (uint32_t j = 1; j <= m; j++) {
      char a = lower(s->word.at[i - 1]), b = lower(candidate[j - 1]);
      uint32_t cost = last[j - 1] + (a != b);
      if (last[j] + 1 < cost)
        cost = last[j] + 1;
      if (row[j - 1] + 1 < cost)
        cost = row[j - 1] + 1;
      if (i > 1 && j > 1 && a == lower(candidate[j - 2]) && lower(s->word.at[i - 2]) == b &&
          before[j - 2] + 1 < cost)
        cost = before[j - 2] + 1;
      row[j] = cost;
    }
    uint32_t *spare = before;
    before = last, last = row, row = spare;
  }
  /* A suggestion that shares nothing with a short word does not help. */
  if (last[m] < s->distance && last[m] < n) {
    s->distance = last[m];
    s->best = (struct wb_text){candidate, m};
  }
}

struct wb_text wb_suggest_result(const struct wb_suggest *s) {
  return s->best;
}

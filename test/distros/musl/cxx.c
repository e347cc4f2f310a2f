/*
 * The test root of musl (roots.mjs) uses this: what a libstdc++ that was built for glibc wants of
 * it and musl lacks. Loaded under the name of libstdc++, in front of that, so that the functions of
 * locales are these.
 *
 * libstdc++ reads its tables of characters out of glibc's locale_t; musl's fits into the front of
 * one. musl itself has the tables, and the other old names.
 */
#define _GNU_SOURCE
#include <link.h>
#include <locale.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

/* glibc's struct __locale_struct (bits/types/__locale_t.h). */
struct locale {
  void *parts[13];
  const unsigned short *kinds;
  const int *lower, *upper;
  const char *names[13];
};
enum { MUSL_PARTS = 6 };

const unsigned short **__ctype_b_loc(void);
const int **__ctype_tolower_loc(void), **__ctype_toupper_loc(void);

locale_t __newlocale(int mask, const char *name, locale_t base) {
  struct locale *made = base != NULL ? (void *)base : calloc(1, sizeof *made);
  locale_t musl = newlocale(mask, name, NULL);
  if (made == NULL || musl == NULL)
    return NULL;
  memcpy(made->parts, musl, MUSL_PARTS * sizeof *made->parts);
  made->kinds = *__ctype_b_loc();
  made->lower = *__ctype_tolower_loc();
  made->upper = *__ctype_toupper_loc();
  for (size_t i = 0; i < sizeof made->names / sizeof *made->names; i++)
    made->names[i] = "C";
  return (locale_t)made;
}

locale_t __duplocale(locale_t locale) {
  struct locale *made = malloc(sizeof *made);
  return made == NULL ? NULL : memcpy(made, locale, sizeof *made);
}

void __freelocale(locale_t locale) {
  free(locale);
}

size_t __strftime_l(char *to, size_t size, const char *format, const struct tm *time,
                    locale_t locale) {
  return strftime_l(to, size, format, time, locale);
}

unsigned long __isoc23_strtoul(const char *text, char **end, int base) {
  return strtoul(text, end, base);
}

unsigned arc4random(void) {
  unsigned value;
  return getentropy(&value, sizeof value) == 0 ? value : (abort(), 0);
}

int fseeko64(FILE *file, off_t offset, int whence) {
  return fseeko(file, offset, whence);
}

off_t ftello64(FILE *file) {
  return ftello(file);
}

/* Destructors of threads' objects: left out, as their memory is. */
int __cxa_thread_atexit_impl(void (*destroy)(void *), void *object, void *library) {
  (void)destroy, (void)object, (void)library;
  return 0;
}

/* Named by libstdc++ and libgcc_s, and used by nothing that Node does. */
_Noreturn void strfromf128(void) {
  abort();
}
_Noreturn void strtof128(void) {
  abort();
}
char __libc_single_threaded;
unsigned __cpu_model[4];
int __cpu_indicator_init(void) {
  return 0;
}

/* glibc's struct dl_find_object (dlfcn.h), by which libgcc_s finds how to unwind. */
struct found {
  unsigned long long flags;
  void *start, *end, *map, *frames;
  unsigned long long reserved[7];
};
struct search {
  char *pc;
  struct found *found;
};

static int is_it(struct dl_phdr_info *info, size_t size, void *data) {
  const struct search *search = data;
  char *start = NULL, *end = NULL, *frames = NULL;
  (void)size;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *header = &info->dlpi_phdr[i];
    char *at = (char *)info->dlpi_addr + header->p_vaddr;
    if (header->p_type == PT_GNU_EH_FRAME)
      frames = at;
    if (header->p_type == PT_LOAD && search->pc >= at && search->pc < at + header->p_memsz)
      start = at, end = at + header->p_memsz;
  }
  if (start == NULL || frames == NULL)
    return 0;
  *search->found = (struct found){.start = start, .end = end, .frames = frames};
  return 1;
}

int _dl_find_object(void *pc, struct found *found) {
  struct search search = {pc, found};
  return dl_iterate_phdr(is_it, &search) == 1 ? 0 : -1;
}

/* UTF-8 as JavaScript writes it: no surrogates, nothing longer than needed. */
#ifndef WASBOX_SYS_UTF8_H
#define WASBOX_SYS_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* The length of the character at `at`, of which `left` bytes are there; or 0 where there is none:
 * then `*skip` bytes are replaced by one U+FFFD. https://encoding.spec.whatwg.org/#utf-8-decoder */
unsigned wb_utf8_character(const uint8_t *at, size_t left, unsigned *skip);

/* How many bytes from the beginning are UTF-8: `size` where all of them are. */
size_t wb_utf8_prefix(const uint8_t *bytes, size_t size);

#endif

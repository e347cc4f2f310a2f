/* SHA-1 (git's names of blobs) and SHA-256 (FIPS 180-4), for text.c. */
#ifndef WASBOX_ENGINE_DIGEST_H
#define WASBOX_ENGINE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#define DIGEST_MAX ((size_t)32)

enum digest_algorithm { SHA1, SHA256 };

struct digest {
  uint32_t state[8];
  uint64_t size; /* bytes so far */
  uint8_t block[64];
};

void digest_begin(struct digest *digest, enum digest_algorithm algorithm);
void digest_add(struct digest *digest, enum digest_algorithm algorithm, const uint8_t *bytes,
                size_t size);
/* Writes the digest and returns its length in bytes. */
size_t digest_end(struct digest *digest, enum digest_algorithm algorithm, uint8_t out[DIGEST_MAX]);

#endif

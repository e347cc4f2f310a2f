/* SHA-1 and SHA-256: the examples of FIPS 180-4, and every length up to four blocks, in pieces as whole. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "../../../addon/engine/digest.h"

static void hex_of(enum digest_algorithm algorithm, const char *text, size_t size, size_t piece,
                   char out[65]) {
  struct digest digest;
  uint8_t bytes[DIGEST_MAX];
  digest_begin(&digest, algorithm);
  for (size_t at = 0; at < size; at += piece)
    digest_add(&digest, algorithm, (const uint8_t *)text + at,
               size - at < piece ? size - at : piece);
  const size_t length = digest_end(&digest, algorithm, bytes);
  for (size_t i = 0; i < length; i++)
    snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static void expect(enum digest_algorithm algorithm, const char *text, const char *wanted) {
  char found[65];
  hex_of(algorithm, text, strlen(text), 1000, found);
  assert(strcmp(found, wanted) == 0);
}

int main(void) {
  const char *two = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
  expect(SHA1, "", "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  expect(SHA1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d");
  expect(SHA1, two, "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
  expect(SHA256, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  expect(SHA256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  expect(SHA256, two, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");

  char text[256], whole[65], pieces[65];
  for (size_t i = 0; i < sizeof text; i++)
    text[i] = (char)(i * 7);
  for (size_t size = 0; size <= sizeof text; size++)
    for (size_t piece = 1; piece < 130; piece += 7) {
      for (int algorithm = SHA1; algorithm <= SHA256; algorithm++) {
        hex_of((enum digest_algorithm)algorithm, text, size, 1000, whole);
        hex_of((enum digest_algorithm)algorithm, text, size, piece, pieces);
        assert(strcmp(whole, pieces) == 0);
      }
    }
  puts("digests: ok");
  return 0;
}

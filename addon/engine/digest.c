/*
 * SHA-1 and SHA-256 as FIPS 180-4 defines them; its constants are the ones below. Called by text.c;
 * test/integration/engine-node.test.ts compares digests with Node's.
 */
#include "digest.h"

#include <string.h>

static uint32_t left(uint32_t word, int bits) {
  return word << bits | word >> (32 - bits);
}

static uint32_t right(uint32_t word, int bits) {
  return word >> bits | word << (32 - bits);
}

static uint32_t read_word(const uint8_t *bytes) {
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void sha1_block(uint32_t state[8], const uint8_t *block) {
  uint32_t w[80];
  for (int i = 0; i < 16; i++)
    w[i] = read_word(block + (size_t)4 * (size_t)i);
  for (int i = 16; i < 80; i++)
    w[i] = left(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
  uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
  for (int i = 0; i < 80; i++) {
    const uint32_t f = i < 20   ? (b & c) | (~b & d)
                       : i < 40 ? b ^ c ^ d
                       : i < 60 ? (b & c) | (b & d) | (c & d)
                                : b ^ c ^ d;
    static const uint32_t k[4] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
    const uint32_t next = left(a, 5) + f + e + k[i / 20] + w[i];
    e = d, d = c, c = left(b, 30), b = a, a = next;
  }
  state[0] += a, state[1] += b, state[2] += c, state[3] += d, state[4] += e;
}

static const uint32_t sha256_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static void sha256_block(uint32_t state[8], const uint8_t *block) {
  uint32_t w[64], v[8];
  for (int i = 0; i < 16; i++)
    w[i] = read_word(block + (size_t)4 * (size_t)i);
  for (int i = 16; i < 64; i++) {
    const uint32_t s0 = right(w[i - 15], 7) ^ right(w[i - 15], 18) ^ w[i - 15] >> 3;
    const uint32_t s1 = right(w[i - 2], 17) ^ right(w[i - 2], 19) ^ w[i - 2] >> 10;
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  memcpy(v, state, sizeof v);
  for (int i = 0; i < 64; i++) {
    const uint32_t s1 = right(v[4], 6) ^ right(v[4], 11) ^ right(v[4], 25);
    const uint32_t choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
    const uint32_t one = v[7] + s1 + choice + sha256_constants[i] + w[i];
    const uint32_t s0 = right(v[0], 2) ^ right(v[0], 13) ^ right(v[0], 22);
    const uint32_t majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
    memmove(v + 1, v, 7 * sizeof *v);
    v[4] += one;
    v[0] = one + s0 + majority;
  }
  for (int i = 0; i < 8; i++)
    state[i] += v[i];
}

void digest_begin(struct digest *digest, enum digest_algorithm algorithm) {
  static const uint32_t first[2][8] = {
      {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0, 0, 0, 0},
      {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab,
       0x5be0cd19},
  };
  memset(digest, 0, sizeof *digest);
  memcpy(digest->state, first[algorithm], sizeof digest->state);
}

void digest_add(struct digest *digest, enum digest_algorithm algorithm, const uint8_t *bytes,
                size_t size) {
  while (size > 0) {
    const size_t used = digest->size % sizeof digest->block;
    const size_t room = sizeof digest->block - used;
    const size_t part = size < room ? size : room;
    memcpy(digest->block + used, bytes, part);
    digest->size += part, bytes += part, size -= part;
    if (part == room)
      (algorithm == SHA1 ? sha1_block : sha256_block)(digest->state, digest->block);
  }
}

size_t digest_end(struct digest *digest, enum digest_algorithm algorithm, uint8_t out[DIGEST_MAX]) {
  const uint64_t bits = digest->size * 8;
  static const uint8_t padding[64] = {0x80};
  const size_t used = digest->size % sizeof digest->block;
  digest_add(digest, algorithm, padding, used < 56 ? 56 - used : 120 - used);
  uint8_t length[8];
  for (int i = 0; i < 8; i++)
    length[i] = (uint8_t)(bits >> (56 - 8 * i));
  digest_add(digest, algorithm, length, sizeof length);
  const size_t words = algorithm == SHA1 ? 5 : 8;
  for (size_t i = 0; i < words * 4; i++)
    out[i] = (uint8_t)(digest->state[i / 4] >> (24 - 8 * (i % 4)));
  return words * 4;
}

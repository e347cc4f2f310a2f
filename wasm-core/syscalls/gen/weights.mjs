/** Encodes weights.txt, the measured mix of calls, as weights.generated.c. */
import { Bytes, banner, byteArray } from './encode.mjs';

/** The two generated files: `count` pairs of the step to the next id and a weight. */
export function writeWeights(text, calls, versions) {
  const pairs = [];
  for (const [, weight, name] of text.matchAll(/^\s*(\d+) (\w+)$/gm)) {
    const id = calls.names.indexOf(name);
    if (id < 0) throw new Error(`weights.txt names an unknown call: ${name}`);
    pairs.push([id, Number(weight)]);
  }
  pairs.sort((a, b) => a[0] - b[0]);
  const bytes = new Bytes();
  let last = 0;
  for (const [id, weight] of pairs) {
    bytes.unsigned(id - last).unsigned(weight);
    last = id;
  }
  const header =
    `${banner('Weights of the calls, from weights.txt, read by weights.c.', versions)}` +
    `#ifndef WASBOX_WEIGHTS_GENERATED_H\n#define WASBOX_WEIGHTS_GENERATED_H\n\n` +
    `#include <stdint.h>\n\n#define WB_WEIGHT_COUNT ${pairs.length}\n\n` +
    `extern const uint8_t wb_blob_weights[];\n\n#endif\n`;
  const source =
    `${banner('How often programs make each call.', versions)}\n` +
    `#include "weights.generated.h"\n\n${byteArray('wb_blob_weights', bytes.list)}`;
  return { header, source };
}

// Faults of the pinned QuickJS that data could reach, mended as its authors did later. docs/decisions/engine-sources.md lists the
// others, which take JavaScript of an attacker's. Called by libraries.mjs on the unpacked source.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Each text is in quickjs.c once: another QuickJS is not mended by chance. */
export const fixes = [
  {
    // Upstream's e1c18be: `policy import` and `policy replay` read numbers of any length.
    why: 'the length of a BigInt from digits overflows',
    find: '    n_digits = strlen(p);\n    log2_radix',
    replace: `    if (strlen(p) > 1 << 26) {
        JS_ThrowRangeError(ctx, "BigInt is too large to allocate");
        return NULL;
    }
    n_digits = strlen(p);
    log2_radix`,
  },
  {
    // Upstream's 638ec8c.
    why: 'leading zeros of a highest word that is 0 are counted',
    find: 'n_bits = r->len * JS_LIMB_BITS - js_limb_clz(r->tab[r->len - 1]);',
    replace: `n_bits = r->len * JS_LIMB_BITS -
            (r->tab[r->len - 1] ? js_limb_clz(r->tab[r->len - 1]) : JS_LIMB_BITS);`,
  },
  {
    // Upstream's 9ce5442.
    why: 'a word behind the highest one of a BigInt is read',
    find: 'if (likely((shift + log2_radix) <= JS_LIMB_BITS)) {\n                    c = r->tab[pos] >> shift;',
    replace: `if ((shift + log2_radix) <= JS_LIMB_BITS || pos + 1 >= r->len) {
                    c = r->tab[pos] >> shift;`,
  },
];

export function mend(directory) {
  const file = join(directory, 'quickjs.c');
  let text = readFileSync(file, 'utf8');
  for (const { why, find, replace } of fixes) {
    if (text.split(find).length !== 2) throw new Error(`QuickJS is another one: ${why}`);
    text = text.replace(find, () => replace);
  }
  writeFileSync(file, text);
}

/** Lists what is fuzzed: NAME_fuzz.c is the target, corpus/NAME what `npm run test:c` replays. */
export const targets = ['policy', 'import', 'program'];

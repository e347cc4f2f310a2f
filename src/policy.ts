/** `wasbox/policy`: compile, check and explain syscall policies, in Node and in browsers. */
export * from './policy/formats/index.js';
export * from './policy/index.js';

/** `wasbox/policy`: compile, check and explain syscall policies, in Node and in browsers. */
export * from './policy/index.js';

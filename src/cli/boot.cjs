#!/usr/bin/env node
// Loads the command line's one bundle together with the code that V8 made of it when the
// package was built (src/build.mjs). The file's name says for which version of V8 and which processor the
// code is: V8 checks its version, its flags and the source's length, but crashes on the code of another
// processor. Where no file fits, V8 compiles the source.
// Like the bundle, the file is part of the package: a process that can write it can write that, too.
'use strict';
// This check stands before anything that an older Node does not know. src/native/runtime.ts says the same to the
// library's callers.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 22 ? major !== 20 || minor < 18 : major === 22 && minor < 3) {
  const found = `${process.execPath} is Node.js ${process.versions.node}`;
  console.error(`wasbox: ${found}; wasbox needs Node.js 20.18 or later (not 21, nor 22.0 to 22.2)`);
  process.exit(125);
}
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { Script } = require('node:vm');

const filename = join(__dirname, 'cli-main.cjs');

/** @returns {Buffer | undefined} */
function compiledCode() {
  try {
    const name = `cli-main.${process.versions.v8}-${process.arch}.cache`; // as in src/code-cache.mjs
    return readFileSync(join(__dirname, name));
  } catch {
    return undefined;
  }
}

// The bundle is plain ASCII: one byte a character is read and held faster.
const script = new Script(readFileSync(filename, 'latin1'), {
  filename,
  cachedData: compiledCode(),
});
// The last one because code from the cache has no import() of its own.
script.runInThisContext()(require, filename, module, (url) => import(url));

#!/usr/bin/env node
// Stage: cli. Loads the command line's one bundle together with the code that V8 made of it when the
// package was built (src/build.mjs). V8 refuses such code where it is for another version of itself,
// other flags or a source of another length, and compiles the source, as where the file is missing.
// Like the bundle, the file is part of the package: whoever can write it can write that, too.
'use strict';
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { Script } = require('node:vm');

const filename = join(__dirname, 'cli-main.cjs');

/** @returns {Buffer | undefined} */
function compiledCode() {
  try {
    return readFileSync(join(__dirname, 'cli-main.cache'));
  } catch {
    return undefined;
  }
}

// The bundle is plain ASCII: one byte a character is read and held faster.
const script = new Script(readFileSync(filename, 'latin1'), {
  filename,
  cachedData: compiledCode(),
});
script.runInThisContext()(require, filename, module);

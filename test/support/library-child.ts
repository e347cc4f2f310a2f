/**
 * Runs a program that imports the library in a process of its own, as one of the identities: what
 * such a process leaves behind can then be seen from outside.
 */
import type { ChildProcess } from 'node:child_process';
import { dirname, join } from 'node:path';
import type { Identity } from './identity.js';
import { type Ended, ended, type StartOptions, startProgram } from './wasbox.js';

/** argv of a program in which `lib` is the library, for instance `await lib.run('true')`. */
export function libraryArgv(as: Identity, program: string): string[] {
  const library = join(dirname(as.cli), 'index.js');
  const source = `import * as lib from ${JSON.stringify(library)};\n${program}`;
  return [process.execPath, '--input-type=module', '-e', source];
}

export function startLibrary(program: string, options: StartOptions): ChildProcess {
  return startProgram(libraryArgv(options.as, program), options);
}

export function runLibrary(program: string, options: StartOptions): Promise<Ended> {
  return ended(startLibrary(program, options), options);
}

/** Payloads of the attack tests: compiled C, placed in a project where a run can see them. */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Identity } from './identity.js';

const sources = fileURLToPath(new URL('../attacks/payloads/', import.meta.url));

/** Compiles payloads/NAME.c statically to DIRECTORY/NAME, for the identity to run. */
export function compilePayload(as: Identity, name: string, directory: string): string {
  const output = join(directory, name);
  execFileSync('cc', ['-O1', '-static', '-o', output, join(sources, `${name}.c`)]);
  if (process.getuid?.() !== as.uid) fs.chownSync(output, as.uid, as.gid);
  return output;
}

/** Text of a payload that needs no compiling. */
export function payloadText(name: string): string {
  return fs.readFileSync(join(sources, name), 'utf8');
}

/** The result of one attempt of payloads/attempt.c. */
export interface Attempt {
  readonly kind: 'ok' | 'errno' | 'signal';
  readonly value: number;
}

export function parseAttempts(output: string): Map<string, Attempt> {
  const found = new Map<string, Attempt>();
  for (const line of output.split('\n')) {
    const match = /^(\w+) (ok|errno|signal) (\d+)$/.exec(line.trim());
    if (match?.[1] === undefined) continue;
    found.set(match[1], { kind: match[2] as Attempt['kind'], value: Number(match[3]) });
  }
  return found;
}

/**
 * Measures what npm's bin costs beyond the native command that it becomes: both make the same recorded start of `true`,
 * one after the other, in turns.
 *
 *     npm run bench -- launcher [ROUNDS]       by default 40
 *
 * As an ordinary user: root's starts are Node's. Ends with 1 beyond the bound.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Milliseconds that the median of the differences may be. */
const bound = 1.6;

const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const commands = {
  bin: join(dist, 'bin/wasbox.bin'),
  native: join(dist, `native/linux-${process.arch}/wasbox`),
};
const rounds = Number(process.argv[2] ?? 40);
/** A shell sets PWD where it is missing, and a start in another environment is another start. */
const cwd = mkdtempSync(join(homedir(), '.wasbox-bench-'));
const env = { ...process.env, PWD: cwd };

function milliseconds(command) {
  const start = process.hrtime.bigint();
  const { status } = spawnSync(command, ['run', '-q', '--discard', 'true'], { cwd, env });
  const end = process.hrtime.bigint();
  if (status !== 0) throw new Error(`${command} ended with ${status}`);
  return Number(end - start) / 1e6;
}

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

for (let i = 0; i < 3; i++) for (const command of Object.values(commands)) milliseconds(command);
const seen = { bin: [], native: [] };
for (let i = 0; i < rounds; i++) {
  // Neither has the place after the other only.
  const order = i % 2 === 0 ? ['bin', 'native'] : ['native', 'bin'];
  for (const name of order) seen[name].push(milliseconds(commands[name]));
}
rmSync(cwd, { recursive: true });
const difference = median(seen.bin.map((time, i) => time - seen.native[i]));
const show = (name, value) => console.log(`${name.padEnd(22)}${value.toFixed(2).padStart(7)} ms`);
show('native command', median(seen.native));
show("npm's bin", median(seen.bin));
show('median difference', difference);
process.exitCode = difference <= bound ? 0 : 1;

/** Tests what a launch says that fails because the ids of root's payload may not use the program. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { launchFailure } from '../../../src/leads/index.js';
import type { NativeOutcome } from '../../../src/native/index.js';
import type { SandboxSpec } from '../../../src/resolve/index.js';

const hostUid = 61_234;
let place: string;
let program: string;

beforeAll(() => {
  place = mkdtempSync(join(tmpdir(), 'wasbox-closed-'));
  mkdirSync(join(place, 'kept'));
  program = join(place, 'kept/program');
  writeFileSync(program, '');
});
afterAll(() => rmSync(place, { recursive: true }));

/** The hint of a launch that ended with EACCES, with these modes of the directories and the program. */
function hintOf(modes: readonly number[], privileged = true): string | undefined {
  for (const [at, path] of [place, join(place, 'kept'), program].entries())
    chmodSync(path, modes[at] ?? 0);
  const spec = {
    isolation: 'landlock',
    command: { path: program, display: program },
    identity: { privileged, hostUid, hostGid: hostUid },
  } as unknown as SandboxSpec;
  const native = { errnoName: () => ({ code: 'EACCES', message: 'Permission denied' }) };
  const outcome = { kind: 'exec', errno: 13, step: 0, path: '' } as unknown as NativeOutcome;
  return launchFailure(native, spec, outcome)?.hint;
}

it('the hint names the directory that the ids of the payload may not enter', () => {
  expect(hintOf([0o755, 0o700, 0o755])).toContain(`may not enter ${join(place, 'kept')}.`);
});

it('the hint names the first of two closed directories', () => {
  expect(hintOf([0o710, 0o700, 0o755])).toContain(`uid ${hostUid} in the sandbox`);
  expect(hintOf([0o710, 0o700, 0o755])).toContain(`may not enter ${place}.`);
});

it('the hint names a program that only its owner may execute', () => {
  expect(hintOf([0o755, 0o755, 0o744])).toContain(`may not execute ${program}.`);
});

it('the hint names no directory where no user may execute the program, or where all is open', () => {
  expect(hintOf([0o755, 0o755, 0o644])).toMatch(/^It is not executable/);
  expect(hintOf([0o755, 0o755, 0o755])).toMatch(/^It is not executable/);
});

it("the hint names no directory where the payload has the user's own ids", () => {
  expect(hintOf([0o755, 0o700, 0o755], false)).toMatch(/^It is not executable/);
});

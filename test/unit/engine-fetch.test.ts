/** `npm ci` fetches the engine's sources with apt where it can, and goes on without them in bounded time. */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const work = fs.mkdtempSync(join(tmpdir(), 'wasbox-engine-fetch-'));
afterAll(() => fs.rmSync(work, { recursive: true }));

/** A copy of the scripts that has no compiled libraries. */
const addon = join(work, 'addon');
fs.cpSync(join(root, 'addon/engine'), join(addon, 'engine'), {
  recursive: true,
  filter: (path) => !path.startsWith(join(root, 'addon/engine/build')),
});
for (const name of ['targets.mjs', 'native.mjs'])
  fs.cpSync(join(root, 'addon', name), join(addon, name));

/** Fetches with an apt that is this shell script; returns the status and the files that are there afterwards. */
function fetchWith(name: string, script: string) {
  const [bin, sources] = [join(work, name, 'bin'), join(work, name, 'sources')];
  fs.mkdirSync(bin, { recursive: true });
  for (const program of ['apt-get', 'apt-helper'])
    fs.writeFileSync(join(bin, program), `#!/bin/sh\n: >"$0.asked"\n${script}\n`, { mode: 0o755 });
  const words = [join(addon, 'engine/fetch.mjs'), '--within', '1'];
  const { status } = spawnSync(process.execPath, words, {
    env: { PATH: `${bin}:${dirname('/bin/sh')}:/usr/bin`, WASBOX_SOURCES: sources },
    timeout: 30_000,
  });
  const asked = fs.existsSync(join(bin, 'apt-helper.asked'));
  return { status, asked, files: fs.existsSync(sources) ? fs.readdirSync(sources) : [] };
}

test.each([
  ['stalls', '[ "$1" = indextargets ] || { echo part >"$3"; exec sleep 300; }'],
  ['fails', 'exit 100'],
  ['sends other bytes', '[ "$1" = download-file ] && echo other >"$3"'],
])('where apt %s, fetching ends without an error and leaves no file', (name, script) => {
  expect(fetchWith(name, script)).toEqual({ status: 0, asked: true, files: [] });
});

/**
 * A program of a session changes its files while they are applied. A virtual environment is applied without being named
 * only where each file is what venv writes: what the host has afterwards must be that, not what the program wrote between
 * the judgement and the copy. The oracle is the host's files.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { identities } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { inSession } from '../support/session.js';

/** WASBOX_RACES=200 for a longer race. */
const races = Number(process.env.WASBOX_RACES ?? 12);

const evil = 'echo planted';

/** Makes environments, and swaps the content of one file of each for as long as it runs, by writes and through a mapping. */
const program = `
import mmap, os, subprocess, sys, time
names = [f"e{n}" for n in range(${races})]
for name in names: subprocess.run([sys.executable, "-m", "venv", "--without-pip", name], check=True)
plain, bad, maps = {}, {}, {}
for name in names:
    path = name + "/bin/activate"
    plain[name] = open(path, "rb").read()
    bad[name] = ("${evil}\\n#" + "x" * len(plain[name])).encode()[:len(plain[name])]
    maps[name] = mmap.mmap(os.open(path, os.O_RDWR), len(plain[name]))
open("ready", "w").close()
n = 0
while True:
    for name in names:
        maps[name][:] = plain[name] if (n + int(name[1:])) % 2 == 0 else bad[name]
    n += 1
    time.sleep(0.05)
`;

describe.each(identities())('as $label', (as) => {
  test('a file that a program swaps while it is applied is applied as it was judged', async () => {
    const cwd = makeProject(as, { 'race.py': program });
    const { lines } = await inSession(
      as,
      `{ changes: 'discard' }`,
      `const racing = session.spawn(['python3', 'race.py']);
       for (let n = 0; n < 600 && (await session.exec(['test', '-e', 'ready'])).exitCode !== 0; n++)
         await new Promise((resolve) => setTimeout(resolve, 100));
       const { applied, refused } = await session.apply();
       for (let n = 0; n < ${races}; n++) {
         const has = (list) => list.some(({ path }) => path === 'e' + n + '/bin/activate');
         show([has(applied), has(refused)]);
       }
       racing.kill?.();`,
      cwd,
    );
    expect(lines).toHaveLength(races);
    for (let n = 0; n < races; n++) {
      const path = join(cwd, `e${n}/bin/activate`);
      const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
      expect(text, `e${n}: ${lines[n]}`).not.toContain(evil);
    }
    // Controls: some were as venv writes them when they were judged, and some were not.
    expect(lines.some((line) => (line as boolean[])[0])).toBe(true);
    expect(lines.some((line) => (line as boolean[])[1])).toBe(true);
  }, 240_000);
});

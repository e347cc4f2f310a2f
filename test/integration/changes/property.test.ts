/**
 * Whatever a program does: done inside and applied, it equals the same done outside. The number of
 * sequences is small here; WASBOX_SEQUENCES asks for more.
 */
import { execFileSync } from 'node:child_process';
import { openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { withFd } from '../../../src/changes/fdtree.js';
import { applyRun, finishRun, listRuns, openRun, scanRun } from '../../../src/changes/index.js';
import { emptyDirectory } from '../../../src/changes/remove.js';
import { type Fixture, inOverlay, makeFixture, native, startRun } from './fixture.js';

const operations = fileURLToPath(new URL('operations.py', import.meta.url));
const python = ['python3', '-I', '-S', operations];
const sequences = Number(process.env.WASBOX_SEQUENCES ?? 40);
const firstSeed = Number(process.env.WASBOX_SEED ?? 1);

/** An ordinary user cannot look into a directory that an earlier `apply` left with mode 000. */
const extra = process.geteuid?.() === 0 ? ['links', 'shut'] : ['links'];

/** Outside, with the rights over its own files that the payload has inside. */
function outside(directory: string, seed: number, more: readonly string[]): void {
  execFileSync('unshare', ['-Ur', ...python, String(seed), '30', ...more], { cwd: directory });
}

/** Reads a tree whatever its modes. */
function look(directory: string): Record<string, string> {
  const script =
    'import os,sys,json\n' +
    'out={}\n' +
    'def walk(p,n):\n' +
    '  s=os.lstat(p); l=oct(s.st_mode)\n' +
    '  import stat as S\n' +
    '  if S.S_ISLNK(s.st_mode): l+=" -> "+os.readlink(p).decode("latin1")\n' +
    '  if S.S_ISREG(s.st_mode):\n' +
    '    import hashlib; l+=" %d %s"%(s.st_mtime_ns,hashlib.sha256(open(p,"rb").read()).hexdigest())\n' +
    '  out[n.decode("latin1")]=l\n' +
    '  if S.S_ISDIR(s.st_mode):\n' +
    '    for c in sorted(os.listdir(p)): walk(p+b"/"+c,n+b"/"+c)\n' +
    'walk(os.fsencode(sys.argv[1]),b"")\n' +
    'print(json.dumps(out))';
  const text = execFileSync('unshare', ['-Ur', 'python3', '-I', '-S', '-c', script, directory], {
    maxBuffer: 1 << 26,
  });
  return JSON.parse(text.toString()) as Record<string, string>;
}

function copyTree(from: string, to: string): void {
  execFileSync('unshare', ['-Ur', 'cp', '-a', '--no-preserve=ownership', from, to]);
}

function clear(directory: string): void {
  withFd(openSync(directory, 'r'), (fd) => emptyDirectory(native, fd));
  rmSync(directory, { recursive: true });
}

function once(fixture: Fixture, seed: number): void {
  const twin = join(fixture.base, 'twin');
  // Without hard links: overlayfs breaks those of the lower layer when it copies up.
  outside(fixture.workdir, seed * 2 + 1_000_000, []);
  // What nobody but root can read on the host is refused, so such modes only arise inside.
  execFileSync('unshare', ['-Ur', 'chmod', '-R', 'u+rwX', fixture.workdir]);
  copyTree(fixture.workdir, twin);
  outside(twin, seed, extra);
  const run = startRun(fixture);
  const before = look(fixture.workdir);
  inOverlay(run, [...python, String(seed), '30', ...extra]);
  const finish = finishRun(fixture.store, run, { succeeded: true }, 'keep');
  expect(look(fixture.workdir), `seed ${seed}: the host before apply`).toEqual(before);
  if (finish.disposition !== 'none') {
    const kept = openRun(fixture.store);
    const changes = scanRun(fixture.store, kept);
    const some = changes.filter((_, index) => (seed >> (index % 8)) & 1).map(({ path }) => path);
    applyRun(fixture.store, kept, { paths: some });
    if (listRuns(fixture.store).length > 0) {
      const rest = applyRun(fixture.store, kept);
      // A link in a circle may lead anywhere: it wants to be named.
      const links = rest.refused.filter(({ reason }) => reason === 'leads-out');
      expect(rest.refused, `seed ${seed}`).toEqual(links);
      if (links.length > 0) {
        applyRun(fixture.store, kept, { paths: links.map(({ change }) => change.path) });
      }
    }
    kept.close();
  }
  expect(look(fixture.workdir), `seed ${seed}`).toEqual(look(twin));
  expect(listRuns(fixture.store)).toEqual([]);
  clear(twin);
  clear(fixture.workdir);
}

test(`${sequences} random sequences`, { timeout: 120_000 + sequences * 20_000 }, () => {
  for (let seed = firstSeed; seed < firstSeed + sequences; seed++) {
    const fixture = makeFixture();
    try {
      once(fixture, seed);
    } finally {
      fixture.dispose();
    }
  }
});

/** `session.files`: what goes in and out, and what the programs inside make of the paths meanwhile. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { identities, ordinaryUser } from '../support/identity.js';
import { needs } from '../support/needs.js';
import { makeProject } from '../support/project.js';
import { inSession } from '../support/session.js';

const tell = `const tell = (call) => call().then(() => 'no error', ({ code, errno, name }) => [code ?? name, errno]);`;

describe.each(identities())('as $label', (as) => {
  it('files go in and out, as the programs see them', async () => {
    const { lines, cwd } = await inSession(
      as,
      `{ changes: 'apply' }`,
      `const { files } = session;
       await files.write('a/b/file', 'one\\n');
       await files.write('a/b/file', new Uint8Array([0, 255, 10]), { append: true });
       show((await session.exec(['od', '-An', '-tx1', 'a/b/file'])).stdout.trim());
       show([...(await files.read('a/b/file'))]);
       await session.exec(['sh', '-c', 'printf inside > /tmp/own; ln -s a/b/file link; mkdir d; chmod 750 a/b']);
       show(await files.readText('/tmp/own'));
       show(await files.list());
       const { type, size, mode } = await files.stat('link');
       show([type, size, mode.toString(8)]);
       show([(await files.stat('link', { followLinks: false })).type, (await files.stat('a/b')).mode.toString(8)]);
       show((await files.stat('nonesuch')) === undefined);
       await files.remove('link');
       await files.remove('d');
       await files.remove('nonesuch');
       await files.write('tree/x/y/z', 'z');
       await files.write('tree/x/w', 'w');
       await files.remove('tree', { recursive: true });
       show((await files.list()).map(({ name }) => name));
       await files.write('long', (async function* () { for (let i = 0; i < 100; i++) yield 'x'.repeat(100000); })());
       show((await files.read('long')).length);
       await files.write('long', 'short');`,
    );
    expect(lines).toEqual([
      '6f 6e 65 0a 00 ff 0a',
      [111, 110, 101, 10, 0, 255, 10],
      'inside',
      [
        { name: 'a', type: 'directory' },
        { name: 'd', type: 'directory' },
        { name: 'link', type: 'symlink' },
      ],
      ['file', 7, '644'],
      ['symlink', '750'],
      true,
      ['a'],
      10_000_000,
    ]);
    expect(readFileSync(join(cwd, 'a/b/file')).length).toBe(7);
    expect(readFileSync(join(cwd, 'long'), 'utf8')).toBe('short');
  });

  it('an operation that cannot be says why', async () => {
    const { lines } = await inSession(
      as,
      `{}`,
      `${tell}
       const { files } = session;
       await session.exec(['sh', '-c', 'mkfifo fifo; mkdir -p d/e; ln -s loop loop; head -c 100 /dev/zero > big; touch shut; chmod 0 shut']);
       show(await tell(() => files.read('nonesuch')));
       show(await tell(() => files.read('d')));
       show(await tell(() => files.read('fifo')));
       show(await tell(() => files.write('fifo', 'x')));
       show(await tell(() => files.read('/dev/zero')));
       show(await tell(() => files.read('loop')));
       show(await tell(() => files.read('big', { maxBytes: 99 })));
       show((await files.read('big', { maxBytes: 100 })).length);
       show(await tell(() => files.read('shut')));
       show(await tell(() => files.write('/usr/own', 'x')));
       show(await tell(() => files.write('big/under', 'x')));
       show(await tell(() => files.list('big')));
       show(await tell(() => files.remove('d')));
       show(await tell(() => files.read('a\\0b')));
       show(await tell(() => files.read(5)));
       show(await tell(() => files.read('x'.repeat(5000))));`,
    );
    const file = (errno: string) => ['ERR_SESSION_FILE', errno];
    expect(lines).toEqual([
      file('ENOENT'),
      file('EISDIR'),
      file('EOPNOTSUPP'),
      ['ERR_SESSION_FILE', expect.stringMatching(/^ENXIO|EOPNOTSUPP$/)],
      file('EOPNOTSUPP'),
      file('ELOOP'),
      file('EFBIG'),
      100,
      file('EACCES'),
      ['ERR_SESSION_FILE', expect.stringMatching(/^EROFS|EACCES$/)],
      file('ENOTDIR'),
      file('ENOTDIR'),
      file('ENOTEMPTY'),
      ['ERR_OPTION_VALUE', null],
      ['ERR_USAGE', null],
      file('ENAMETOOLONG'),
    ]);
  });
});

const as = ordinaryUser();
const user = needs('ordinary user');

user.describe('paths that programs exchange', () => {
  it('never lead to the host', async () => {
    const cwd = makeProject(as);
    const outside = `${cwd}-outside`;
    mkdirSync(outside);
    writeFileSync(join(outside, 'secret'), 'of the host');
    const { lines } = await inSession(
      as,
      `{ changes: 'discard' }`,
      `${tell}
       const outside = ${JSON.stringify(outside)};
       const swapper = await session.spawn({ lang: 'python', code: \`import os
os.makedirs('real', exist_ok=True)
open('real/secret', 'w').write('inside')
os.symlink(\${JSON.stringify(outside)}, 'link')
os.rename('real', 'place')
print('begun', flush=True)
while True:
    os.rename('place', 'real'); os.rename('link', 'place'); os.rename('place', 'link'); os.rename('real', 'place')\` });
       await new Promise((resolve) => swapper.stdout.once('data', resolve));
       const seen = new Set();
       for (let i = 0; i < 100; i++) {
         seen.add(await session.files.readText('place/secret').catch(({ errno }) => errno));
         await session.files.write('place/written', 'x').catch(() => {});
         await session.files.remove('place/written').catch(() => {});
       }
       show([...seen].filter((text) => !['inside', 'ENOENT'].includes(text)));
       show(await tell(() => session.files.read(outside + '/secret')));
       show(await tell(() => session.files.read('../'.repeat(20) + outside.slice(1) + '/secret')));`,
      cwd,
    );
    expect(lines).toEqual([[], ['ERR_SESSION_FILE', 'ENOENT'], ['ERR_SESSION_FILE', 'ENOENT']]);
    // The paths are good ones outside.
    expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe('of the host');
    expect(existsSync(join(outside, 'written'))).toBe(false);
  });

  it('hold nothing that a program could take while a file is worked on', async () => {
    const { lines } = await inSession(
      as,
      `{}`,
      `let end;
       const slow = session.files.write('slow', (async function* () { yield 'x'; await new Promise((resolve) => { end = resolve; }); })());
       await session.exec(['sh', '-c', 'until test -s slow; do sleep 0.02; done']);
       const look = await session.exec({ lang: 'python', code: \`import os
for pid in sorted(int(n) for n in os.listdir('/proc') if n.isdigit()):
    if pid in (1, os.getpid()): continue
    for what in (lambda: os.listdir('/proc/%d/fd' % pid), lambda: open('/proc/%d/mem' % pid), lambda: os.readlink('/proc/%d/exe' % pid)):
        try: what(); print('open')
        except OSError as e: print('refused')\` });
       show(look.stdout.trim().split('\\n'));
       end();
       await slow;
       show(await session.files.readText('slow'));
       const killed = session.files.write('slow', (async function* () { yield 'x'; await new Promise(() => {}); })());
       killed.catch(() => {});
       await session.exec({ lang: 'python', code: 'import os, time\\nwhile True:\\n    others = [int(n) for n in os.listdir("/proc") if n.isdigit() and int(n) not in (1, os.getpid())]\\n    if others: os.kill(others[0], 9); break' });
       show(await killed.catch(({ code }) => code));
       show((await session.exec(['echo', 'usable'])).stdout);`,
    );
    expect(lines).toEqual([['refused', 'refused', 'refused'], 'x', 'ERR_SESSION_FILE', 'usable\n']);
  });
});

import { describe, expect, it } from 'vitest';
import { splitMapping } from '../../../src/options/mapping.js';
import { directory } from './fake-host.js';
import { mountAt, refusal, resolve, sources } from './support.js';

const home = '/home/ann';
const proj = `${home}/proj`;

describe('every sandbox', () => {
  const spec = resolve({});

  it('shows the system read-only and links as on the host', () => {
    expect(mountAt(spec, '/usr')).toMatchObject({ type: 'host', access: 'read', origin: 'system' });
    expect(mountAt(spec, '/bin')).toEqual({ type: 'symlink', target: '/bin', to: 'usr/bin' });
  });

  it('shows nothing of home but the working directory', () => {
    expect(sources(spec).filter((path) => path.startsWith('/home'))).toEqual([proj]);
    expect(mountAt(spec, home)).toMatchObject({ type: 'private', mode: 0o700 });
  });

  it('shows nothing of the host writable', () => {
    const binds = spec.views.filter(
      (view) => view.type === 'host' && view.access !== 'copy-on-write',
    );
    expect(binds.length).toBeGreaterThan(1);
    expect(binds.every((mount) => mount.type === 'host' && mount.access === 'read')).toBe(true);
  });

  it('makes outer places before those inside them', () => {
    const seen = new Set<string>();
    for (const { target } of spec.views) {
      for (const earlier of seen) expect(earlier.startsWith(`${target}/`)).toBe(false);
      expect(seen.has(target)).toBe(false);
      seen.add(target);
    }
  });

  it('lists for Landlock exactly what may be written', () => {
    expect([...spec.writable].sort()).toEqual(
      [
        ...['null', 'zero', 'full', 'random', 'urandom', 'tty', 'pts', 'shm', 'mqueue'].map(
          (n) => `/dev/${n}`,
        ),
        '/proc',
        '/tmp',
        '/var/tmp',
        '/run/user/1000',
        home,
        proj,
      ].sort(),
    );
  });

  it('shows the resolver’s configuration with the host’s network only', () => {
    const stub = '/run/systemd/resolve/stub-resolv.conf';
    expect(mountAt(spec, stub)).toBeUndefined();
    expect(mountAt(resolve({ net: 'host' }), stub)).toMatchObject({ type: 'host', access: 'read' });
  });
});

describe('--ro and --rw', () => {
  const files = {
    '/data/set/x': 'x',
    '/data/key': { text: 'x', mode: 0 } as const,
    '/link': { link: '/data/set' },
    '/root-link': { link: '/' },
    '/usr/share/doc/x': 'x',
    [`${proj}/sub/f`]: '',
  };

  it('show a place under its own name or another', () => {
    const spec = resolve({ ro: ['/data/set', '/data/set:/mnt/in'], rw: ['/data:/out'] }, { files });
    expect(mountAt(spec, '/data/set')).toMatchObject({ access: 'read', origin: 'user' });
    expect(mountAt(spec, '/mnt/in')).toMatchObject({ source: '/data/set', access: 'read' });
    expect(mountAt(spec, '/out')).toMatchObject({ source: '/data', access: 'write' });
    expect(spec.writable).toContain('/out');
    expect(spec.writable).not.toContain('/mnt/in');
  });

  it('take paths from where the user is, and both names of a link', () => {
    expect(mountAt(resolve({ ro: ['../../../link'] }, { files }), '/link')?.type).toBe('symlink');
    expect(mountAt(resolve({ ro: ['/link'] }, { files }), '/data/set')?.type).toBe('host');
  });

  it('hide mounts of proc(5) in what they show, and refuse them alone', () => {
    const proc = ['/data/set/proc', '/data/set/proc/sys', '/data/gone', '/data/cpuinfo'];
    const machine = {
      files: { ...files, '/data/set/proc/sys/x': '', '/data/cpuinfo': '', '/data/set/procs': '' },
      proc,
    };
    const spec = resolve({ ro: ['/data:/mnt'], rw: ['/data/set:/out'] }, machine);
    const hidden = spec.views.flatMap((view) =>
      view.type === 'hidden' && view.origin === undefined ? [[view.target, view.directory]] : [],
    );
    expect(hidden.sort()).toEqual([
      ['/mnt/cpuinfo', false],
      ['/mnt/set/proc', true],
      ['/mnt/set/proc/sys', true],
      ['/out/proc', true],
      ['/out/proc/sys', true],
    ]);
    const over = { ro: ['/data/set/x:/mnt/proc', '/data/set:/mnt'] };
    expect(mountAt(resolve(over, { ...machine, proc: [] }), '/mnt/proc')?.type).toBe('host');
    for (const path of ['/data/set/proc', '/data/set/proc/sys/x', '/data/cpuinfo'])
      expect(refusal({ ro: [`${path}:/mnt/x`] }, machine).message).toContain('proc(5)');
  });

  it('say so where they show home', () => {
    expect(resolve({ ro: ['/home/ann'] }).notes.join()).toContain('every secret');
    expect(resolve({ ro: ['/home:/mnt/h'] }).notes.join()).toContain('every secret');
    expect(resolve({ ro: ['/data'] }, { files }).notes).toEqual([]);
  });

  it('take the place of the working directory when they name it', () => {
    const spec = resolve({ rw: ['.'] });
    expect(mountAt(spec, proj)).toMatchObject({ type: 'host', access: 'write' });
    expect(spec.notes.join()).toContain('writes change the real files');
    expect(mountAt(resolve({ ro: ['.'] }), proj)).toMatchObject({ type: 'host', access: 'read' });
  });

  it('mount inside the working directory after it', () => {
    const targets = resolve({ rw: ['sub'] }, { files }).views.map((mount) => mount.target);
    expect(targets.indexOf(`${proj}/sub`)).toBeGreaterThan(targets.indexOf(proj));
  });

  it.each([
    ['/nothing', 'no such file', 'Check the spelling'],
    ['~/data', 'no such file', '$HOME'],
    ['/data/set:in', 'not an absolute path', '\\:'],
    ['/data/set:/', 'cannot mount anything at /', '/mnt'],
    ['/data/set:/proc/x', 'cannot mount anything', '/mnt'],
    ['/data/set:/dev', 'cannot mount anything', '/mnt'],
    ['/data/set:/run/wasbox/x', 'cannot mount anything', '/mnt'],
    ['/proc/self/fd/3', 'under /proc', 'real path'],
    ['/:/mnt/host', 'the whole file system', '/srv'],
    ['/data/..:/mnt/host', 'the whole file system', '/srv'],
    ['/root-link:/mnt/host', 'the whole file system', '/srv'],
    ['/data/key', 'permission denied', 'ls -ld'],
    ['/data/set:/usr/share/new', 'does not exist inside', '/mnt'],
    [`/data/set:${proj}/new`, 'does not exist inside', '/mnt'],
    ['/data/set:/etc/passwd', '/data/set is a directory, but /etc/passwd inside is not', '/mnt'],
    ['/etc/passwd:/usr/bin', 'is not a directory, but /usr/bin inside is one', '/mnt/passwd'],
    ['/etc/passwd:/tmp', 'is not a directory, but /tmp inside is one', '/mnt/passwd'],
  ])('refuse %s', (mapping, message, hint) => {
    for (const option of ['ro', 'rw'] as const) {
      const error = refusal({ [option]: [mapping] }, { files });
      expect(error.code).toBe('ERR_PATH');
      expect(error.message).toContain(`--${option} `);
      expect(error.message).toContain(message);
      expect(error.hint).toContain(hint);
    }
  });

  it.each([
    ['a', 'a', undefined],
    ['a:/b', 'a', '/b'],
    ['a\\:b', 'a:b', undefined],
    ['a\\:b:/c\\:d', 'a:b', '/c:d'],
  ])('split %s', (text, path, dest) => {
    expect(splitMapping(text)).toEqual({ path, dest });
  });
});

describe('--hide', () => {
  const files = { [`${proj}/.env`]: 'K=V', [`${proj}/l`]: { link: '.env' }, '/etc/secret/x': 'x' };

  it('hides files and directories, after what they lie in', () => {
    const spec = resolve({ hide: ['.env', '/etc/secret'] }, { files });
    expect(mountAt(spec, `${proj}/.env`)).toEqual({
      type: 'hidden',
      target: `${proj}/.env`,
      access: 'none',
      directory: false,
    });
    expect(mountAt(spec, '/etc/secret')).toMatchObject({ type: 'hidden', directory: true });
    const targets = spec.views.map((mount) => mount.target);
    expect(targets.indexOf(`${proj}/.env`)).toBeGreaterThan(targets.indexOf(proj));
  });

  it('hides what a link leads to', () => {
    expect(mountAt(resolve({ hide: ['l'] }, { files }), `${proj}/.env`)?.type).toBe('hidden');
  });

  it('hides a name through /bin, where that is a link', () => {
    expect(mountAt(resolve({ hide: ['/bin/perl'] }), '/usr/bin/perl')?.type).toBe('hidden');
  });

  it('says where there is nothing to hide', () => {
    expect(resolve({ hide: [`${home}/.ssh`] }).notes.join()).toContain(
      'not visible in the sandbox',
    );
  });

  it('leaves what is shown inside a hidden place', () => {
    const spec = resolve({ hide: ['/etc'], ro: ['/etc/secret'] }, { files });
    const types = spec.views
      .filter((mount) => mount.target.startsWith('/etc'))
      .map((mount) => mount.type);
    expect(types).toEqual(['private', 'host']);
  });

  it('does not run a script that is hidden', () => {
    expect(refusal({ hide: ['script.py'] }).code).toBe('ERR_SCRIPT_UNREADABLE');
  });

  it.each([
    ['*.[z-a]', 'reversed range'],
    ['../*.env', 'a pattern cannot contain'],
    ['.', 'would hide the working directory'],
    ['/home', 'would hide the working directory'],
    ['/', 'would hide the working directory'],
  ])('refuses %s', (path, message) => {
    const error = refusal({ hide: [path] }, { files });
    expect([error.code, error.message.includes(message)]).toEqual(['ERR_PATH', true]);
  });

  it('does not conflict with --ro', () => {
    const error = refusal({ hide: ['/data'], ro: ['/data'] }, { files: { '/data': directory } });
    expect(error.message).toContain('conflicts with');
  });
});

import { describe, expect, it } from 'vitest';
import { directory } from './fake-host.js';
import { mountAt, refusal, resolve } from './support.js';

const home = '/home/ann';
const proj = `${home}/proj`;

describe('the working directory', () => {
  it('is the current one, copy-on-write at the same path', () => {
    const spec = resolve({});
    expect(spec.cwd).toBe(proj);
    expect(mountAt(spec, proj)).toMatchObject({
      type: 'host',
      access: 'copy-on-write',
      source: proj,
      origin: 'workdir',
    });
    expect(spec.writable).toContain(proj);
  });

  it.each([
    ['/', '/', 'the whole machine'],
    [home, home, 'home directory'],
    ['/home', '/home', 'contains your home'],
  ])('is not %s', (cwd, _path, message) => {
    const error = refusal({ args: ["it's"] }, { cwd });
    expect([error.code, error.exitStatus]).toEqual(['ERR_WORKDIR', 125]);
    expect(error.message).toContain(message);
    expect(error.hint).toContain(`wasbox run --workdir "$(mktemp -d)" script.py 'it'\\''s'`);
  });

  it.each(['/', '/./', '/home/', '/home/ann/../ann', `${proj}/..`, '/homelink', '/tmp/link'])(
    'is not home or above by the name %s',
    (workdir) => {
      const files = { '/homelink': { link: 'home' }, '/tmp/link': { link: '/home/ann' } };
      expect(refusal({ workdir }, { files }).code).toBe('ERR_WORKDIR');
    },
  );

  it('is suggested: the directory of the script', () => {
    const error = refusal({ command: 'proj/script.py' }, { cwd: home });
    expect(error.hint).toContain(`cd ${proj} && wasbox run ${proj}/script.py`);
  });

  it('is not the home of the account either, when $HOME says otherwise', () => {
    const error = refusal({}, { cwd: home, env: { HOME: '/tmp' } });
    expect(error.message).toContain('home directory');
  });

  it('may lie in home', () => {
    expect(() => resolve({ workdir: proj })).not.toThrow();
  });

  it.each([
    ['/proc/self/fd/7', 'has no ordinary files'],
    ['/proc/1/cwd', 'has no ordinary files'],
    ['/proc', 'has no ordinary files'],
    ['/devlink', 'has no ordinary files'],
    ['gone', 'does not exist'],
    ['script.py', 'not a directory'],
    ['/closed', 'cannot be read'],
    ['/run/user/1000', 'sockets of your session'],
    ['/run', 'sockets of your session'],
  ])('is not %s', (workdir, message) => {
    const files = {
      '/devlink': { link: '/dev' },
      '/dev/x': '',
      '/closed': { directory: true, mode: 0o300 } as const,
      '/run/user/1000/bus': { other: true } as const,
    };
    const error = refusal({ workdir }, { files });
    expect(error.code).toBe('ERR_WORKDIR');
    expect(error.message).toContain(message);
    expect(error.hint).toBeTruthy();
  });

  it('says so when the current directory was removed', () => {
    const error = refusal({}, { cwd: undefined });
    expect([error.code, error.message]).toEqual([
      'ERR_WORKDIR',
      'the current directory no longer exists, or its name is too long or not UTF-8',
    ]);
  });

  it('keeps the name the user knows, if it is still true', () => {
    const files = { '/data/proj': directory, [`${home}/p`]: { link: '/data/proj' } };
    const options = { command: 'make' };
    const named = resolve(options, { files, cwd: '/data/proj', env: { PWD: `${home}/p` } });
    expect([named.cwd, named.env.PWD]).toEqual([`${home}/p`, `${home}/p`]);
    expect(named.realCwd).toBe('/data/proj');
    expect(mountAt(named, '/data/proj')).toMatchObject({ type: 'host', access: 'copy-on-write' });
    expect(mountAt(named, `${home}/p`)).toMatchObject({ type: 'symlink', to: '/data/proj' });
    const stale = resolve(options, { files, cwd: '/data/proj', env: { PWD: proj } });
    expect(stale.cwd).toBe('/data/proj');
  });

  it('leaves a directory that all programs share to them', () => {
    const spec = resolve({ command: 'make' }, { cwd: '/tmp' });
    expect(mountAt(spec, '/tmp')).toMatchObject({ type: 'private', persistence: 'private' });
    expect(spec.notes).toEqual([expect.stringContaining('/tmp is shared by all programs')]);
    expect([spec.cwd, spec.realCwd]).toEqual(['/tmp', '/tmp']);
  });

  it('takes the place of a private directory that an option names', () => {
    const spec = resolve({ command: 'make', workdir: '/tmp' }, { cwd: '/data/proj' });
    expect(mountAt(spec, '/tmp')).toMatchObject({ access: 'copy-on-write' });
    expect(spec.views.filter((mount) => mount.target === '/tmp')).toHaveLength(1);
    expect(spec.notes).toEqual([]);
  });
});

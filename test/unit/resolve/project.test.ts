/** Tests which project a directory is in. */
import { describe, expect, it } from 'vitest';
import { findProject } from '../../../src/resolve/project.js';
import { baseFiles, type FakeEntry, fakeHost } from './fake-host.js';
import { mountAt, refusal, resolve } from './support.js';

const proj = '/home/ann/proj';
const own = { directory: true, uid: 1000 } as const;

function projectOf(path: string, files: Readonly<Record<string, FakeEntry>>) {
  const host = fakeHost({ files: { ...baseFiles, ...files } });
  const info = host.files.stat(path);
  if (info === undefined) throw new Error(`no ${path}`);
  return findProject(host, path, info);
}

describe('the project of a directory', () => {
  const deep = { [`${proj}/a`]: own, [`${proj}/a/b`]: own } as const;

  it.each<[string, Record<string, FakeEntry>, string | undefined, string?]>([
    ['a repository', { [`${proj}/.git/HEAD`]: 'x' }, proj, '.git'],
    ['a worktree or submodule', { [`${proj}/.git`]: 'gitdir: /x' }, proj, '.git'],
    [
      'the nearest of two repositories',
      { [`${proj}/.git/HEAD`]: 'x', [`${proj}/a/.git/HEAD`]: 'x' },
      `${proj}/a`,
      '.git',
    ],
    [
      'a repository, whatever is nearer',
      { [`${proj}/.git/HEAD`]: 'x', [`${proj}/a/package.json`]: '{}' },
      proj,
      '.git',
    ],
    [
      'a workspace of npm around a package',
      { [`${proj}/package.json`]: '{"workspaces": ["a"]}', [`${proj}/a/package.json`]: '{}' },
      proj,
      'package.json',
    ],
    [
      'a workspace of Cargo',
      { [`${proj}/Cargo.toml`]: '[workspace]\n', [`${proj}/a/b/Cargo.toml`]: '[package]\n' },
      proj,
      'Cargo.toml',
    ],
    [
      'a workspace of pnpm',
      { [`${proj}/pnpm-workspace.yaml`]: '', [`${proj}/a/package.json`]: '{}' },
      proj,
      'pnpm-workspace.yaml',
    ],
    [
      'the nearest package, of two that are no workspace',
      { [`${proj}/package.json`]: '{}', [`${proj}/a/pyproject.toml`]: '' },
      `${proj}/a`,
      'pyproject.toml',
    ],
    ['a module of Go', { [`${proj}/go.mod`]: 'module x' }, proj, 'go.mod'],
    ['nothing', {}, undefined],
    ['not a directory of that name', { [`${proj}/package.json/x`]: 'x' }, undefined],
    [
      'not what lies in home',
      { '/home/ann/.git/HEAD': 'x', '/home/ann/package.json': '{}' },
      undefined,
    ],
  ])('is %s', (_what, files, path, marker) => {
    const project = projectOf(`${proj}/a/b`, { ...deep, ...files });
    expect(project).toEqual(path === undefined ? undefined : { path, marker });
  });

  it("is not another user's: a marker planted above decides nothing", () => {
    const files = {
      '/srv': { directory: true, uid: 2000 },
      '/srv/.git/HEAD': 'x',
      '/srv/mine': own,
    } as const;
    expect(projectOf('/srv/mine', files)).toBeUndefined();
    // The control: the same above a directory of its own.
    expect(projectOf('/srv/mine', { ...files, '/srv': own })?.path).toBe('/srv');
  });

  it("is not said by another user's marker in a directory of one's own", () => {
    const place = { [`${proj}/a`]: own } as const;
    const marker = (uid: number) => ({ [`${proj}/package.json`]: { text: '{}', uid } });
    expect(projectOf(`${proj}/a`, { ...place, ...marker(2000) })).toBeUndefined();
    expect(projectOf(`${proj}/a`, { ...place, ...marker(1000) })?.path).toBe(proj);
    expect(projectOf(`${proj}/a`, { ...place, ...marker(0) })?.path).toBe(proj);
  });

  it('is not a directory that everybody may write to, unless the run starts in it', () => {
    const files = (mode: number) => ({
      '/srv': { directory: true as const, uid: 1000, mode },
      '/srv/package.json': { text: '{}', uid: 1000 },
      '/srv/mine': own,
    });
    expect(projectOf('/srv/mine', files(0o1777))).toBeUndefined();
    expect(projectOf('/srv/mine', files(0o775))?.path).toBe('/srv');
    expect(projectOf('/srv', files(0o1777))?.path).toBe('/srv');
  });
});

describe('a run in a project', () => {
  const files = {
    [`${proj}/.git/HEAD`]: 'x',
    [`${proj}/sub`]: own,
    [`${proj}/sub/script.py`]: 'print(1)\n',
    [`${proj}/sub/more`]: own,
  } as const;
  const cwd = `${proj}/sub`;

  it('shows all of it, and starts where the user is', () => {
    const spec = resolve({}, { files, cwd });
    expect([spec.cwd, spec.realCwd, spec.env.PWD]).toEqual([cwd, cwd, cwd]);
    expect(mountAt(spec, proj)).toMatchObject({ access: 'copy-on-write', origin: 'workdir' });
    expect(mountAt(spec, cwd)).toBeUndefined();
    expect(spec.project).toEqual({ path: proj, marker: '.git' });
    expect(spec.command.argv.at(-1)).toBe('script.py');
  });

  it('keeps the name by which the user knows it', () => {
    const linked = { ...files, '/home/ann/link': { link: 'proj' } } as const;
    const env = { HOME: '/home/ann', PATH: '/usr/bin:/bin', PWD: '/home/ann/link/sub' };
    const spec = resolve({}, { files: linked, cwd, env });
    expect([spec.cwd, spec.realCwd]).toEqual(['/home/ann/link/sub', cwd]);
    expect(spec.project?.path).toBe('/home/ann/link');
  });

  it('--workdir . shows the current directory alone', () => {
    const spec = resolve({ workdir: '.' }, { files, cwd });
    expect(mountAt(spec, cwd)).toMatchObject({ access: 'copy-on-write' });
    expect([mountAt(spec, proj), spec.project, spec.cwd]).toEqual([undefined, undefined, cwd]);
  });

  it('--workdir names the tree: the program starts where the user is, if that is in it', () => {
    expect(resolve({ workdir: '..' }, { files, cwd }).cwd).toBe(cwd);
    expect(resolve({ workdir: 'sub/more', code: 'x' }, { files, cwd: proj }).cwd).toBe(
      `${cwd}/more`,
    );
  });

  it('--chdir says where to start, in the tree', () => {
    expect(resolve({ chdir: 'more', code: 'x' }, { files, cwd }).cwd).toBe(`${cwd}/more`);
    expect(resolve({ chdir: '..', code: 'x' }, { files, cwd }).cwd).toBe(proj);
    const error = refusal({ chdir: '/tmp', code: 'x' }, { files, cwd });
    expect([error.code, error.message]).toEqual([
      'ERR_WORKDIR',
      `--chdir /tmp is outside the working directory ${proj}`,
    ]);
    const out = { ...files, [`${cwd}/out`]: { link: '/tmp' } } as const;
    expect(refusal({ chdir: 'out', code: 'x' }, { files: out, cwd }).message).toContain('/tmp');
  });
});

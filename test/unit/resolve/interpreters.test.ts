import { describe, expect, it } from 'vitest';
import { type FakeEntry, program } from './fake-host.js';
import { mountAt, refusal, resolve, sources } from './support.js';

const home = '/home/ann';
const proj = `${home}/proj`;
const system = '/usr/bin:/bin';

/** Host paths below home that are shown, the working directory aside. */
function shownOfHome(spec: ReturnType<typeof resolve>): string[] {
  return sources(spec).filter((path) => path.startsWith(`${home}/`) && path !== proj);
}

const pyenv: Record<string, FakeEntry> = {
  [`${home}/.pyenv/shims/python3`]: { text: '#!/usr/bin/env bash\n', mode: 0o755 },
  [`${home}/.pyenv/versions/3.11.7/bin/python3`]: program,
  [`${home}/.pyenv/versions/3.12.9/bin/python3`]: program,
  [`${home}/.pyenv/versions/3.12.10/bin/python3`]: program,
  [`${home}/.pyenv/version`]: '3.11.7\n',
};
const pyenvEnv = { PATH: `${home}/.pyenv/shims:${system}`, PYENV_ROOT: `${home}/.pyenv` };

describe('pyenv and its like', () => {
  it('resolves the shim to the global version, and shows pyenv’s tree only', () => {
    const spec = resolve({}, { files: pyenv, env: pyenvEnv });
    const real = `${home}/.pyenv/versions/3.11.7/bin/python3`;
    // argv[0] is the path: Python finds itself through it, and PATH leads to the shim.
    expect(spec.command).toMatchObject({ path: real, argv: [real, 'script.py'] });
    expect(shownOfHome(spec)).toEqual([`${home}/.pyenv`]);
    expect(spec.env.PYENV_ROOT).toBe(`${home}/.pyenv`);
    expect(spec.env.PATH).toBe(`${home}/.pyenv/shims:${system}`);
  });

  it.each([
    ['the variable', { PYENV_VERSION: '3.12.9' }, {}, '3.12.9'],
    ['a file upwards', {}, { '/home/ann/.python-version': '3.12.9\n' }, '3.12.9'],
    [
      'a file here first',
      {},
      { '/home/ann/.python-version': '3.11.7', [`${proj}/.python-version`]: '# c\n3.12.9' },
      '3.12.9',
    ],
    ['a prefix, by the latest', {}, { [`${proj}/.python-version`]: '3.12' }, '3.12.10'],
    [
      'several, by the first that is there',
      {},
      { [`${proj}/.python-version`]: '3.9.1:3.12.9' },
      '3.12.9',
    ],
  ])('obeys %s', (_what, env, files, version) => {
    const spec = resolve({}, { files: { ...pyenv, ...files }, env: { ...pyenvEnv, ...env } });
    expect(spec.command.path).toBe(`${home}/.pyenv/versions/${version}/bin/python3`);
  });

  it('goes on in PATH for the system’s version', () => {
    const files = { ...pyenv, [`${proj}/.python-version`]: 'system' };
    expect(resolve({}, { files, env: pyenvEnv }).command.path).toBe('/usr/bin/python3');
  });

  it('names the file where the chosen version is not installed', () => {
    const files = { ...pyenv, [`${proj}/.python-version`]: '3.9.1' };
    const error = refusal({}, { files, env: pyenvEnv });
    expect(error.code).toBe('ERR_NO_INTERPRETER');
    expect(error.message).toContain(`${proj}/.python-version`);
    expect(error.hint).toContain('pyenv install 3.9.1');
  });

  it('takes a version for a name, never for a path', () => {
    const evil = {
      [`${proj}/.python-version`]: '../../proj/evil',
      [`${proj}/evil/bin/python3`]: program,
    };
    const spec = resolve({}, { files: { ...pyenv, ...evil }, env: pyenvEnv });
    expect(spec.command.path).toBe(`${home}/.pyenv/versions/3.11.7/bin/python3`);
  });
});

describe('other places below home', () => {
  it('shows nvm’s tree, and keeps its place in PATH', () => {
    const bin = `${home}/.nvm/versions/node/v22.1.0/bin`;
    const files = { [`${bin}/node`]: program, [`${proj}/x.js`]: '' };
    const env = { PATH: `${bin}:${home}/private:${system}`, NVM_DIR: `${home}/.nvm` };
    const spec = resolve({ command: 'x.js' }, { files, env });
    expect(spec.command).toMatchObject({ path: `${bin}/node`, argv: ['node', 'x.js'] });
    expect(spec.env.PATH).toBe(`${bin}:${system}`);
    expect(shownOfHome(spec)).toEqual([`${home}/.nvm`]);
  });

  it('shows cargo’s programs and rustup’s tree, not cargo’s credentials', () => {
    const files = {
      [`${home}/.cargo/bin/cargo`]: program,
      [`${home}/.cargo/credentials.toml`]: 'secret',
      [`${home}/.rustup/settings.toml`]: '',
    };
    const env = { PATH: `${home}/.cargo/bin:${system}` };
    const shown = shownOfHome(resolve({ command: 'cargo' }, { files, env }));
    expect(shown.sort()).toEqual([`${home}/.cargo/bin`, `${home}/.rustup`]);
  });

  it('follows a virtual environment in the project to the Python that it came from', () => {
    const uv = `${home}/.local/share/uv/python/cpython-3.12/bin/python3.12`;
    const files = {
      [`${proj}/.venv/pyvenv.cfg`]: `home = ${uv.slice(0, uv.lastIndexOf('/'))}\n`,
      [`${proj}/.venv/bin/python3`]: { link: uv },
      [uv]: program,
      [`${home}/.local/share/uv/credentials/x`]: 'secret',
    };
    const env = { PATH: `${proj}/.venv/bin:${system}`, VIRTUAL_ENV: `${proj}/.venv` };
    const spec = resolve({}, { files, env });
    expect(spec.command).toMatchObject({
      path: `${proj}/.venv/bin/python3`,
      argv: ['python3', 'script.py'],
    });
    expect(shownOfHome(spec)).toEqual([`${home}/.local/share/uv/python`]);
    expect(spec.env.VIRTUAL_ENV).toBe(`${proj}/.venv`);
  });

  it('shows a virtual environment elsewhere, and a conda environment by its marker', () => {
    const files = {
      [`${home}/envs/a/pyvenv.cfg`]: 'home = /usr/bin\n',
      [`${home}/envs/a/bin/python3`]: { link: '/usr/bin/python3' },
      [`${home}/miniconda3/conda-meta/history`]: '',
      [`${home}/miniconda3/bin/conda`]: program,
    };
    const env = { PATH: `${home}/envs/a/bin:${home}/miniconda3/bin:${system}` };
    const shown = shownOfHome(resolve({}, { files, env }));
    expect(shown.sort()).toEqual([`${home}/envs/a`, `${home}/miniconda3`]);
  });

  it('shows one file where nothing tells what belongs to it', () => {
    const files = { [`${home}/bin/tool`]: program, [`${home}/bin/token`]: 'secret' };
    const env = { PATH: `${home}/bin:${system}` };
    const spec = resolve({ command: 'tool' }, { files, env });
    expect(shownOfHome(spec)).toEqual([`${home}/bin/tool`]);
    // Control: the same PATH shows nothing of it when something else runs.
    expect(shownOfHome(resolve({}, { files, env }))).toEqual([]);
  });

  it('never shows home, whatever marker it contains', () => {
    const files = { [`${home}/pyvenv.cfg`]: 'home = /usr/bin\n', [`${home}/bin/python3`]: program };
    const env = { PATH: `${home}/bin:${system}`, VIRTUAL_ENV: home };
    expect(shownOfHome(resolve({}, { files, env }))).toEqual([`${home}/bin/python3`]);
  });

  it('resolves asdf’s and mise’s shims', () => {
    const installs = `${home}/.asdf/installs/nodejs`;
    const files = {
      [`${home}/.asdf/shims/node`]: { text: '#!/bin/sh\n', mode: 0o755 },
      [`${installs}/20.1.0/bin/node`]: program,
      [`${installs}/18.0.0/bin/node`]: program,
      [`${proj}/.tool-versions`]: 'python 3.1\nnodejs 20.1.0 # lts\n',
      [`${proj}/x.js`]: '',
    };
    const env = { PATH: `${home}/.asdf/shims:${system}` };
    expect(resolve({ command: 'x.js' }, { files, env }).command.path).toBe(
      `${installs}/20.1.0/bin/node`,
    );
  });

  it('resolves Volta’s shims', () => {
    const image = `${home}/.volta/tools/image/node`;
    const files = {
      [`${home}/.volta/bin/volta-shim`]: program,
      [`${home}/.volta/bin/node`]: { link: 'volta-shim' },
      [`${home}/.volta/tools/user/platform.json`]: '{"node":{"runtime":"20.1.0"}}',
      [`${image}/20.1.0/bin/node`]: program,
      [`${image}/18.2.0/bin/node`]: program,
      [`${proj}/x.js`]: '',
    };
    const env = { PATH: `${home}/.volta/bin:${system}` };
    const path = (extra: Record<string, FakeEntry>) =>
      resolve({ command: 'x.js' }, { files: { ...files, ...extra }, env }).command.path;
    expect(path({})).toBe(`${image}/20.1.0/bin/node`);
    const pinned = { [`${proj}/package.json`]: '{"volta":{"node":"18.2.0"}}' };
    expect(path(pinned)).toBe(`${image}/18.2.0/bin/node`);
  });

  it('reaches an installation through links of a session’s own', () => {
    const real = `${home}/.local/share/fnm/node-versions/v20/installation`;
    const session = '/run/user/1000/fnm_multishells/1_2';
    const files = {
      [`${real}/bin/node`]: program,
      [session]: { link: real },
      [`${proj}/x.js`]: '',
    };
    const env = { PATH: `${session}/bin:${system}` };
    const spec = resolve({ command: 'x.js' }, { files, env });
    expect(spec.command.argv).toEqual(['node', 'x.js']);
    expect(mountAt(spec, session)).toEqual({ type: 'symlink', target: session, to: real });
    expect(shownOfHome(spec)).toEqual([`${home}/.local/share/fnm`]);
  });
});

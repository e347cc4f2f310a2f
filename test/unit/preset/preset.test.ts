/** The presets that come with wasbox, and what they take from a machine's configuration. */
import { parse } from 'smol-toml';
import { describe, expect, it, test } from 'vitest';
import { type OptionEntry, runOptionTable } from '../../../src/options/table.js';
import { askedPresets, presetNames, presetText, readPreset } from '../../../src/preset/index.js';
import { resolve } from '../resolve/support.js';

const keys = ['about', 'commands', 'caches', 'read-only', 'source', 'environment', 'files'];

describe.each(presetNames)('%s', (name) => {
  const table = parse(presetText(name)) as Record<string, unknown>;
  const preset = readPreset(name);

  it('has the form that is read', () => {
    expect(Object.keys(table).filter((key) => !keys.includes(key))).toEqual([]);
    expect(preset.about.length).toBeGreaterThan(10);
    expect(preset.commands.length).toBeGreaterThan(0);
    for (const path of preset.caches) expect(path).toMatch(/^~\/[\w./-]+$/);
    for (const path of Object.keys(preset.files)) expect(path).toMatch(/^\/run\/[\w.-]+$/);
    for (const path of preset.readOnly) expect(path).toMatch(/^(~\/|\/)[\w./-]+$/);
  });

  it('names no host: those are asked of the configuration', () => {
    expect(presetText(name)).not.toMatch(/https?:\/\/\w|\w\.(org|com|io|net|dev)\b/);
  });

  it('has sources that can be asked, and variables that they fill', () => {
    const names = new Set(preset.sources.map((source) => source.name));
    for (const { variable, file, pattern, unless } of preset.sources) {
      expect([variable, file].filter((one) => one !== undefined)).toHaveLength(1);
      if (file !== undefined) expect(() => new RegExp(pattern ?? '(', 'gm')).not.toThrow();
      if (unless !== undefined) expect(names).toContain(unless);
    }
    for (const value of Object.values(preset.environment)) {
      for (const [, used = ''] of value.matchAll(/\{(\w+)\}/g)) {
        expect([...names, 'home']).toContain(used);
      }
    }
  });
});

test('the option completes them all', () => {
  const row = (runOptionTable as readonly OptionEntry[]).find(({ name }) => name === 'for');
  expect(row?.choices).toEqual(['auto', ...presetNames]);
});

describe('--for', () => {
  const network = (files: Readonly<Record<string, string>>, value: string, net?: string) =>
    resolve({ for: value, ...(net === undefined ? {} : { net }) }, { files }).network?.text;
  const at = (path: string) => `/home/ann/${path}`;

  it.each([
    [
      'npm',
      { [at('.npmrc')]: 'registry=https://npm.example/x/\n@a:registry = http://b.example:81\n' },
      'npm.example:443,b.example:81',
    ],
    [
      'npm',
      { [at('.npmrc')]: '; registry=https://no.example\nregistry = https://u:p@npm.example\n' },
      'npm.example:443',
    ],
    [
      'pip',
      { '/etc/pip.conf': '[global]\nindex-url = http://[2001:db8::1]:8080/simple\n' },
      '[2001:db8::1]:8080',
    ],
    [
      'go',
      {
        [at('.config/go/env')]:
          'GOPROXY=https://one.example,https://two.example|direct\nGOSUMDB=off\n',
      },
      'one.example:443,two.example:443',
    ],
    [
      'cargo',
      {
        [at('.cargo/config.toml')]:
          '[source.m]\nregistry = "sparse+https://crates.example/index/"\n',
      },
      'crates.example:443',
    ],
    [
      'uv',
      { '/etc/uv/uv.toml': '[[index]]\nurl = "https://py.example/simple"\n' },
      'py.example:443',
    ],
    [
      'apt-src',
      {
        '/etc/apt/sources.list':
          '# deb http://no.example x\ndeb [arch=amd64 signed-by=/k] http://deb.example/debian trixie main\n',
        '/etc/apt/sources.list.d/a.sources':
          'Types: deb\nURIs: https://a.example/x http://b.example/y\n',
        '/etc/apt/sources.list.d/b.list': 'deb-src file:/srv http://c.example\n',
      },
      'deb.example:80,a.example:443,b.example:80',
    ],
  ])('%s asks the user’s configuration', (name, files, wanted) => {
    expect(network(files, name)).toBe(wanted);
  });

  it('asks nothing in the sandboxed directory, and tells if there is no host', () => {
    const files = { '/home/ann/proj/.npmrc': 'registry=https://evil.example\n' };
    const spec = resolve({ for: 'npm' }, { files });
    expect(spec.net).toBe('none');
    expect(spec.notes.join()).toContain('--for npm: its configuration names no host');
    const linked = { ...files, [at('.npmrc')]: { link: 'proj/.npmrc' } };
    expect(resolve({ for: 'npm' }, { files: linked }).net).toBe('none');
  });

  it('joins its hosts with --net, and adds nothing to the host’s network', () => {
    const files = { [at('.npmrc')]: 'registry=https://npm.example\n' };
    expect(network(files, 'npm', 'a.example')).toBe('a.example,npm.example:443');
    expect(network(files, 'npm', 'internet')).toBe('internet,npm.example:443');
    expect(resolve({ for: 'npm', net: 'host' }, { files }).net).toBe('host');
  });

  it('passes over a value with a NUL, which no variable can have', () => {
    const files = { '/etc/pip.conf': '[global]\nindex-url = http://a.example/\0x\n' };
    const { env, net } = resolve({ for: 'pip' }, { files });
    expect([env.PIP_INDEX_URL, net]).toEqual([undefined, 'none']);
    const whole = { '/etc/pip.conf': '[global]\nindex-url = http://a.example/x\n' };
    expect(resolve({ for: 'pip' }, { files: whole }).env.PIP_INDEX_URL).toBe('http://a.example/x');
  });

  it('passes the registry without its password, under what --env says', () => {
    const files = { [at('.npmrc')]: 'registry=https://u:p@npm.example/\n' };
    const { env, notes } = resolve({ for: 'npm' }, { files });
    expect(env.npm_config_registry).toBe('https://npm.example/');
    expect(notes.join()).toContain('does not get the password');
    const own = resolve({ for: 'npm', env: { npm_config_registry: 'mine' } }, { files });
    expect(own.env.npm_config_registry).toBe('mine');
  });

  it('refuses what is no preset', () => {
    expect(() => askedPresets('nmp', undefined)).toThrow('no preset "nmp"');
    expect(() => askedPresets('npm:share', undefined)).toThrow('unknown word "share"');
    expect(() => askedPresets('', undefined)).toThrow('no preset ""');
    expect(askedPresets('auto', 'npx').map(({ preset }) => preset.name)).toEqual(['npm']);
    expect(askedPresets('auto', undefined)).toEqual([]);
    expect(askedPresets('git,npm:shared', 'x').map(({ shared }) => shared)).toEqual([false, true]);
  });
});

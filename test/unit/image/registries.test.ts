/** registries.conf, its drop-in files, and what short names mean by them. */
import { describe, expect, it } from 'vitest';
import {
  namedReferences,
  parseReference,
  readRegistries,
  readStoredImage,
} from '../../../src/image/index.js';
import { recordName } from '../../../src/image/stored.js';
import { type FakeMachine, fakeHost } from '../resolve/fake-host.js';

const main = '/etc/containers/registries.conf';
const dropIn = '/etc/containers/registries.conf.d';
const own = '/home/ann/.config/containers';
const blocked = (prefix: string, value = true): string =>
  `[[registry]]\nprefix = "${prefix}"\nlocation = "${prefix}"\nblocked = ${value}\n`;

const read = (files: NonNullable<FakeMachine['files']>, env: Record<string, string> = {}) =>
  readRegistries(fakeHost({ files, env: { HOME: '/home/ann', ...env } }));

const blocks = (files: NonNullable<FakeMachine['files']>, env?: Record<string, string>): string[] =>
  read(files, env)
    .registries.filter((one) => one.blocked)
    .map(({ prefix, file }) => `${prefix} ${file}`);

describe('readRegistries', () => {
  it('finds nothing where there is nothing', () => {
    expect(read({})).toEqual({
      registries: [],
      search: undefined,
      shortNameMode: undefined,
      aliases: new Map(),
    });
  });

  it("reads the user's file instead of the system's", () => {
    const files = { [main]: blocked('system.example') };
    expect(blocks(files)).toEqual([`system.example ${main}`]);
    const mine = `${own}/registries.conf`;
    expect(blocks({ ...files, [mine]: blocked('own.example') })).toEqual([`own.example ${mine}`]);
    const named = { CONTAINERS_REGISTRIES_CONF: '/srv/r.conf' };
    const all = { ...files, [mine]: '', '/srv/r.conf': blocked('named.example') };
    expect(blocks(all, named)).toEqual(['named.example /srv/r.conf']);
    expect(() => blocks(files, named)).toThrow(/no such file/);
  });

  it('then the drop-in files, the later ones before the earlier', () => {
    const files = {
      [main]: `unqualified-search-registries = ["main.example"]\n${blocked('a.example')}`,
      [`${dropIn}/10.conf`]: `unqualified-search-registries = ["ten.example"]\n${blocked('b.example')}`,
      [`${dropIn}/20.conf`]: `short-name-mode = "enforcing"\n${blocked('a.example', false)}`,
      [`${dropIn}/30.txt`]: blocked('not.example'),
      [`${own}/registries.conf.d/05.conf`]: blocked('b.example', false),
    };
    expect(blocks(files)).toEqual([]);
    expect(read(files).search).toEqual({ value: ['ten.example'], file: `${dropIn}/10.conf` });
    expect(read(files).shortNameMode?.value).toBe('enforcing');
    const { [`${own}/registries.conf.d/05.conf`]: _, ...without } = files;
    expect(blocks(without)).toEqual([`b.example ${dropIn}/10.conf`]);
  });

  it.each<[string, RegExp]>([
    ['[[registry', /not valid TOML/],
    ['[[registry]]\nlocation = "a.example"\nblocked = "true"', /blocked is not true or false/],
    ['registry = "a"', /registry is not a list of tables/],
    ['[[registry]]\nblocked = true', /no valid prefix/],
    ['[[registry]]\nprefix = "a.*.example"', /no valid prefix/],
    ['[[registry]]\nprefix = "*.example/a"\nlocation = "x.example"', /more than a domain/],
    ['[[registry]]\nlocation = "https://a.example"', /without http:/],
    ['[[registry]]\nlocation = "a.example"\n[[registry.mirror]]\ninsecure = true', /no location/],
    ['short-name-mode = "no"', /short-name-mode is not enforcing, permissive, disabled/],
    ['unqualified-search-registries = "a"', /not a list of texts/],
  ])('refuses %j', (text, message) => {
    expect(() => read({ [main]: text })).toThrow(
      expect.objectContaining({ code: 'ERR_REGISTRY', message: expect.stringMatching(message) }),
    );
    expect(() => read({ [main]: text })).toThrow(main);
  });

  it('refuses what is there and cannot be read: it may block something', () => {
    for (const path of [main, `${dropIn}/10.conf`]) {
      const host = fakeHost({ files: { [path]: '' } });
      const files = Object.create(host.files, { read: { value: () => undefined } });
      const closed = Object.create(host, { files: { value: files } });
      expect(() => readRegistries(closed)).toThrow(/cannot be read/);
    }
  });
});

describe('namedReferences', () => {
  const named = (
    name: string,
    files: Record<string, string>,
    use: 'stored' | 'fetched' = 'fetched',
  ) =>
    namedReferences(
      parseReference(name, '/'),
      fakeHost({ files, env: { HOME: '/home/ann' } }),
      use,
    ).map(({ reference }) => reference.text);

  const aliases = {
    [`${dropIn}/a.conf`]: '[aliases]\n"tool" = "r.example/x/tool"\n"a/b" = "r.example/c"',
  };
  const search = { [main]: 'unqualified-search-registries = ["one.example", "docker.io"]' };

  it.each<[string, Record<string, string>, string[]]>([
    ['python', {}, ['docker.io/library/python:latest']],
    ['tool:1', aliases, ['r.example/x/tool:1']],
    ['a/b', aliases, ['r.example/c:latest']],
    ['docker.io/tool', aliases, ['docker.io/library/tool:latest']],
    ['docker://tool', aliases, ['docker.io/library/tool:latest']],
    ['other/tool', aliases, ['docker.io/other/tool:latest']],
    ['tool:1', { ...aliases, ...search }, ['r.example/x/tool:1']],
    ['python:3', search, ['one.example/python:3', 'docker.io/library/python:3']],
    ['ghcr.io/a', search, ['ghcr.io/a:latest']],
    ['oci:/tool', aliases, ['oci:/tool']],
  ])('%s with %j', (name, files, found) => {
    expect(named(name, files)).toEqual(found);
  });

  it("takes podman's own record before all others, and an empty alias as none", () => {
    const recorded = '/home/ann/.cache/containers/short-name-aliases.conf';
    const files = { ...aliases, [recorded]: '[aliases]\n"tool" = "mine.example/tool"' };
    expect(named('tool', files)).toEqual(['mine.example/tool:latest']);
    expect(named('tool', { ...aliases, [recorded]: '[aliases]\n"tool" = ""' })).toEqual([
      'docker.io/library/tool:latest',
    ]);
  });

  it('does not guess where the mode is enforcing, but finds what the store has', () => {
    const strict = { [main]: `short-name-mode = "enforcing"\n${search[main]}` };
    expect(() => named('python', strict)).toThrow(/forbids to guess/);
    expect(named('python', strict, 'stored')).toHaveLength(2);
    const one = {
      [main]: 'short-name-mode = "enforcing"\nunqualified-search-registries = ["one.example"]',
    };
    expect(named('python', one)).toEqual(['one.example/python:latest']);
  });

  it.each(['tool', 'r.example/a b', '../x', 'oci:/etc'])('refuses the alias %j', (value) => {
    expect(() => named('tool', { [main]: `[aliases]\n"tool" = "${value}"` })).toThrow(
      /not an image of a registry/,
    );
  });
});

describe('readStoredImage', () => {
  it('finds an image by what its short name means', () => {
    const state = '/home/ann/.local/state/wasbox';
    const id = `sha256:${'a'.repeat(64)}`;
    const platform = { os: 'linux', architecture: 'amd64', variant: undefined };
    const record = JSON.stringify({ version: 1, id, layers: [], image: {} });
    const path = `${state}/images/refs/${recordName('r.example/x/tool:1', platform)}`;
    const conf = { [main]: '[aliases]\n"tool" = "r.example/x/tool"' };
    const find = (files: Record<string, string>) =>
      readStoredImage(fakeHost({ files }), state, 'tool:1', 'linux/amd64')?.reference;
    expect(find({ ...conf, [path]: record })).toBe('r.example/x/tool:1');
    expect(find({ [path]: record })).toBeUndefined();
  });
});

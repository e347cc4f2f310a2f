import { describe, expect, it } from 'vitest';
import { isPattern, parseGlob, startState, step } from '../../../src/options/glob.js';
import { secretPatterns, systemPlaces } from '../../../src/resolve/visibility.js';
import { refusal, resolve } from './support.js';

/** Returns whether a pattern matches a path, by the steps that a walk takes. */
function matches(pattern: string, path: string): boolean {
  const glob = parseGlob(pattern);
  if (glob === undefined) throw new Error(`no pattern: ${pattern}`);
  const names = path.split('/').filter(Boolean);
  for (const name of glob.base) if (names.shift() !== name) return false;
  let state = startState;
  for (const [index, name] of names.entries()) {
    state = step(glob, state, name);
    if (state === -1) return index === names.length - 1;
    if (state === 0) return false;
  }
  return false;
}

describe('patterns', () => {
  it.each([
    ['/p/*.env', '/p/a.env', true],
    ['/p/*.env', '/p/.env', true],
    ['/p/*.env', '/p/d/a.env', false],
    ['/p/*.env', '/p/a.envx', false],
    ['/p/**/.env*', '/p/.env', true],
    ['/p/**/.env*', '/p/a/b/.env.local', true],
    ['/p/**/.env*', '/p/a/b/env', false],
    ['/p/a/**/b/*.key', '/p/a/b/x.key', true],
    ['/p/a/**/b/*.key', '/p/a/q/r/b/x.key', true],
    ['/p/a/**/b/*.key', '/p/a/q/x.key', false],
    ['/p/a/**/b/**/c', '/p/a/b/b/c', true],
    ['/p/**/**/x', '/p/x', true],
    ['/p/secret/**', '/p/secret/a', true],
    ['/p/secret/**', '/p/other/a', false],
    ['/p/?.txt', '/p/é.txt', true],
    ['/p/?.txt', '/p/😀.txt', true],
    ['/p/?.txt', '/p/ab.txt', false],
    ['/p/[a-c]x', '/p/bx', true],
    ['/p/[!a-c]x', '/p/bx', false],
    ['/p/[^a-c]x', '/p/dx', true],
    ['/p/[]]x', '/p/]x', true],
    ['/p/[!]]x', '/p/]x', false],
    ['/p/[a-]x', '/p/-x', true],
    ['/p/[.*]x', '/p/bx', false],
    ['/p/[^]x', '/p/[^]x', true],
    ['/p/[x', '/p/[x', true],
    ['/p/\\*x*', '/p/*xy', true],
    ['/p/\\*x*', '/p/axy', false],
    ['/p/a.b+(c)|d*', '/p/a.b+(c)|d$', true],
    ['/p/a.b*', '/p/aXb', false],
    ['/p/x*\n', '/p/xa\n', true],
  ])('%j and %j: %s', (pattern, path, expected) => {
    expect(matches(pattern, path)).toBe(expected);
  });

  it('may have thirty parts, and no more', () => {
    expect(matches(`/p${'/*'.repeat(30)}`, `/p${'/a'.repeat(30)}`)).toBe(true);
    expect(parseGlob(`/p${'/*'.repeat(31)}`)).toBeUndefined();
  });

  it('tells patterns from plain paths', () => {
    expect(['a*', 'a?', '[a]', 'a/**/b'].every(isPattern)).toBe(true);
    expect(['a', '\\*', 'a]', '.env'].some(isPattern)).toBe(false);
  });

  it('takes no time that grows with the square of a name', () => {
    const glob = parseGlob(`/p/${'*a'.repeat(10)}/${'**/'.repeat(9)}x`);
    expect(glob?.parts).toHaveLength(3);
    expect(parseGlob(`/${Array.from({ length: 31 }, () => '*').join('/')}`)).toBeUndefined();
  });
});

describe('--hide with patterns', () => {
  const proj = '/home/ann/proj';
  const files = {
    [`${proj}/.env`]: 'secret',
    [`${proj}/src/.env.local`]: 'secret',
    [`${proj}/src/deep/er/key.pem`]: 'secret',
    [`${proj}/src/code.py`]: 'code',
    [`${proj}/link`]: { link: 'src/deep' },
    [`${proj}/.env.link`]: { link: 'src/code.py' },
    [`${proj}/[id].ts`]: 'a literal name',
    [`${proj}/i.ts`]: 'another',
    [`${proj}/shut`]: { directory: true, mode: 0o311 },
    '/data/.env': 'secret',
    '/data/sub/.env': 'secret',
    '/elsewhere/.env': 'secret',
  } as const;
  const hidden = (options: Parameters<typeof resolve>[0]): string[] =>
    resolve(options, { files })
      .views.filter(({ type }) => type === 'hidden')
      .map(({ target }) => target)
      .sort();

  it('tells how many names it has seen, directory by directory', () => {
    const seen: number[] = [];
    resolve({ hide: ['**/.env*'] }, { files }, { onSearch: (names) => seen.push(names) });
    expect(seen.length).toBeGreaterThan(3);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    // proj, src, deep and er: shut cannot be read.
    expect(seen.at(-1)).toBeGreaterThanOrEqual(9);
    resolve({ hide: ['/data'] }, { files }, { onSearch: () => expect.unreachable() });
  });

  it('does not look through the state directory, which is hidden as a whole', () => {
    const state = '/home/ann/.local/state/wasbox';
    const many = Object.fromEntries(
      Array.from({ length: 300 }, (_, n) => [`${state}/saved/${n}/layers/0/upper/.env`, 'secret']),
    );
    const seen = (more: Readonly<Record<string, string>>): number => {
      let names = 0;
      const at = { files: { ...files, [`${state}/runs/x`]: '', ...more } };
      resolve({ hide: ['**/.env'], rw: ['/home/ann'] }, at, {
        onSearch: (count) => (names = count),
      });
      return names;
    };
    expect(seen(many)).toBe(seen({}));
    // The control: elsewhere they count.
    const elsewhere = Object.entries(many).map(([path, text]) => [
      path.replace('/wasbox/', '/other/'),
      text,
    ]);
    expect(seen(Object.fromEntries(elsewhere))).toBeGreaterThan(900);
  });

  it('hides every match in all that is shown, and follows links as they lead inside', () => {
    expect(hidden({ hide: ['**/.env*'], ro: ['/data'] })).toEqual([
      '/data/.env',
      '/data/sub/.env',
      `${proj}/.env`,
      `${proj}/shut`,
      `${proj}/src/.env.local`,
      `${proj}/src/code.py`,
    ]);
  });

  it('takes other patterns from the current directory on, or from /', () => {
    expect(hidden({ hide: ['s*c/.env*'] })).toEqual([`${proj}/src/.env.local`]);
    expect(hidden({ hide: ['src/**/*.pem'] })).toEqual([`${proj}/src/deep/er/key.pem`]);
    expect(hidden({ hide: ['/home/**/*.pem'] })).toContain(`${proj}/src/deep/er/key.pem`);
    expect(hidden({ hide: [`${proj}/s*c`] })).toEqual([`${proj}/src`]);
    expect(hidden({ hide: ['/elsewhere/**/.env'] })).toEqual([]);
  });

  it('hides a name that is there as it was written, and what it matches as a pattern', () => {
    expect(hidden({ hide: ['[id].ts'] })).toEqual([`${proj}/[id].ts`, `${proj}/i.ts`]);
  });

  it('says where nothing matches', () => {
    const { notes } = resolve({ hide: ['**/*.none'] });
    expect(notes.join()).toContain('--hide **/*.none: matches nothing in the sandbox');
  });

  it('refuses more matches than a plan has room for', () => {
    const many = Object.fromEntries(
      Array.from({ length: 2001 }, (_, n) => [`${proj}/many/${n}.key`, 'x']),
    );
    expect(refusal({ hide: ['**/*.key'] }, { files: many }).message).toContain('more than 2000');
  });

  it('refuses what a shell would have expanded, since it hides nothing', () => {
    expect(refusal({ hide: ['~/.env'] }).message).toContain('did not expand the ~');
    expect(refusal({ hide: ['~/**/.env'] }).message).toContain('did not expand the ~');
    expect(refusal({ hide: ['~bob/x'] }).message).toContain('did not expand the ~');
    expect(refusal({ hide: ['src/{a,b}'] }).message).toContain('braces are not supported');
    const there = { [`${proj}/~/x`]: '', [`${proj}/{a,b}`]: '' };
    const { views } = resolve({ hide: ['~/x', '{a,b}', '*.c~'] }, { files: there });
    const hides = views.filter(({ type }) => type === 'hidden').map(({ target }) => target);
    expect(hides.sort()).toEqual([`${proj}/{a,b}`, `${proj}/~/x`]);
  });

  it('--hide-secrets hides what usually holds them', () => {
    expect(hidden({ hideSecrets: true })).toEqual([
      `${proj}/.env`,
      `${proj}/shut`,
      `${proj}/src/.env.local`,
      `${proj}/src/code.py`,
      `${proj}/src/deep/er/key.pem`,
    ]);
  });
});

describe('the catalogue', () => {
  it('has a reason for each entry, and patterns that are understood', () => {
    for (const { pattern, reason } of secretPatterns) {
      expect(parseGlob(`/p/${pattern}`), pattern).toBeDefined();
      expect(reason.length, pattern).toBeGreaterThan(8);
    }
    for (const { path, reason } of systemPlaces) expect(reason.length, path).toBeGreaterThan(8);
  });
});

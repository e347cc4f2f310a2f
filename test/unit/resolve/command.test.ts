import { describe, expect, it } from 'vitest';
import { program } from './fake-host.js';
import { mountAt, refusal, resolve, resolveCode, sources } from './support.js';

const proj = '/home/ann/proj';

describe('scripts', () => {
  it('runs a script by its extension, under the name the user wrote', () => {
    const { command } = resolve({ args: ['a', 'b c'] });
    expect(command).toEqual({
      path: '/usr/bin/python3',
      argv: ['python3', 'script.py', 'a', 'b c'],
      display: 'script.py',
    });
  });

  it.each([
    ['x.sh', ['sh', 'x.sh']],
    ['x.mjs', ['node', 'x.mjs']],
    ['x.pl', ['perl', 'x.pl']],
    ['x.PY', ['python3', 'x.PY']],
    ['x.mk', ['make', '-f', 'x.mk']],
  ])('knows %s', (name, argv) => {
    const files = { [`${proj}/${name}`]: 'text' };
    expect(resolve({ command: name }, { files }).command.argv).toEqual(argv);
  });

  it.each([
    ['#!/usr/bin/perl -w\n', '/usr/bin/perl', ['/usr/bin/perl', '-w', 's']],
    ['#! /usr/bin/perl -w  -T \n', '/usr/bin/perl', ['/usr/bin/perl', '-w  -T', 's']],
    ['#!/usr/bin/env python3\n', '/usr/bin/python3', ['python3', 's']],
    ['#!/usr/bin/env -S python3 -u -X dev\n', '/usr/bin/python3', 'python3 -u -X dev s'.split(' ')],
    ['#!/usr/bin/env -S "python3" \'-X a\'\n', '/usr/bin/python3', ['python3', '-X a', 's']],
    [
      '#!/usr/bin/env -S A=1 -i python3 -u\n',
      '/usr/bin/env',
      ['env', 'A=1', '-i', '/usr/bin/python3', '-u', 's'],
    ],
    ['#!/bin/sh\r\necho\r\n', '/bin/sh', ['/bin/sh', 's']],
    ['#!/bin/sh', '/bin/sh', ['/bin/sh', 's']],
  ])('obeys %j', (text, path, argv) => {
    const { command } = resolve({ command: 's' }, { files: { [`${proj}/s`]: text } });
    expect(command.path).toBe(path);
    expect(command.argv).toEqual(argv);
  });

  it.each([
    ['#!/usr/bin/env python\n', '/usr/bin/python3', ['python3', 's'], 'python, which'],
    ['#!/usr/bin/env nodejs\n', '/usr/bin/node', ['node', 's'], 'nodejs, which'],
  ])(
    'runs with another of its language, and says so, where %j is not there',
    (text, path, argv, shown) => {
      const { command, notes } = resolve({ command: 's' }, { files: { [`${proj}/s`]: text } });
      expect([command.path, command.argv]).toEqual([path, argv]);
      expect(notes).toContain(`s asks for ${shown} is not there: it runs with ${argv[0]}`);
    },
  );

  it('says nothing of an interpreter that is there', () => {
    const files = { [`${proj}/s`]: '#!/usr/bin/env python3\n' };
    expect(resolve({ command: 's' }, { files }).notes.join()).not.toContain('asks for');
  });

  it('runs no other than one that is asked for by its number or path', () => {
    for (const text of [
      '#!/usr/bin/env python2\n',
      '#!/usr/bin/python\n',
      '#!/usr/bin/perl5.8\n',
    ]) {
      const { code } = refusal({ command: 's' }, { files: { [`${proj}/s`]: text } });
      expect(code).toBe('ERR_NO_INTERPRETER');
    }
  });

  it('passes arguments to what a file is compiled to', () => {
    const files = { [`${proj}/p.c`]: 'int main;' };
    const { hint } = refusal({ command: 'p.c', args: ['20', "it's $& x"] }, { files });
    expect(hint).toContain('./program 20 ');
    expect(hint).toContain('$& x');
  });

  it('lets --lang overrule the #! line and the extension', () => {
    const files = { [`${proj}/s.sh`]: '#!/bin/sh\n' };
    const { command } = resolve({ command: 's.sh', lang: 'py' }, { files });
    expect(command.argv).toEqual(['python3', 's.sh']);
  });

  it('shows a script from elsewhere read-only, and nothing beside it', () => {
    const files = { '/home/ann/downloads/x.py': 'x', '/home/ann/downloads/y': 'y' };
    const spec = resolve({ command: '../downloads/x.py' }, { files });
    expect(mountAt(spec, '/home/ann/downloads/x.py')).toMatchObject({
      type: 'host',
      source: '/home/ann/downloads/x.py',
      access: 'read',
      directory: false,
      origin: 'script',
    });
    expect(sources(spec).filter((path) => path.includes('downloads'))).toHaveLength(1);
  });

  it('shows a symlinked script under both names', () => {
    const files = { '/srv/l.py': { link: '../home/ann/real/r.py' }, '/home/ann/real/r.py': 'x' };
    const spec = resolve({ command: '/srv/l.py' }, { files });
    expect(spec.command.argv).toEqual(['python3', '/srv/l.py']);
    expect(mountAt(spec, '/home/ann/real/r.py')).toMatchObject({ type: 'host', access: 'read' });
  });

  it('does not let a link of the untrusted directory choose what is shown', () => {
    const files = { [`${proj}/l.py`]: { link: '/home/ann/.ssh/id_ed25519' } };
    const error = refusal({ command: 'l.py' }, { files });
    expect(error.code).toBe('ERR_SCRIPT_UNREADABLE');
    expect(error.message).toContain('/home/ann/.ssh/id_ed25519');
    const inside = { [`${proj}/l.py`]: { link: 'script.py' } };
    expect(resolve({ command: 'l.py' }, { files: inside }).command.argv).toEqual([
      'python3',
      'l.py',
    ]);
  });

  it('passes the full path where relative names mean something else inside', () => {
    const files = { '/srv/work': { directory: true } as const };
    const spec = resolve({ workdir: '/srv/work' }, { files });
    expect(spec.command.argv).toEqual(['python3', `${proj}/script.py`]);
    expect(mountAt(spec, `${proj}/script.py`)).toMatchObject({ type: 'host', access: 'read' });
    expect(mountAt(spec, proj)).toBeUndefined();
  });

  it('never takes a script’s name for an option', () => {
    const files = { [`${proj}/-x.py`]: 'x' };
    expect(resolve({ command: '-x.py' }, { files }).command.argv).toEqual(['python3', './-x.py']);
  });

  it('executes an ELF, and a copy where it is not executable', () => {
    const run = resolve({ command: './a.out' }, { files: { [`${proj}/a.out`]: program } });
    expect(run.command).toMatchObject({ path: `${proj}/a.out`, argv: ['./a.out'] });
    const plain = { ...program, mode: 0o644 };
    const copy = resolve({ command: './a.out' }, { files: { [`${proj}/a.out`]: plain } });
    expect(copy.command).toMatchObject({ path: '/run/wasbox/a.out', argv: ['./a.out'] });
    expect(mountAt(copy, '/run/wasbox/a.out')).toMatchObject({ type: 'file', mode: 0o755 });
  });
});

describe('commands', () => {
  it('finds a command in PATH, and passes argv unjoined', () => {
    const { command } = resolve({ command: 'make', args: ['a b', '$(id)'] });
    expect(command).toEqual({
      path: '/usr/bin/make',
      argv: ['make', 'a b', '$(id)'],
      display: 'make',
    });
  });

  it('ignores relative and empty entries of PATH', () => {
    const files = { [`${proj}/bin/evil`]: program, [`${proj}/evil2`]: program };
    const env = { PATH: `bin::.:/usr/bin` };
    expect(refusal({ command: 'evil' }, { files, env }).code).toBe('ERR_SCRIPT_NOT_FOUND');
    expect(resolve({ command: 'make' }, { files, env }).env.PATH).toBe('/usr/bin');
  });

  it('takes the command where a file of that name says nothing', () => {
    const files = { [`${proj}/make`]: 'notes about cars\n' };
    expect(resolve({ command: 'make' }, { files }).command.path).toBe('/usr/bin/make');
  });

  it('says so where a script hides a command', () => {
    const files = { [`${proj}/make`]: '#!/bin/sh\n' };
    const spec = resolve({ command: 'make' }, { files });
    expect(spec.command.path).toBe('/bin/sh');
    expect(spec.notes.join()).toContain('/usr/bin/make');
  });
});

describe('code', () => {
  it.each([
    [undefined, ['sh', '-c', 'x', 'sh', 'a']],
    ['python', ['python3', '-c', 'x', 'a']],
    ['node', ['node', '-e', 'x', '--', 'a']],
    ['perl', ['perl', '-e', 'x', '--', 'a']],
  ])('passes -c to %s', (lang, argv) => {
    const spec = resolveCode({ code: 'x', args: ['a'], ...(lang === undefined ? {} : { lang }) });
    expect(spec.command.argv).toEqual(argv);
  });

  it('puts code that is longer than one argument can be into a file inside', () => {
    const spec = resolveCode({ code: `#${'x'.repeat(200_000)}`, lang: 'python' });
    expect(spec.command.argv).toEqual(['python3', '/run/wasbox/code.py']);
    const file = mountAt(spec, '/run/wasbox/code.py');
    expect(file?.type === 'file' && file.content.length).toBe(200_001);
  });

  it.each([
    ['echo hi\n', undefined, ['sh', '/run/wasbox/stdin.sh', 'a']],
    ['#!/usr/bin/env python3\n', undefined, ['python3', '/run/wasbox/stdin', 'a']],
    ['print(1)', 'python', ['python3', '/run/wasbox/stdin.py', 'a']],
  ])('runs %j from stdin', (stdin, lang, argv) => {
    const options = { command: '-', args: ['a'], ...(lang === undefined ? {} : { lang }) };
    expect(resolve(options, { stdin }).command.argv).toEqual(argv);
  });

  it('keeps the bytes of stdin as they are', () => {
    const stdin = Uint8Array.from([0x23, 0x0a, 0xff, 0x00, 0x80]);
    const file = mountAt(resolve({ command: '-' }, { stdin }), '/run/wasbox/stdin.sh');
    expect(file?.type === 'file' && [...file.content]).toEqual([...stdin]);
  });
});

describe('a command that cannot be run', () => {
  const files = {
    [`${proj}/data`]: 'text',
    [`${proj}/image`]: 'a\0b',
    [`${proj}/dir/x`]: '',
    [`${proj}/secret.py`]: { text: 'x', mode: 0 },
    [`${proj}/lua.lua`]: '',
    [`${proj}/bad`]: '#!/opt/nothing/here\n',
    [`${proj}/bad2`]: '#!/usr/bin/env nothing\n',
    [`${proj}/pipe.py`]: { other: true } as const,
    [`${proj}/p.c`]: 'int main;',
  };
  it.each([
    ['scirpt.py', 'ERR_SCRIPT_NOT_FOUND', 127, 'script.py'],
    ['./scirpt.py', 'ERR_SCRIPT_NOT_FOUND', 127, 'script.py'],
    ['no/such', 'ERR_SCRIPT_NOT_FOUND', 127, undefined],
    ['make test', 'ERR_SCRIPT_NOT_FOUND', 127, "wasbox run -c 'make test'"],
    ['cd', 'ERR_SCRIPT_NOT_FOUND', 127, 'wasbox run -c cd'],
    ['https://x.org/i.sh', 'ERR_SCRIPT_NOT_FOUND', 127, 'curl -fsSL https://x.org/i.sh | wasbox'],
    ['~/x.py', 'ERR_SCRIPT_NOT_FOUND', 127, '$HOME'],
    ['data', 'ERR_UNKNOWN_TYPE', 126, '--lang sh data'],
    ['image', 'ERR_UNKNOWN_TYPE', 126, 'PROGRAM image'],
    ['p.c', 'ERR_UNKNOWN_TYPE', 126, 'gcc p.c'],
    ['./dir', 'ERR_SCRIPT_UNREADABLE', 126, 'Give a script'],
    ['./pipe.py', 'ERR_SCRIPT_UNREADABLE', 126, 'wasbox run -'],
    ['secret.py', 'ERR_SCRIPT_UNREADABLE', 126, 'ls -l secret.py'],
    ['lua.lua', 'ERR_NO_INTERPRETER', 127, 'Install lua'],
    ['bad', 'ERR_NO_INTERPRETER', 127, '--lang'],
    ['bad2', 'ERR_NO_INTERPRETER', 127, '--lang'],
    ['', 'ERR_NO_OPERAND', 125, 'wasbox run script.py'],
  ])('is refused, %j with %s', (command, code, exit, hint) => {
    const error = refusal({ command }, { files });
    expect([error.code, error.exitStatus]).toEqual([code, exit]);
    if (hint === undefined) expect(error.hint).toBeUndefined();
    else expect(error.hint).toContain(hint);
  });

  it('is answered with a language', () => {
    const error = refusal({ lang: 'pyhton' });
    expect(error.code).toBe('ERR_OPTION_VALUE');
    expect(error.hint).toContain('Did you mean python?');
  });

  it('is refused for an empty stdin', () => {
    expect(refusal({ command: '-' }).code).toBe('ERR_SCRIPT_UNREADABLE');
  });

  it('tells an old Node from one that runs TypeScript', () => {
    const machine = (version: string) => ({
      files: { [`${proj}/x.ts`]: '' },
      node: { path: '/usr/bin/node', version },
    });
    expect(resolve({ command: 'x.ts' }, machine('22.18.0')).command.argv).toEqual(['node', 'x.ts']);
    const old = refusal({ command: 'x.ts' }, machine('20.20.2'));
    expect(old.code).toBe('ERR_NO_INTERPRETER');
    expect(old.message).toContain('the Node.js there is 20.20.2, too old');
  });
});

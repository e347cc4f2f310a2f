/** Words of shell commands that may be paths. */
import { expect, test } from 'vitest';
import { wordsOf } from '../../../../src/changes/auto-executed/command-words.js';
import { valuesIn, worktreeIn } from '../../../../src/changes/auto-executed/git-config.js';
import { commandsOf, scriptKind } from '../../../../src/changes/auto-executed/scripts.js';
import { spelledOut } from '../../../../src/changes/auto-executed/spelled.js';

/** Words as `role text`, with `…` where something is unknown. */
const words = (command: string): string[] =>
  wordsOf(command, '/home/u').words.map(({ parts, role }) => `${role} ${parts.join('…')}`);

test.each([
  ['./tools/x -v', 'run ./tools/x'],
  ['!tools/x', 'run tools/x'],
  ['a; b && tools/x', 'run tools/x'],
  ['cd tools && ./x', 'entered tools'],
  ['cd -- tools; ./x', 'run ./x'],
  ['PATH=tools:$PATH x', 'taken tools'],
  ['export PATH="$PWD/bin:$PATH"', 'taken …/bin'],
  ['make -C tools', 'taken tools'],
  ['env --chdir=tools ./x', 'taken tools'],
  ['$(git rev-parse --show-toplevel)/tools/x', 'run …/tools/x'],
  ['"$(cd "$(dirname "$0")" && (pwd))/tools/x"', 'run …/tools/x'],
  ['"$(cd "$(dirname "$0")" && (pwd))/tools/x"', 'entered …'],
  ['`git rev-parse --show-toplevel`/tools/x', 'run …/tools/x'],
  ['`cat tools/name`', 'word tools/name'],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's
  ['${TOOL:-tools/x} a', 'run tools/x'],
  ["sh -c 'cd tools; ./x'", 'entered tools'],
  ['sh -c "sh -c \\"./deep/x\\""', 'run ./deep/x'],
  ['"my tools/x" a', 'run my tools/x'],
  ['my\\ tools/x a', 'run my tools/x'],
  ['tool\\\n/x', 'run tool/x'],
  ['f() { ./x "$@"; }; f', 'run ./x'],
  ['if true; then ./x; fi', 'run ./x'],
  ['A=1 B=2 ./x', 'run ./x'],
  ['sudo -n ./x', 'run ./x'],
  ['python3 -m pkg.mod', 'module pkg.mod'],
  ['node -r ./x.js', 'run ./x.js'],
  ['~/x a', 'run /home/u/x'],
  ['$HOME/x', 'run /home/u/x'],
  ['ext::tools/x', 'run tools/x'],
  ['ssh -Ftools/config', 'word tools/config'],
  ['x < tools/in > out', 'word tools/in'],
  ["x 'no end", 'run x'],
])('%s has %s', (command, expected) => {
  expect(words(command)).toContain(expected);
});

test('a command of many substitutions is cut, and read in no time', () => {
  const many = Array.from({ length: 5000 }, (_, at) => `$(a${at})`).join(' ');
  expect(wordsOf(many).cut).toBe(true);
  expect(wordsOf('$('.repeat(20_000)).cut).toBe(false);
  expect(wordsOf('a b').cut).toBe(false);
});

const long = (text: string): string => text.repeat(Math.ceil((1 << 18) / text.length));

/** The longest text that is read; where each word looks at all before it, one takes minutes. */
test.each(['a=$a ', '-x ', 'a=b;$a;', 'a=(', '$(cd x '])(
  'a script of %j over and over is read in seconds',
  { timeout: 60_000 },
  (text) => {
    expect(wordsOf(long(text)).words.length).toBeLessThan(3000);
  },
);

test.each(['a', 'a.', '"\\"', "a('", 'f("x",'])(
  'a script of R of %j over and over is read in seconds',
  { timeout: 60_000 },
  (text) => {
    expect(spelledOut('x.R', long(text), '/h').read).toBe(true);
  },
);

test('a variable that a script sets counts as its values, and others stay unknown', () => {
  const found = words('A=one; A=two; B=$A/x; PATH_add $A; . "$B" $C/y');
  expect(found).toContain('taken one');
  expect(found).toContain('taken two');
  expect(found).toContain('run one/x');
  expect(found).toContain('word …/y');
  expect(found.filter((one) => one.startsWith('taken'))).toEqual([
    'taken …',
    'taken one',
    'taken two',
  ]);
});

test('git’s configuration is read as git reads it', () => {
  const text = String.raw`[alias]
	one = "!cd tools\n./x" # comment
	two = !a \
  b
[filter "a]b"] clean = tools/x
[branch "main"]
	merge = refs/heads/main
[pager]
	fetch = tools/pager
[core]
	hooksPath = :(optional)tools
	worktree = ../w
[url "ext::tools/x"]
	insteadOf = z:
`;
  expect([...valuesIn(text)].map((value) => value.text)).toEqual([
    '!cd tools\n./x',
    '!a   b',
    'tools/x',
    'tools/pager',
    'tools',
    'ext::tools/x',
  ]);
  expect(worktreeIn(text)).toBe('../w');
});

test.each([
  '[init]\n\tdefaultBranch = main',
  '[user]\n\tname = tools/x\n\temail = a/b@c',
  '[push]\n\tdefault = current',
  '[alias]\n\tst = status\n\tlg = log --graph',
  '[branch "main"]\n\tmerge = refs/heads/main\n\tremote = origin',
  '[pull]\n\trebase = true',
  '[color]\n\tui = auto',
  '[merge]\n\tconflictStyle = zdiff3\n\ttool = vimdiff',
  '[remote "origin"]\n\tfetch = +refs/heads/*:refs/remotes/origin/*',
  '[diff]\n\talgorithm = histogram',
])('git’s configuration names no program: %s', (text) => {
  expect([...valuesIn(text)]).toEqual([]);
});

test.each([
  ['[alias]\n\tx = !tools/x', 'alias.x'],
  ['[alias]\n\tx = -c core.pager=tools/x log', 'alias.x'],
  ['[core]\n\teditor = tools/x', 'core.editor'],
  ['[credential "https://x"]\n\thelper = !tools/x', 'credential.helper'],
  ['[diff "x"]\n\ttextconv = tools/x', 'diff.textconv'],
  ['[mergetool "x"]\n\tcmd = tools/x', 'mergetool.cmd'],
  ['[hook "x"]\n\tcommand = tools/x', 'hook.command'],
  ['[newtool]\n\tcommand = tools/x', 'newtool.command'],
  ['[lfs "customtransfer.x"]\n\tpath = tools/x', 'lfs.path'],
  ['[gpg "ssh"]\n\tprogram = tools/x', 'gpg.program'],
  ['[includeIf "gitdir:x"]\n\tpath = tools/x', 'includeif.path'],
])('git’s configuration names a program, and by which key: %s', (text, key) => {
  expect([...valuesIn(text)].map((value) => value.key)).toEqual([key]);
});

test.each([
  ['.git/hooks/pre-commit', 'commented'],
  ['sub/.GIT/hooks/x', 'commented'],
  ['.git/modules/a/hooks/x', 'commented'],
  ['.husky/pre-push', 'commented'],
  ['a/.envrc', 'commented'],
  ['.vscode/tasks.json', 'uncommented'],
  ['.devcontainer/devcontainer.json', 'uncommented'],
  ['.devcontainer/a/devcontainer.json', 'uncommented'],
  ['.git/hooks/pre-commit.sample', undefined],
  ['AGENTS.md', undefined],
  ['src/envrc', undefined],
])('%s is read as %s', (path, kind) => {
  expect(scriptKind(path.split('/'))).toBe(kind);
});

test('comments and programs name nothing', () => {
  expect(commandsOf('#!/bin/sh\n  # ./a\n./b\n', 'commented')).toBe('/bin/sh\n\n./b\n');
  expect(commandsOf('\x7fELF\0 ./a', 'commented')).toBe('');
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the editor's
  expect(commandsOf('{"args": ["${x}/a"]}', 'uncommented')).toBe(' "args":  "$x/a"  ');
});

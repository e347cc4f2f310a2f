/**
 * Asks direnv which files it runs when the user enters a directory with an .envrc that was allowed before, and holds the
 * review against its answer.
 */
import { describe } from 'vitest';
import { needs } from '../../support/needs.js';
import { type Case, expectVerdict, titled, touch } from './judge.js';

const tools = needs('direnv', 'python3');

/** The hook of direnv does this at the prompt; then the user types a command. */
const enter = (then = 'true', directory = '.') =>
  `cd ${directory}; eval "$(direnv export bash)"; ${then}`;
const program = `#!/bin/sh\n${touch}`;
const python = 'open("%M", "w")\n';

/** An .envrc that the user allowed, the file that it leads to, and what the user types. */
const row = (text: string, name: string, more: Partial<Case> = {}): Case => ({
  what: `${name}, with \`${text}\` in the .envrc`,
  host: { '.envrc': `${text}\n`, ...more.host },
  setUp: 'direnv allow',
  name,
  content: program,
  start: enter(),
  verdict: 'held',
  ...more,
  ...(more.host === undefined ? {} : { host: { '.envrc': `${text}\n`, ...more.host } }),
});

/** A program that the user's shell then finds first. */
const ls = (text: string, name: string, more: Partial<Case> = {}): Case =>
  row(text, name, { start: enter('ls'), ...more });

const inSub = (text: string, name: string): Case =>
  row('', name, {
    what: `${name}, with \`${text}\` in sub/.envrc`,
    host: { 'sub/.envrc': `${text}\n` },
    setUp: 'rm .envrc; direnv allow sub',
    start: enter('true', 'sub'),
  });

const run: readonly Case[] = [
  {
    what: 'an .envrc that the user allows',
    name: '.envrc',
    content: touch,
    start: `direnv allow; ${enter()}`,
    verdict: 'held',
  },
  row('. ./env.sh', 'env.sh'),
  row('source_env setup', 'setup/.envrc'),
  row('source_env "$PWD/setup.rc"', 'setup.rc'),
  row('source_env_if_exists conf/own.rc', 'conf/own.rc'),
  inSub('source_up', '.envrc'),
  inSub('source_up common.rc', 'common.rc'),
  inSub('source_up_if_exists', '.envrc'),
  inSub('. "$(find_up env.sh)"', 'env.sh'),
  ls('dotenv', '.env', { host: { 'own/ls': program }, content: 'PATH=%W/own:/usr/bin:/bin\n' }),
  ls('dotenv_if_exists conf/dev.env', 'conf/dev.env', {
    host: { 'own/ls': program },
    content: 'PATH=%W/own:/usr/bin:/bin\n',
  }),
  ls('PATH_add tools', 'tools/ls'),
  ls('PATH_add one two', 'two/ls'),
  ls('load_prefix prefix', 'prefix/bin/ls'),
  ls('layout node', 'node_modules/.bin/ls'),
  ls('layout php', 'vendor/bin/ls'),
  ls('layout ruby', '.direnv/ruby/bin/ls'),
  ls('layout go', '.direnv/go/bin/ls'),
  row('layout perl', '.direnv/perl5/lib/perl5/strict.pm', {
    content: 'open my $f, ">", "%M"; 1;\n',
    start: enter('perl -e "use strict"'),
  }),
  row('path_add PYTHONPATH lib', 'lib/json.py', {
    content: python,
    start: enter('python3 -c "import json"'),
  }),
  ls('export PATH="$PWD/tools:$PATH"', 'tools/ls'),
  ls('PATH=$(pwd)/tools:$PATH; export PATH', 'tools/ls'),
  ls('BIN=tools; PATH_add $BIN', 'tools/ls'),
  ls('BIN="$PWD/tools"\nexport PATH="$BIN:$PATH"', 'tools/ls'),
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's
  ls('ROOT=$PWD; BIN=${ROOT}/tools/bin; PATH_add "${BIN}"', 'tools/bin/ls'),
  ls('export PATH="$(realpath tools):$PATH"', 'tools/ls'),
  ls('PATH_add "$(cd tools && pwd)"', 'tools/ls', { host: { 'tools/x': '' } }),
  ls('for d in tools/*/bin; do PATH_add "$d"; done', 'tools/a/bin/ls', {
    host: { 'tools/a/bin/x': '' },
  }),
  ls('for d in one two; do PATH_add $d; done', 'two/ls'),
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's
  ls('DIRS=(one two)\nPATH_add "${DIRS[@]}"', 'two/ls'),
  row('for f in lib*.sh; do . ./$f; done', 'lib-a.sh'),
  row('F=env.sh; . ./$F', 'env.sh'),
  row('F=env.sh; [ -e "$F" ] && source_env "$F"', 'env.sh'),
  row('eval "$(./tools/env)"', 'tools/env'),
  row('eval "$(cat vars)"', 'vars'),
  row('while read -r line; do eval "$line"; done < vars', 'vars'),
  row('direnv_load ./tools/env', 'tools/env'),
  row('export BASH_ENV=$PWD/rc', 'rc', { start: enter('bash -c true') }),
  row('export NODE_OPTIONS="--require $PWD/pre.js"', 'pre.js', {
    content: 'require("fs").writeFileSync("%M", "");\n',
    start: enter(`'${process.execPath}' -e 0`),
  }),
  row('export GIT_CONFIG_GLOBAL=$PWD/conf/git', 'conf/git', {
    content: '[alias]\n x = !touch "%M"\n',
    start: enter('git x'),
  }),
  row('export GIT_CONFIG_GLOBAL=$PWD/conf/git', 'tools/x', {
    host: { 'conf/git': '[alias]\n x = !%W/tools/x\n' },
    start: enter('git x'),
  }),
];

const notRun: readonly Case[] = [
  ls('PATH_add tools', 'tools2/ls'),
  ls('PATH_add tools', 'sub/tools/ls'),
  row('source_env setup', 'other/env.sh'),
  row('. ./env.sh', 'sub/env.sh'),
  row('MANPATH_add man', 'man/man1/ls.1', { start: enter('man -w ls') }),
  row('env_vars_required TOKEN', 'TOKEN/x'),
  row('watch_dir data', 'data/x.sh'),
  row('layout node', 'node_modules/x/bin/ls', { start: enter('ls') }),
  row('layout php', 'vendor/x/bin/ls', { start: enter('ls') }),
  row('BIN=tools; PATH_add $BIN', 'BIN/ls', { start: enter('ls') }),
].map((one) => ({ ...one, verdict: 'plain' as const }));

const home: readonly Case[] = [
  ['.config/direnv/lib/own.sh', touch],
  ['.config/direnv/direnvrc', touch],
  ['.direnvrc', touch],
].map(([name = '', content = '']) => ({
  what: name,
  host: { 'p/.envrc': 'true\n' },
  setUp: 'direnv allow p',
  name,
  content,
  start: enter('true', 'p'),
  verdict: 'held',
}));

const allowing: readonly Case[] = [
  {
    what: 'settings that allow an .envrc',
    host: { 'p/.envrc': touch },
    name: '.config/direnv/direnv.toml',
    content: '[whitelist]\nprefix = ["%W/p"]\n',
    start: enter('true', 'p'),
    verdict: 'held',
  },
  {
    what: 'settings that load an .env without an .envrc',
    host: { 'p/.env': 'PATH=%W/p/own:/usr/bin:/bin\n', 'p/own/ls': program },
    name: '.config/direnv/direnv.toml',
    content: '[global]\nload_dotenv = true\n[whitelist]\nprefix = ["%W/p"]\n',
    start: enter('ls', 'p'),
    verdict: 'held',
  },
  {
    what: 'the mark of an .envrc that is allowed',
    host: { 'p/.envrc': touch },
    name: '.local/share/direnv/allow/*',
    made: 'direnv allow p',
    start: enter('true', 'p'),
    verdict: 'held',
  },
];

describe('direnv runs', () => {
  tools.test.each(titled(run))('%s, and it is held', (_, one) => {
    expectVerdict(one);
  });
  tools.test.each(titled([...home, ...allowing]))('%s of the home, and it is held', (_, one) => {
    expectVerdict(one, true);
  });
});

describe('direnv does not run', () => {
  tools.test.each(titled(notRun))('%s, and it is applied', (_, one) => {
    expectVerdict(one);
  });
});

/** Tests that what a script asks of the system, and a sandbox never gives, is answered by what to do instead. */
import { describe, expect, test } from 'vitest';
import { ordinaryUser } from '../support/identity.js';
import { needs } from '../support/needs.js';
import { makeProject } from '../support/project.js';
import { runProgram, runWasbox, wasboxArgv } from '../support/wasbox.js';

const as = ordinaryUser();
const files = {
  'apt.sh': 'set -e\napt-get install -y jq tree\n',
  'sudo.sh': 'set -e\nsudo mkdir part\necho made\n',
  // Programs of that name in the directory stand for the real ones, which would ask their registry.
  'global.sh':
    'npm() { [ -n "$npm_config_prefix" ] && echo "$npm_config_prefix"; }\nnpm install -g cowsay\n',
  'local.sh': 'npm() { false; }\nnpm install cowsay\n',
  'word.sh': 'echo "ask your admin about sudo, or apt"; exit 3\n',
};
const run = (words: readonly string[], more: Readonly<Record<string, string>> = {}) =>
  runWasbox(['run', ...words], { as, cwd: makeProject(as, { ...files, ...more }) });
const said = /installs into the system|uses sudo/;

describe('a script that installs into the system', () => {
  test('is told which packages the machine would need', async () => {
    const line =
      'apt-get installs into the system, which is read-only in a sandbox. Install jq tree on this machine';
    expect((await run(['apt.sh'])).err).toContain(line);
    expect((await run(['-c', 'apt-get install jq tree'])).err).toContain(line);
  });

  test('is told how it goes without sudo, and the line followed literally works', async () => {
    const cwd = makeProject(as, files);
    const { status, err } = await runWasbox(['run', 'sudo.sh'], { as, cwd });
    expect(status).toBe(127);
    const line = /To run it without: (.*)\n/.exec(err)?.[1] ?? '';
    const shell = line.replace('wasbox', wasboxArgv(as, []).join(' '));
    const again = await runProgram(['sh', '-c', shell], { as, cwd });
    expect([again.status, again.out], again.err).toEqual([0, 'made\n']);
  });

  test('is told how npm -g installs into the home, and the options work', async () => {
    const { status, err } = await run(['global.sh']);
    expect(status).toBe(1);
    const [, option = ''] = /wasbox run --for npm (--env npm_config_prefix=\S+)/.exec(err) ?? [];
    const again = await run([...option.split(' '), 'global.sh']);
    expect([again.status, again.out]).toEqual([0, `${as.home}/.local\n`]);
  });

  test.each([['local.sh'], ['word.sh']])('is all that is told, not %s', async (name) => {
    const { status, err } = await run([name]);
    expect(status).not.toBe(0);
    expect(err).not.toMatch(said);
  });
});

describe('a script of PHP', () => {
  const script = {
    'a.php': '<?php\nrequire __DIR__ . "/vendor/autoload.php";\necho "ok\\n";\n',
    'own.php': '<?php\nexit(3);\n',
  };

  needs('php-cli').test('is told what composer makes', async () => {
    const bare = await run(['a.php'], script);
    expect(bare.err).toContain(
      'vendor/autoload.php is missing: composer makes it from a composer.json, and there is none',
    );
    const with_ = await run(['a.php'], { ...script, 'composer.json': '{}' });
    expect(with_.err).toMatch(
      /composer makes it, and is not installed|--apply -- composer install/,
    );
    const there = await run(['a.php'], { ...script, 'vendor/autoload.php': '<?php exit(3);\n' });
    expect([there.status, there.err]).toEqual([3, expect.not.stringContaining('composer')]);
    expect((await run(['own.php'], script)).err).not.toContain('composer');
  });
});

describe('a script of PHP that names parts of PHP', () => {
  const signs: Readonly<Record<string, string>> = {
    curl: 'curl_init();',
    gd: 'imagecreatetruecolor(1, 1);',
    mbstring: 'mb_strlen("");',
    dom: 'new DOMDocument();',
    intl: 'new Collator("");',
    zip: 'new ZipArchive();',
    bcmath: 'bcadd("1", "2");',
    gmp: 'gmp_add(1, 2);',
    soap: 'new SoapClient(null);',
  };
  const packageOf = (name: string): string => (name === 'dom' ? 'php-xml' : `php-${name}`);

  needs('php-cli').test('is told of those that PHP itself does not list', async () => {
    const listed = await runProgram(['php', '-m'], { as });
    const there = new Set(listed.out.toLowerCase().split('\n'));
    const all = Object.keys(signs);
    const missing = all.filter((name) => !there.has(name));
    const text = `<?php\nif ($argc > 9) { ${Object.values(signs).join(' ')} }\nexit(3);\n`;
    const { err } = await run(['a.php'], { 'a.php': text });
    const told = [...err.matchAll(/On Debian: apt install (\S+)\n/g)].map(([, name]) => name);
    expect(told).toEqual(missing.map(packageOf));
    expect((await run(['b.php'], { 'b.php': '<?php\nexit(3);\n' })).err).not.toContain('of PHP');
  });
});

describe('a file that is compiled', () => {
  const sources = {
    'crate.rs': 'use rand::Rng;\nuse std::io;\nmod part;\nuse part::x;\nfn main() {}\n',
    'own.rs': 'use std::io;\nfn main() { println!("{}", 6 * 7); }\n',
    'math.c':
      '#include <math.h>\n#include <stdio.h>\nint main(int c, char **v) { (void)v; printf("%g\\n", sqrt(c + 3)); }\n',
  };
  const lineOf = (err: string): string => /For example: (.*)\n/.exec(err)?.[1] ?? '';

  test('is told of cargo where it uses crates, and of rustc where it uses none', async () => {
    const { status, err } = await run(['crate.rs'], sources);
    expect(status).toBe(126);
    expect(lineOf(err)).toContain('--net index.crates.io,static.crates.io');
    expect(lineOf(err)).toContain('cargo add -q rand && cargo run');
    expect(lineOf((await run(['own.rs'], sources)).err)).toContain('rustc own.rs');
  });

  needs('gcc').test('is linked with the libraries that it includes', async () => {
    const cwd = makeProject(as, sources);
    const { err } = await runWasbox(['run', 'math.c'], { as, cwd });
    const shell = lineOf(err).replace('wasbox', wasboxArgv(as, []).join(' '));
    const again = await runProgram(['sh', '-c', shell], { as, cwd });
    expect([again.status, again.out], again.err).toEqual([0, '2\n']);
  });
});

describe('a host that leads to others', () => {
  const asks = (name: string) => [
    '--lang',
    'python',
    '-c',
    `import socket\nsocket.getaddrinfo("${name}", 443)`,
  ];

  test('is told with them', async () => {
    expect((await run(asks('index.crates.io'))).err).toContain(
      'To allow all of them: --net index.crates.io,static.crates.io\n',
    );
    expect((await run(asks('example.org'))).err).not.toContain('To allow all of them');
  });
});

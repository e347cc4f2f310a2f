/**
 * Forty scripts, as people bring them from a forum: each works at the first try, or at the second, which is the
 * line that wasbox printed, followed literally. What cannot work is answered by what cannot be had.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ordinaryUser } from '../support/identity.js';
import { needs } from '../support/needs.js';
import { makeProject } from '../support/project.js';
import { addWheel, npmRegistry, staticMirror } from '../support/registries.js';
import { runProgram, runWasbox, wasboxArgv } from '../support/wasbox.js';

type Asked = Awaited<ReturnType<typeof staticMirror>>;

const as = ordinaryUser();
let index: Asked;
let npm: Asked;
beforeAll(async () => {
  const served = makeProject(as);
  addWheel(served, { name: 'wbfetch', code: 'def get(url): return "fetched " + url\n' });
  addWheel(served, { name: 'tiny', code: 'text = "tiny"\n' });
  index = await staticMirror(served);
  npm = await npmRegistry(makeProject(as), {
    'tiny-part': 'module.exports = "part";\n',
    tiny: 'module.exports = "tiny " + require("tiny-part");\n',
  });
});
afterAll(() => {
  index?.close();
  npm?.close();
});
const env = () => ({
  PIP_INDEX_URL: `${index.url}/simple`,
  PIP_CONFIG_FILE: '/dev/null',
  npm_config_registry: `${npm.url}/`,
  API_TOKEN: 'token of the user',
});

interface Script {
  readonly kind: string;
  readonly name: string;
  readonly text: string;
  /** Files beside it. */
  readonly beside?: Readonly<Record<string, string>>;
  /** The text that it prints at last. */
  readonly prints: string | RegExp;
  /** The beginning of the option of the second try; undefined where the first one works. */
  readonly second?: string;
}

/** The Debian packages of what a script runs, by the kind's first word. */
const programs: Readonly<Record<string, readonly string[]>> = {
  awk: ['gawk'],
  build: ['make', 'gcc'],
  C: ['gcc'],
  'C++': ['g++'],
  database: ['sqlite3'],
  git: ['git'],
  Go: ['golang-go'],
  images: ['imagemagick', 'file'],
  Lua: ['lua5.4'],
  Perl: ['perl'],
  PHP: ['php-cli'],
  Ruby: ['ruby'],
  Rust: ['cargo'],
  scraping: ['python3-venv', 'python3-pip'],
  Tcl: ['tcl'],
  text: ['jq'],
};

const py = (kind: string, text: string, prints: Script['prints'], second?: string): Script => ({
  kind,
  name: 's.py',
  text,
  prints,
  ...(second === undefined ? {} : { second }),
});
const sh = (kind: string, text: string, prints: Script['prints']): Script => ({
  kind,
  name: 's.sh',
  text,
  prints,
});

const scripts: readonly Script[] = [
  py(
    'data: csv',
    'import csv,io\nprint(sum(int(r["n"]) for r in csv.DictReader(io.StringIO("n\\n1\\n2\\n"))))',
    '3\n',
  ),
  py('data: json', 'import json\nprint(json.dumps({"a": [1, 2]}))', '{"a": [1, 2]}\n'),
  py(
    'data: sqlite',
    'import sqlite3\nc = sqlite3.connect("x.db")\nc.execute("create table t(a)")\nprint(c.execute("select count(*) from t").fetchone()[0])',
    '0\n',
  ),
  py(
    'data: many processes',
    'from multiprocessing import Pool\ndef f(x): return x * x\nif __name__ == "__main__":\n    print(Pool(2).map(f, [1, 2, 3]))',
    '[1, 4, 9]\n',
  ),
  py(
    'scraping: one package',
    'import wbfetch\nprint(wbfetch.get("x"))',
    'fetched x\n',
    '--with wbfetch',
  ),
  py(
    'scraping: two packages',
    'import tiny, json\nfrom wbfetch import get\nprint(get(tiny.text))',
    'fetched tiny\n',
    '--with tiny,wbfetch',
  ),
  py(
    'scraping: a block',
    '# /// script\n# dependencies = ["tiny>=1"]\n# ///\nimport tiny\nprint(tiny.text)',
    'tiny\n',
  ),
  py(
    'bot: a token',
    'import os\nprint(os.environ["API_TOKEN"])',
    'token of the user\n',
    '--env API_TOKEN',
  ),
  py(
    'server: its own client',
    'import http.server, threading, urllib.request\ns = http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)\nthreading.Thread(target=s.serve_forever, daemon=True).start()\nprint(urllib.request.urlopen("http://127.0.0.1:%d/" % s.server_port).status)',
    '200\n',
  ),
  py(
    'archive: zip',
    'import zipfile\nwith zipfile.ZipFile("x.zip", "w") as z: z.writestr("a", "b")\nprint(zipfile.ZipFile("x.zip").namelist())',
    "['a']\n",
  ),
  py(
    'tests: unittest',
    'import unittest\nclass T(unittest.TestCase):\n    def test(self): self.assertEqual(1, 1)\nr = unittest.main(exit=False).result\nprint(r.testsRun)',
    '1\n',
  ),
  py(
    'files: rename a directory',
    'import os\nos.mkdir("a")\nopen("a/b", "w").write("x")\nos.rename("a", "c")\nprint(os.listdir("c"))',
    "['b']\n",
  ),
  py('terminal: curses without one', 'import curses\nprint(curses.version.decode()[:1])', '2\n'),
  py(
    'notebook',
    'import json\nnb = {"cells": [{"cell_type": "code", "source": ["print(40 + 2)"]}]}\nopen("n.ipynb", "w").write(json.dumps(nb))\nfor c in json.load(open("n.ipynb"))["cells"]: exec("".join(c["source"]))',
    '42\n',
  ),
  py(
    'plot: a picture as text',
    'open("plot.svg", "w").write("<svg>" + "".join(f"<circle cx=\\"{x}\\" cy=\\"{x * x}\\" r=\\"1\\"/>" for x in range(9)) + "</svg>")\nprint(open("plot.svg").read().count("circle"))',
    '9\n',
  ),
  py(
    'game: in a terminal',
    'import sys\nsecret, tries = 7, 0\nfor word in "5 8 7".split():\n    tries += 1\n    if int(word) == secret: break\nsys.stdout.write("\\x1b[1mwon\\x1b[0m after %d\\n" % tries)',
    '\x1b[1mwon\x1b[0m after 3\n',
  ),
  sh('shell: pipes', 'seq 3 | awk "{s+=\\$1} END {print s}"', '6\n'),
  sh('shell: here-document', 'cat <<END\nhello\nEND', 'hello\n'),
  sh('shell: temporary files', 't=$(mktemp -d); echo x > $t/a; cat $t/a; rm -r $t', 'x\n'),
  sh('shell: home', 'mkdir -p ~/.config/x; echo y > ~/.config/x/y; cat ~/.config/x/y', 'y\n'),
  sh(
    'installer',
    'mkdir -p ~/.local/bin; printf "#!/bin/sh\\necho tool\\n" > ~/.local/bin/tool; chmod +x ~/.local/bin/tool; ~/.local/bin/tool',
    'tool\n',
  ),
  sh('archive: tar', 'mkdir d; echo x > d/a; tar -czf d.tgz d; tar -tzf d.tgz | tail -1', 'd/a\n'),
  sh(
    'git: a commit',
    'git init -q r && cd r && git -c user.name=a -c user.email=a@example.org commit -q --allow-empty -m first && git log --format=%s',
    'first\n',
  ),
  sh('database: sqlite3', 'echo "select 1 + 1;" | sqlite3 x.db', '2\n'),
  sh(
    'images: convert',
    'convert -size 2x2 xc:red x.png && file -b x.png | cut -c1-9',
    'PNG image\n',
  ),
  sh('text: jq', 'echo \'{"a": 1}\' | jq .a', '1\n'),
  sh(
    'build: make and gcc',
    'printf "int main(void){return 0;}" > a.c; printf "a: a.c\\n\\tcc -o a a.c\\n" > Makefile; make -s && ./a && echo built',
    'built\n',
  ),
  sh(
    'C: AddressSanitizer',
    'printf "#include <stdlib.h>\\nint main(void){volatile char *p=malloc(1);p=0;return 0;}" > a.c; gcc -fsanitize=address a.c && ./a.out && echo ended',
    'ended\n',
  ),
  {
    kind: 'C++',
    name: 's.sh',
    text: 'printf "#include <iostream>\\nint main(){std::cout<<1<<std::endl;}" > a.cc; g++ a.cc && ./a.out',
    prints: '1\n',
  },
  {
    kind: 'Node: a script',
    name: 's.js',
    text: 'console.log([3, 1, 2].sort().join());',
    prints: '1,2,3\n',
  },
  {
    kind: 'Node: a module',
    name: 's.mjs',
    text: 'import fs from "node:fs"; fs.writeFileSync("a", "b"); console.log(fs.readFileSync("a", "utf8"));',
    prints: 'b\n',
  },
  {
    kind: 'Node: a package required',
    name: 's.cjs',
    text: 'console.log(require("tiny"));',
    prints: 'tiny part\n',
    second: '--with tiny',
  },
  {
    kind: 'Node: a package imported',
    name: 's.mjs',
    text: 'import t from "tiny";\nconsole.log(t);',
    prints: 'tiny part\n',
    second: '--with tiny',
  },
  {
    kind: 'Node: a worker',
    name: 's.js',
    text: 'const { Worker, isMainThread } = require("worker_threads");\nif (isMainThread) new Worker(__filename).on("exit", (c) => console.log("exit", c));',
    prints: 'exit 0\n',
  },
  {
    kind: 'Node: a server and its client',
    name: 's.js',
    text: 'const http = require("http");\nconst s = http.createServer((q, r) => r.end("ok")).listen(0, () => http.get({ port: s.address().port }, (r) => r.on("data", (d) => { console.log(String(d)); s.close(); })));',
    prints: 'ok\n',
  },
  {
    kind: 'Ruby',
    name: 's.rb',
    text: 'require "json"\nputs JSON.generate([1, 2])',
    prints: '[1,2]\n',
  },
  {
    kind: 'Ruby: files',
    name: 's.rb',
    text: 'File.write("a", "b"); puts File.read("a")',
    prints: 'b\n',
  },
  { kind: 'PHP', name: 's.php', text: '<?php echo array_sum([1, 2, 3]), "\\n";', prints: '6\n' },
  {
    kind: 'Go',
    name: 's.sh',
    text: 'printf "package main\\nimport \\"fmt\\"\\nfunc main() { fmt.Println(6 * 7) }\\n" > main.go; go run main.go',
    prints: '42\n',
  },
  {
    kind: 'Rust',
    name: 's.sh',
    text: 'printf "fn main() { println!(\\"{}\\", 6 * 7); }\\n" > a.rs; rustc a.rs && ./a',
    prints: '42\n',
  },
  {
    kind: 'Perl',
    name: 's.pl',
    text: 'print join(",", map { $_ * 2 } 1..3), "\\n";',
    prints: '2,4,6\n',
  },
  py(
    'bot: a package, a token and a host',
    '"""Asks https://api.bot.test/ for its name."""\nimport os\nimport wbfetch\nAPI = "https://api.bot.test/bot"\nprint(wbfetch.get(API + os.environ["API_TOKEN"][:5]))',
    'fetched https://api.bot.test/bottoken\n',
    '--with wbfetch --env API_TOKEN --net api.bot.test',
  ),
  {
    kind: 'server: port 80',
    name: 's.js',
    text: 'const http = require("http");\nconst s = http.createServer((q, r) => r.end("ok")).listen(80, () => http.get({ port: 80 }, (r) => r.on("data", (d) => { console.log(String(d)); s.close(); })));',
    prints: 'ok\n',
  },
  {
    ...sh(
      'installer: into a prefix',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's
      'set -eu\nPREFIX=${PREFIX:-/usr/local}\nprintf "#!/bin/sh\\necho tool\\n" > tool\ninstall -m 755 tool "$PREFIX/bin/tool"\n"$PREFIX/bin/tool"',
      'tool\n',
    ),
    second: 'PREFIX=~/.local',
  },
  {
    kind: 'Rust: a file',
    name: 's.rs',
    text: 'use std::thread;\nfn main() { let h = thread::spawn(|| 6 * 7); println!("{}", h.join().unwrap()); }',
    prints: '42\n',
    second: 'rustc s.rs',
  },
  {
    kind: 'C: a file',
    name: 's.c',
    text: '#include <math.h>\n#include <pthread.h>\n#include <stdio.h>\nstatic void *f(void *x) { return x; }\nint main(int c, char **v) { (void)v; pthread_t t; pthread_create(&t, 0, f, 0); pthread_join(t, 0); printf("%g\\n", sqrt(c + 3.0)); }',
    prints: '2\n',
    second: 'gcc s.c -o program -lm -pthread',
  },
  {
    ...py('tests: a module with a package', 'import h\nprint(h.text)', 'tiny\n', '--with tiny'),
    beside: { 'h.py': 'from tiny import text\n' },
  },
  { kind: 'Lua', name: 's.lua', text: 'print(#{1, 2, 3})', prints: '3\n' },
  { kind: 'awk', name: 's.awk', text: 'BEGIN { print 6 * 7 }', prints: '42\n' },
  { kind: 'Tcl', name: 's.tcl', text: 'puts [expr {6 * 7}]', prints: '42\n' },
];

/** Returns what the printed line adds: an option with its value, or a whole command; the last is that with all. */
function second(err: string, script: Script): string {
  const forms = [
    /to try all of it: (wasbox run .*)\n/,
    /To run with (?:it|them): (wasbox run .*)\n/,
    /To install into the home: (wasbox run .*)\n/,
    /For example: (wasbox run .*)\n/,
  ];
  const [whole] = forms.flatMap((form) => form.exec(err)?.[1] ?? []);
  const option = /If the program may have it: (--env \S+)\n/.exec(err)?.[1];
  return whole ?? `wasbox run ${option} ${script.name}`;
}

/** Kinds that forums are full of. */
const usual =
  'data scraping server plot installer archive database notebook git images tests bot game shell Node Ruby PHP Go Rust C'.split(
    ' ',
  );

test('there are forty scripts of twenty kinds, each usual kind among them', () => {
  expect(scripts.length).toBeGreaterThanOrEqual(40);
  const kinds = new Set(scripts.map(({ kind }) => kind.split(':')[0]));
  expect(kinds.size).toBeGreaterThanOrEqual(20);
  expect(usual.filter((kind) => !kinds.has(kind))).toEqual([]);
});

describe.each(scripts)('$kind', (script) => {
  needs(...(programs[script.kind.split(':')[0] ?? ''] ?? [])).test(
    'works at the first try, or by the line that was printed',
    async () => {
      const cwd = makeProject(as, { [script.name]: `${script.text}\n`, ...script.beside });
      const first = await runWasbox(['run', script.name], { as, cwd, env: env() });
      if (script.second === undefined) {
        expect([first.status, first.out], first.err).toEqual([0, script.prints]);
        return;
      }
      expect(first.status, first.err + first.out).not.toBe(0);
      const line = second(first.err, script);
      expect(line).toContain(script.second);
      const shell = line.replace(/^wasbox/, wasboxArgv(as, []).join(' '));
      const again = await runProgram(['sh', '-c', shell], { as, cwd, env: env() });
      expect([again.status, again.out], again.err).toEqual([0, script.prints]);
    },
  );
});

describe('the line of a thing that no sandbox has', () => {
  test.each([
    [
      'gpu.py',
      'device = "cuda"\nraise SystemExit("no CUDA device")\n',
      'a sandbox has none: wasbox shows no device',
    ],
    ['gpu.sh', 'nvidia-smi\n', 'it names a GPU'],
    [
      'game.py',
      'try:\n    import pygame\nexcept ImportError: pass\nraise SystemExit("no video device")\n',
      '--env SDL_VIDEODRIVER=dummy game.py',
    ],
    ['window.sh', 'xterm\n', 'it names a display'],
    ['docker.sh', 'docker run hello-world || exit 1\n', 'wasbox run --image IMAGE -- COMMAND'],
  ])('is said for %s', async (name, text, said) => {
    const cwd = makeProject(as, { [name]: text });
    const { status, err } = await runWasbox(['run', name], { as, cwd });
    expect(status).not.toBe(0);
    expect(err).toContain(said);
  });

  test.each([
    ['fine.py', 'device = "cuda"\n', 0],
    ['fails.py', 'raise SystemExit(3)\n', 3],
    ['word.sh', 'echo a docker image; exit 3\n', 3],
  ])('is not said for %s', async (name, text, expected) => {
    const cwd = makeProject(as, { [name]: text });
    const { status, err } = await runWasbox(['run', name], { as, cwd });
    expect(status).toBe(expected);
    expect(err).not.toMatch(/a sandbox has none|Docker/);
  });
});

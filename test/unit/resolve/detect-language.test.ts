import { describe, expect, it } from 'vitest';
import { sniff } from '../../../src/resolve/detect-language.js';
import { failing, resolveCode } from './support.js';

const lang = (text: string) => sniff(new TextEncoder().encode(text));

describe('scripts that name no interpreter', () => {
  it.each([
    ['python', 'import os\nprint(os.getcwd())\n'],
    ['python', '# comment\nfrom pathlib import Path\n\nfor x in []:\n    pass\n'],
    ['python', 'import os; print(1)'],
    ['python', '"""What it does."""\nimport os\n'],
    ['node', '// what it does\nimport fs from "node:fs";\nconsole.log(`1`);\n'],
    ['python', 'def main():\n    return 1\n'],
    ['node', 'const fs = require("fs");\nconsole.log(1);\n'],
    ['node', "import fs from 'node:fs';\n"],
    ['node', 'function f(a) {\n  return a;\n}\n'],
    ['typescript', 'interface A {\n  b: string;\n}\n'],
    ['ruby', "require 'json'\nputs JSON.parse('1')\n"],
    ['perl', 'use strict;\nmy $x = 1;\n'],
    ['php', '<?php echo 1;'],
  ])('sees %s', (name, text) => {
    expect(lang(text)?.lang).toBe(name);
  });

  it.each([
    ['a web page', '\n<!DOCTYPE html>\n<p>404'],
    ['a web page', '<html lang="en">'],
    ['JSON', '{"message": "Not Found"}'],
  ])('sees %s, which nothing runs', (label, text) => {
    expect(lang(text)).toEqual({ lang: undefined, label });
  });

  it.each([
    'echo hello\n',
    'set -eu\nimport_dir=/x\ncd "$import_dir"\n',
    'f() {\n  echo $1\n}\nf x\n',
    'function f {\n  echo 1\n}\n',
    'python3 - <<EOF\nimport os\nEOF\necho done\n',
    'if [ -f x ]; then\n  print(1)\nfi\n',
    'make && make install\n',
    'mkdir d; python3 -c "\nimport os\nprint(1)\n"\n',
    'git mv a b\nnode -e "\nconst x = 1;\n"\n',
    'cat >x.py <<EOF\nimport os\nEOF\n',
    '{ echo a; echo b; }\n',
    '[ -n "$x" ] && exit 1\n',
    'import -window root shot.png\n',
    'curl -fsSL https://example.org/x | sh\nexport PATH\n',
    '',
  ])('leaves a shell script alone: %j', (text) => {
    expect(lang(text)).toBeUndefined();
  });

  it('refuses them on stdin and with -c, before anything starts, unless --lang names one', () => {
    const stdin = 'import os\nprint(os.getcwd())\n';
    const refused = failing(() => resolveCode({ command: '-' }, { stdin }));
    expect(refused.code).toBe('ERR_UNKNOWN_TYPE');
    expect(refused.message).toContain('looks like Python');
    expect(refused.hint).toContain('wasbox run --lang python -');
    expect(failing(() => resolveCode({ code: stdin })).hint).toContain('--lang python -c CODE');
    expect(resolveCode({ command: '-', lang: 'sh' }, { stdin }).command.argv[0]).toBe('sh');
    expect(resolveCode({ command: '-', lang: 'python' }, { stdin }).command.argv[0]).toBe(
      'python3',
    );
  });
});

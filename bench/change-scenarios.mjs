// Lists what bench/changes.mjs lets programs do: a name, a tree, a script that changes it.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A wheel is a zip file with the metadata that PEP 427 asks for. */
const makeWheel = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w") as z:
    for n in range(100): z.writestr("many/m%d.py" % n, "x = %d\\n" % n)
    z.writestr("many/__init__.py", "")
    z.writestr("many-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: many\\nVersion: 1.0\\n")
    z.writestr("many-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nGenerator: b\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    z.writestr("many-1.0.dist-info/RECORD", "")
`;

const makefile = `files := $(wildcard src/*)
install:
\tinstall -d $(DESTDIR)/usr/share/x
\tinstall -m 644 $(files) $(DESTDIR)/usr/share/x
`;

/**
 * @param {number} files how many files `sed` edits
 * @returns {{name: string, make: (directory: string) => void, script: string}[]}
 */
export function changeScenarios(files) {
  return [
    {
      name: `sed -i over ${files} files`,
      make(directory) {
        for (let n = 0; n < files; n++) {
          const place = join(directory, `d${n % 100}`);
          mkdirSync(place, { recursive: true });
          writeFileSync(join(place, `f${n}.txt`), `file ${n}\nfoo bar\n`);
        }
      },
      script: 'find . -name "*.txt" | xargs sed -i s/foo/FOO/',
    },
    {
      name: 'git commit of 1000 files',
      make(directory) {
        mkdirSync(join(directory, 'd'));
        for (let n = 0; n < 1000; n++) writeFileSync(join(directory, 'd', `f${n}`), `file ${n}\n`);
        execFileSync('git', ['init', '-q'], { cwd: directory });
      },
      script: 'git add . && git -c user.email=a@b -c user.name=n commit -qm one',
    },
    {
      name: 'make install DESTDIR of 500 files',
      make(directory) {
        mkdirSync(join(directory, 'src'));
        writeFileSync(join(directory, 'Makefile'), makefile);
        for (let n = 0; n < 500; n++) {
          writeFileSync(join(directory, 'src', `f${n}`), 'x'.repeat(4000));
        }
      },
      script: 'make -s install DESTDIR="$PWD/root"',
    },
    {
      name: 'npm install of a tarball of 300 files',
      make(directory) {
        mkdirSync(join(directory, 'pkg/lib'), { recursive: true });
        const pack = { name: 'many', version: '1.0.0' };
        writeFileSync(join(directory, 'pkg/package.json'), JSON.stringify(pack));
        for (let n = 0; n < 300; n++) {
          writeFileSync(join(directory, 'pkg/lib', `m${n}.js`), `exports.n = ${n};\n`);
        }
        const args = ['pack', '--silent', '--cache', join(directory, '.cache'), './pkg'];
        execFileSync('npm', args, { cwd: directory, stdio: 'ignore' });
        const app = { name: 'app', version: '1.0.0', private: true };
        writeFileSync(join(directory, 'package.json'), JSON.stringify(app));
      },
      script: 'npm install --silent --offline --no-audit --no-fund --cache .cache ./many-1.0.0.tgz',
    },
    {
      name: 'venv and pip install of a wheel of 100 modules',
      make(directory) {
        execFileSync('python3', ['-c', makeWheel, join(directory, 'many-1.0-py3-none-any.whl')]);
      },
      script:
        '/usr/bin/python3 -m venv v && v/bin/pip install -q --no-cache-dir --no-index ./many-1.0-py3-none-any.whl',
    },
    { name: 'nothing', make() {}, script: 'true' },
  ];
}

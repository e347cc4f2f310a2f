/** The programs of a package, as pip and virtualenv write them with their own distlib: by `entry_points.txt`. */
import type { Wheel } from './wheels.js';

/** Texts of programs below their first line, one for each version of distlib, by their names. */
export type Programs = ReadonlyMap<string, readonly string[]>;

const textsOf = (module: string, name: string): readonly string[] => [
  `# -*- coding: utf-8 -*-
import re
import sys
from ${module} import ${name}
if __name__ == '__main__':
    sys.argv[0] = re.sub(r'(-script\\.pyw|\\.exe)?$', '', sys.argv[0])
    sys.exit(${name}())
`,
  `# -*- coding: utf-8 -*-
import re
import sys
from ${module} import ${name}
if __name__ == "__main__":
    sys.argv[0] = re.sub(r"(-script\\.pyw|\\.exe)?$", "", sys.argv[0])
    sys.exit(${name}())
`,
  `import sys
from ${module} import ${name}
if __name__ == '__main__':
    sys.argv[0] = sys.argv[0].removesuffix('.exe')
    sys.exit(${name}())
`,
];

/**
 * @param named the name of the wheel's metadata: `pip-25.1.1`
 * @param version as `3.13`: programs have names with it, too
 */
export function programsOf(wheel: Wheel, named: string, version: string): Programs {
  const found = new Map<string, readonly string[]>();
  const text = wheel.read(`${named}.dist-info/entry_points.txt`)?.toString('latin1') ?? '';
  const [, section = ''] = /(?:^|\n)\[console_scripts\]\s*\n([^[]*)/.exec(text) ?? [];
  for (const line of section.split('\n')) {
    const [, own = '', module = '', name = ''] =
      /^([\w.-]+)\s*=\s*([\w.]+)\s*:\s*(\w+)\s*$/.exec(line) ?? [];
    if (own === '') continue;
    const base = own.replace(/-?\d(?:\.\d*)?$/, '');
    for (const end of ['', '3', version, `-${version}`]) {
      found.set(`${base}${end}`, textsOf(module, name));
    }
  }
  return found;
}

// Makes dist/THIRD-PARTY.txt: whose code is in the package, and under which terms. Of the bundles esbuild
// says what is in them; the addon is compiled against node-addon-api's headers, and the policy core is
// linked with functions of musl, as wasi-libc has them.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const compiled = ['node-addon-api'];

const mit = `Permission is hereby granted, free of charge, to any person obtaining
a copy of this software and associated documentation files (the
"Software"), to deal in the Software without restriction, including
without limitation the rights to use, copy, modify, merge, publish,
distribute, sublicense, and/or sell copies of the Software, and to
permit persons to whom the Software is furnished to do so, subject to
the following conditions:

The above copyright notice and this permission notice shall be
included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND,
EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF
MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT.
IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY
CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT,
TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE
SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
`;
const musl = {
  name: 'musl, through wasi-libc',
  component: 'musl',
  license: 'MIT',
  text: `Copyright (c) 2005-2020 Rich Felker, et al.
Sorting: Copyright (c) 2011 Valentin Ochs

${mit}`,
};

const inEngine = [
  {
    name: "quickjs, Debian's libquickjs",
    component: 'quickjs',
    license: 'MIT',
    text: `Copyright (c) 2017-2021 Fabrice Bellard
Copyright (c) 2017-2021 Charlie Gordon

${mit}`,
  },
  {
    name: "libmd, Debian's libmd-dev: SHA-1 and SHA-256",
    component: 'libmd',
    license: 'BSD-3-Clause AND ISC',
    text: `SHA-1 is by Steve Reid and in the public domain.

SHA-256: Copyright (c) 2000-2001, Aaron D. Gifford. All rights reserved.

Redistribution and use in source and binary forms, with or without
modification, are permitted provided that the following conditions
are met:
1. Redistributions of source code must retain the above copyright
   notice, this list of conditions and the following disclaimer.
2. Redistributions in binary form must reproduce the above copyright
   notice, this list of conditions and the following disclaimer in the
   documentation and/or other materials provided with the distribution.
3. Neither the name of the copyright holder nor the names of contributors
   may be used to endorse or promote products derived from this software
   without specific prior written permission.

THIS SOFTWARE IS PROVIDED BY THE AUTHOR AND CONTRIBUTOR(S) \`\`AS IS'' AND
ANY EXPRESS OR IMPLIED WARRANTIES, INCLUDING, BUT NOT LIMITED TO, THE
IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS FOR A PARTICULAR PURPOSE
ARE DISCLAIMED. IN NO EVENT SHALL THE AUTHOR OR CONTRIBUTOR(S) BE LIABLE
FOR ANY DIRECT, INDIRECT, INCIDENTAL, SPECIAL, EXEMPLARY, OR CONSEQUENTIAL
DAMAGES (INCLUDING, BUT NOT LIMITED TO, PROCUREMENT OF SUBSTITUTE GOODS
OR SERVICES; LOSS OF USE, DATA, OR PROFITS; OR BUSINESS INTERRUPTION)
HOWEVER CAUSED AND ON ANY THEORY OF LIABILITY, WHETHER IN CONTRACT, STRICT
LIABILITY, OR TORT (INCLUDING NEGLIGENCE OR OTHERWISE) ARISING IN ANY WAY
OUT OF THE USE OF THIS SOFTWARE, EVEN IF ADVISED OF THE POSSIBILITY OF
SUCH DAMAGE.
`,
  },
  {
    name: "zlib, Debian's zlib1g-dev: deflate",
    component: 'zlib',
    license: 'Zlib',
    text: `Copyright (C) 1995-2024 Jean-loup Gailly and Mark Adler

This software is provided 'as-is', without any express or implied
warranty.  In no event will the authors be held liable for any damages
arising from the use of this software.

Permission is granted to anyone to use this software for any purpose,
including commercial applications, and to alter it and redistribute it
freely, subject to the following restrictions:

1. The origin of this software must not be misrepresented; you must not
   claim that you wrote the original software. If you use this software
   in a product, an acknowledgment in the product documentation would be
   appreciated but is not required.
2. Altered source versions must be plainly marked as such, and must not be
   misrepresented as being the original software.
3. This notice may not be removed or altered from any source distribution.
`,
  },
  {
    name: 'glibc, the GNU C Library',
    component: 'glibc',
    license: 'LGPL-2.1-or-later',
    text: `wasbox-engine is linked statically with the GNU C Library, Copyright (C) 1991-2025 Free Software
Foundation, Inc., which is free software: you can redistribute it and/or modify it under the terms of the GNU
Lesser General Public License, version 2.1 or any later version (https://www.gnu.org/licenses/lgpl-2.1.html).
It comes without any warranty. To link wasbox-engine with another version of the library, build wasbox from
its sources: npm run build:js.`,
  },
];

/** Packages whose code is in the bundles. */
function bundled(metafiles) {
  const names = metafiles
    .flatMap(({ outputs }) => Object.values(outputs))
    .flatMap(({ inputs }) => Object.entries(inputs))
    .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
    .flatMap(([path]) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []);
  return [...new Set(names)].sort();
}

function packageNotice(root, name) {
  const directory = join(root, 'node_modules', name);
  const { version, license } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
  const files = readdirSync(directory).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file));
  if (files.length === 0) throw new Error(`${name} is in the package and has no licence file`);
  const text = files.sort().map((file) => readFileSync(join(directory, file), 'utf8'));
  return {
    name: `${name} ${version}`,
    component: name,
    version,
    license,
    text: text.join('\n'),
  };
}

/**
 * @param metafiles of the builds whose output is in the package
 * @param engine of the bundle in wasbox-engine; undefined where that is not built
 */
export function thirdParties(root, metafiles, engine) {
  const all = engine === undefined ? metafiles : [...metafiles, engine];
  const packages = [...bundled(all), ...compiled].map((name) => packageNotice(root, name));
  return [...packages, musl, ...(engine === undefined ? [] : inEngine)];
}

/** A bill of materials in CycloneDX's format (https://cyclonedx.org/docs/1.5/json/). */
export function billOfMaterials(root, parties) {
  const { name, version, license } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const component = (type, part) => {
    const at = part.version === undefined ? '' : `@${part.version}`;
    const purl =
      part.version === undefined
        ? `pkg:generic/${part.component}`
        : `pkg:npm/${part.component.replace('@', '%40')}${at}`;
    return {
      type,
      'bom-ref': purl,
      name: part.component,
      ...(part.version === undefined ? {} : { version: part.version }),
      licenses: [{ expression: part.license }],
      purl,
    };
  };
  const own = component('application', { component: name, version, license });
  const components = parties.map((part) => component('library', part));
  const dependsOn = components.map((part) => part['bom-ref']);
  const bill = {
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    version: 1,
    metadata: { component: own },
    components,
    dependencies: [{ ref: own['bom-ref'], dependsOn }],
  };
  return `${JSON.stringify(bill, null, 2)}\n`;
}

export function thirdPartyNotices(parties) {
  const parts = parties.map(({ name, license, text }) => {
    const line = '='.repeat(78);
    return `${line}\n${name} (${license})\n${line}\n\n${text.trim()}\n`;
  });
  return `wasbox contains code of others, under the terms below.\n\n${parts.join('\n\n')}`;
}

// dist/THIRD-PARTY.txt and dist/sbom.cdx.json, of the parties that parties.mjs names.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** @typedef {import('./parties.mjs').Party} Party */

/** A bill of materials in CycloneDX's format (https://cyclonedx.org/docs/1.5/json/). */
export function billOfMaterials(root, /** @type {Party[]} */ parties) {
  const { name, version, license } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const purl = `pkg:npm/${name}@${version}`;
  const components = parties.map((part) => ({
    type: part.type ?? 'library',
    'bom-ref': part.purl,
    name: part.component,
    version: part.version,
    ...(part.note === undefined ? {} : { description: part.note }),
    ...(part.hash === undefined ? {} : { hashes: [part.hash] }),
    licenses: [{ expression: part.license }],
    purl: part.purl,
  }));
  const bill = {
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    version: 1,
    metadata: {
      component: {
        type: 'application',
        'bom-ref': purl,
        name,
        version,
        licenses: [{ expression: license }],
        purl,
      },
    },
    components,
    dependencies: [{ ref: purl, dependsOn: components.map((part) => part['bom-ref']) }],
  };
  return `${JSON.stringify(bill, null, 2)}\n`;
}

/** @throws where the terms of a part are not known: nothing is published without them */
export function thirdPartyNotices(/** @type {Party[]} */ parties) {
  for (const { component, license, text } of parties) {
    if (!license) throw new Error(`${component} is in the package and names no licence`);
    if (text.trim() === '') throw new Error(`the licence file of ${component} is empty`);
  }
  const line = '='.repeat(78);
  const parts = parties.map(({ component, version, license, note, text }) => {
    const what = note === undefined ? '' : `: ${note}`;
    return `${line}\n${component} ${version} (${license})${what}\n${line}\n\n${text.trim()}\n`;
  });
  return `wasbox contains code and data of others, under the terms below.\n\n${parts.join('\n\n')}`;
}

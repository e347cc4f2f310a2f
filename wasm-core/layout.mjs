// Reads structures, enumerations and constants out of the core's headers and renders them as
// TypeScript, so that no offset is written twice. Called by build.mjs.

const camel = (name) => name.replaceAll(/_([a-z0-9])/g, (_, letter) => letter.toUpperCase());

/** Words of each structure, in order; an array counts with its length. */
function structures(header) {
  const found = [];
  for (const [, name, body] of header.matchAll(/struct (wb_\w+) \{([^}]*)\};/g)) {
    const text = body.replaceAll(/\/\*[\s\S]*?\*\//g, '');
    const fields = [];
    let word = 0;
    for (const [, list] of text.matchAll(/uint32_t ([^;]+);/g)) {
      for (const item of list.split(',')) {
        const [, field, length] = item.trim().match(/^(\w+)(?:\[(\d+)\])?$/);
        fields.push([field, word]);
        word += length === undefined ? 1 : Number(length);
      }
    }
    if (text.replaceAll(/uint32_t [^;]+;/g, '').trim() !== '')
      throw new Error(`struct ${name} holds more than uint32_t words`);
    found.push({ name, fields, size: word });
  }
  return found;
}

function enumerations(header) {
  return [...header.matchAll(/enum (wb_\w+) \{([^}]*)\};/g)].map(([, name, body]) => ({
    name,
    members: body
      .replaceAll(/\/\*[\s\S]*?\*\//g, '')
      .split(',')
      .map((member) => member.trim())
      .filter((member) => member !== ''),
  }));
}

/** The longest beginning that all members share, up to an underscore. */
function prefixOf(members) {
  let prefix = members[0];
  for (const member of members) while (!member.startsWith(prefix)) prefix = prefix.slice(0, -1);
  return prefix.slice(0, prefix.lastIndexOf('_') + 1);
}

const constants = (header) => [...header.matchAll(/^#define (WB_[A-Z_]+) (\d+|0x[0-9a-f]+)\b/gm)];

export function renderLayout(header, tables) {
  const lines = [
    '/**',
    ' * Offsets (in 32-bit words), codes and constants of the ABI.',
    ' * Written by wasm-core/build.mjs from wasm-core/include/wasbox_core.h; do not edit.',
    ' */',
  ];
  for (const [, name, value] of constants(header)) lines.push(`export const ${name} = ${value};`);
  for (const { name, fields, size } of structures(header)) {
    const type = camel(name.slice(3));
    lines.push('', `export const ${type}Words = {`);
    for (const [field, word] of fields) lines.push(`  ${camel(field)}: ${word},`);
    lines.push(`  size: ${size},`, '} as const;');
  }
  const arch = enumerations(tables).filter(({ name }) => name === 'wb_arch');
  for (const { name, members } of [...enumerations(header), ...arch]) {
    const prefix = prefixOf(members);
    lines.push('', `export const ${camel(name.slice(3))}Names = [`);
    for (const member of members)
      if (!member.endsWith('_COUNT'))
        lines.push(`  '${member.slice(prefix.length).toLowerCase()}',`);
    lines.push('] as const;');
  }
  return `${lines.join('\n')}\n`;
}

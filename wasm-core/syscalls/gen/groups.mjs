/**
 * The groups: systemd's sets, as `systemd-analyze syscall-filter` of the packaged systemd lists
 * them, and a few names of our own.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { NEWER_MEMBERS } from './corrections.mjs';
import { Bytes, banner, byteArray, nameArray } from './encode.mjs';

/** Groups that systemd does not have, or that it defines by what its build knew. */
const OWN_GROUPS = {
  file: ['@file-system'],
  network: ['@network-io'],
};

/** Every call of the tables, whatever systemd knew. */
const EVERYTHING = 'known';

/**
 * @returns a map from group name (without @) to its members as systemd writes them: calls, and
 *   other groups with their @
 */
export function readGroups({ systemd, systemdLibrary }) {
  const text = execFileSync(
    join(systemd, 'usr/bin/systemd-analyze'),
    ['--no-pager', 'syscall-filter'],
    {
      encoding: 'utf8',
      env: { PATH: '/usr/bin:/bin', NO_COLOR: '1', LD_LIBRARY_PATH: systemdLibrary },
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
  const groups = new Map();
  let members;
  for (const line of text.split('\n')) {
    const [, name] = /^@([\w-]+)$/.exec(line) ?? [];
    if (name !== undefined) {
      members = [];
      groups.set(name, members);
    } else if (members !== undefined && /^ {4}[@\w]/.test(line)) members.push(line.trim());
    else if (!/^ {4}#/.test(line)) members = undefined;
  }
  if (groups.size < 25) throw new Error(`systemd-analyze listed ${groups.size} sets only`);
  for (const [name, list] of Object.entries(NEWER_MEMBERS))
    groups.set(name, [...new Set([...groups.get(name), ...list])]);
  for (const [name, list] of Object.entries(OWN_GROUPS)) groups.set(name, list);
  groups.set(EVERYTHING, []);
  return groups;
}

/** The two generated files: for each group its subgroups, and its calls as steps between ids. */
export function writeGroups(groups, calls, versions) {
  const names = [...groups.keys()].sort();
  const bytes = new Bytes();
  for (const name of names) {
    const members = groups.get(name);
    const subgroups = members
      .filter((member) => member.startsWith('@'))
      .map((member) => names.indexOf(member.slice(1)));
    if (subgroups.includes(-1)) throw new Error(`@${name} has an unknown subgroup`);
    const ids =
      name === EVERYTHING
        ? calls.names.map((_, id) => id)
        : members
            .map((member) => calls.names.indexOf(member))
            .filter((id) => id >= 0)
            .sort((a, b) => a - b);
    bytes.unsigned(subgroups.length);
    for (const group of subgroups) bytes.unsigned(group);
    bytes.unsigned(ids.length);
    ids.forEach((id, i) => {
      bytes.unsigned(id - (i === 0 ? 0 : ids[i - 1]));
    });
  }
  const header =
    `${banner('Sizes and streams of the groups of calls, read by groups.c.', versions)}` +
    `#ifndef WASBOX_GROUPS_GENERATED_H\n#define WASBOX_GROUPS_GENERATED_H\n\n` +
    `#include <stdint.h>\n\n#define WB_GROUP_COUNT ${names.length}\n\n` +
    `extern const char wb_group_names[];\nextern const uint8_t wb_blob_groups[];\n\n#endif\n`;
  const source = [
    banner('Groups of system calls.', versions),
    '#include "groups.generated.h"\n',
    nameArray('wb_group_names', names),
    byteArray('wb_blob_groups', bytes.list),
  ].join('\n');
  return { header, source };
}

/** Reads the system call numbers of an architecture from its uapi header. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The values that the symbolic bases of the numbers count as here: x32's bit is added by the core. */
const BASES = { __X32_SYSCALL_BIT: 0, __NR_SYSCALL_BASE: 0, __NR_Linux: 5000 };

/** Macros that are spelled like a call but are none. */
const NOT_CALLS = new Set(['Linux', 'syscalls', 'SYSCALL_BASE', 'OABI_SYSCALL_BASE']);

/** ARM's private calls (`__ARM_NR_*`); they are numbered far above the others. */
const ARM_PRIVATE_BASE = 0xf0000;

/** The number of each call, as seccomp sees it, but without x32's bit. */
export function readNumbers(headers, architecture) {
  const folder = join(headers, 'lib/linux/uapi', architecture.uapi, 'asm');
  const numbers = new Map();
  const text = readFileSync(join(folder, architecture.unistd), 'utf8');
  for (const [, name, base, value] of text.matchAll(
    /^#define __NR_(\w+)\s+\(?(?:(\w+)\s*\+\s*)?(\d+)\)?\s*$/gm,
  )) {
    if (NOT_CALLS.has(name)) continue;
    const offset = base === undefined ? 0 : BASES[base];
    if (offset === undefined) throw new Error(`${architecture.name}: unknown base ${base}`);
    numbers.set(name, offset + Number(value));
  }
  if (architecture.name === 'arm') {
    const own = readFileSync(join(folder, 'unistd.h'), 'utf8');
    for (const [, name, value] of own.matchAll(/__ARM_NR_(\w+)\s+\(__ARM_NR_BASE\+(\d+)\)/g))
      numbers.set(name, ARM_PRIVATE_BASE + Number(value));
    const alias = numbers.get('arm_sync_file_range');
    if (alias !== undefined) numbers.set('sync_file_range2', alias);
    numbers.delete('arm_sync_file_range');
  }
  if (numbers.size < 200) throw new Error(`${architecture.name}: only ${numbers.size} calls found`);
  return numbers;
}

/**
 * The entry point of each call, from the kernel's own table.
 *
 * @returns a map from name to `{ native, compat }`, names of C functions
 */
export function readEntries(source, architecture) {
  const best = new Map();
  const text = readFileSync(join(source, architecture.table), 'utf8');
  for (const line of text.split('\n')) {
    const [number, abi, name, native, compat] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (number === undefined || !/^\d+$/.test(number) || name === undefined) continue;
    const rank = architecture.abis.indexOf(abi);
    if (rank < 0) continue;
    const known = best.get(name);
    if (known !== undefined && known.rank <= rank) continue;
    best.set(name, { rank, native, compat: compat === '-' ? undefined : compat });
  }
  const alias = best.get('arm_sync_file_range');
  if (alias !== undefined) best.set('sync_file_range2', alias);
  return best;
}

/**
 * The kernel that introduced each call, from the table in syscalls(2) and, where the manual is
 * older than the headers, from `later`. Calls older than 3.0 are left out: every kernel that has
 * seccomp filters (3.5) has them.
 *
 * @returns a map from name to `major << 8 | minor`
 */
export function readVersions(manual, later) {
  const versions = new Map();
  for (const [, name, major, minor] of manual.matchAll(
    /^\\fB(\w+)\\fP\(2\)\t(\d+)\.(\d+)(?:\.\d+)?(?:[;\s]|$)/gm,
  )) {
    if (Number(major) >= 3) versions.set(name, (Number(major) << 8) | Number(minor));
  }
  for (const [name, version] of Object.entries(later)) {
    const [major, minor] = version.split('.').map(Number);
    versions.set(name, (major << 8) | minor);
  }
  return versions;
}

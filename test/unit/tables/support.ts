import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The names are in the order of `enum wb_arch`. */
export const ARCHES = [
  'x86_64',
  'i386',
  'x32',
  'aarch64',
  'arm',
  'riscv64',
  'ppc64le',
  's390x',
  'mips64el',
  'loongarch64',
] as const;
export type Arch = (typeof ARCHES)[number];

export interface ArchRow {
  arch: Arch;
  audit: number;
  base: number;
  bits: number;
  big: number;
  limit: number;
}
/** Name, class, set of constants, bits, alias, found by name. */
export type ArgRow = [string, string, string, number, string, number];
export interface CallRow {
  call: string;
  since: number;
  weight: number;
  on: Partial<Record<Arch, { number: number; back: number; args: ArgRow[] }>>;
}

export interface Tables {
  arches: Map<string, ArchRow>;
  calls: Map<string, CallRow>;
  sets: Map<string, Record<string, (string | null)[]>>;
  groups: Map<string, string[]>;
}

const here = fileURLToPath(new URL('.', import.meta.url));
const tablesFolder = fileURLToPath(new URL('../../../wasm-core/syscalls/', import.meta.url));

/** Runs the host's C compiler in a directory of its own. */
export function withCompiler<T>(use: (cc: (args: string[]) => string, folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'wasbox-tables-'));
  const cc = (args: string[]): string =>
    execFileSync('cc', args, {
      cwd: folder,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      maxBuffer: 1 << 26,
    });
  try {
    return use(cc, folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Builds the tables natively, with sanitizers, and reads back all they say. */
export function dumpTables(): Tables {
  const output = withCompiler((cc, folder) => {
    const sources = readdirSync(tablesFolder)
      .filter((name) => name.endsWith('.c'))
      .map((name) => join(tablesFolder, name));
    const flags = '-std=c17 -Wall -Wextra -Werror -g -fsanitize=address,undefined'.split(' ');
    const program = join(here, 'dump_tables.c');
    cc([...flags, '-fno-sanitize-recover=all', `-I${tablesFolder}`, program, ...sources, '-odump']);
    return execFileSync(join(folder, 'dump'), { encoding: 'utf8', maxBuffer: 1 << 26 });
  });
  const tables: Tables = {
    arches: new Map(),
    calls: new Map(),
    sets: new Map(),
    groups: new Map(),
  };
  for (const line of output.trimEnd().split('\n')) {
    const row = JSON.parse(line);
    if ('arch' in row) tables.arches.set(row.arch, row);
    else if ('call' in row) tables.calls.set(row.call, row);
    else if ('set' in row) tables.sets.set(row.set, row.constants);
    else tables.groups.set(row.group, row.members);
  }
  return tables;
}

/** Returns what the C library's headers say of these names on this machine; unknown ones are left out. */
export function valuesInLibc(headers: string[], names: string[]): Map<string, bigint> {
  const output = withCompiler((cc, folder) => {
    const lines = names.map(
      (name) => `#ifdef ${name}\nprintf("${name} %llu\\n", (unsigned long long)(${name}));\n#endif`,
    );
    const includes = headers.map((header) => `#include <${header}>`).join('\n');
    writeFileSync(
      join(folder, 'values.c'),
      `#define _GNU_SOURCE\n#include <stdio.h>\n${includes}\nint main(void) {\n${lines.join('\n')}\nreturn 0;\n}\n`,
    );
    cc(['values.c', '-w', '-ovalues']);
    return execFileSync(join(folder, 'values'), { encoding: 'utf8' });
  });
  const values = new Map<string, bigint>();
  for (const [, name, value] of output.matchAll(/^(\w+) (\d+)$/gm))
    if (name !== undefined && value !== undefined) values.set(name, BigInt(value));
  return values;
}

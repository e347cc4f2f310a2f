import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** Bit, AUDIT_ARCH_*, nr_base and Go's name of the machine whose kernel runs such calls. */
export const TARGETS: Record<
  string,
  { bit: number; audit: number; base: number; goArch: string; wide: boolean }
> = {
  x86_64: { bit: 1, audit: 0xc000003e, base: 0, goArch: 'amd64', wide: true },
  i386: { bit: 2, audit: 0x40000003, base: 0, goArch: 'amd64', wide: false },
  x32: { bit: 4, audit: 0xc000003e, base: 0x40000000, goArch: 'amd64', wide: true },
  aarch64: { bit: 8, audit: 0xc00000b7, base: 0, goArch: 'arm64', wide: true },
  arm: { bit: 16, audit: 0x40000028, base: 0, goArch: 'arm64', wide: false },
  riscv64: { bit: 32, audit: 0xc00000f3, base: 0, goArch: 'riscv64', wide: true },
  ppc64le: { bit: 64, audit: 0xc0000015, base: 0, goArch: 'ppc64le', wide: true },
  s390x: { bit: 128, audit: 0x80000016, base: 0, goArch: 's390x', wide: true },
  mips64el: { bit: 256, audit: 0xc0000008, base: 0, goArch: 'mips64le', wide: true },
  loongarch64: { bit: 512, audit: 0xc0000102, base: 0, goArch: 'loong64', wide: true },
};

export interface Output {
  ok: boolean;
  text: string;
  notes: { kind: number; detail: string }[];
  raw: string;
}

export interface Event {
  arch: number;
  nr: number;
  args: readonly bigint[];
}

export interface Driver {
  importText(
    text: string | Buffer,
    options?: { format?: string; targets?: number; caps?: bigint },
  ): Output;
  exportText(policy: string): Output;
  /** Actions as the compiled, proved program returns them. */
  decide(policy: string, events: readonly Event[], options?: { kernel?: number }): number[];
  close(): void;
}

/** Compiles the core natively, with sanitizers. */
export function buildDriver(): Driver {
  const folder = mkdtempSync(join(tmpdir(), 'wasbox-convert-'));
  const sources = ['src', 'syscalls'].flatMap((name) =>
    readdirSync(join(root, 'wasm-core', name))
      .filter((file) => file.endsWith('.c'))
      .map((file) => join(root, 'wasm-core', name, file)),
  );
  const flags = '-std=c17 -O1 -g -Wall -Wextra -Werror -fsanitize=address,undefined'.split(' ');
  const driver = join(folder, 'driver');
  const main = fileURLToPath(new URL('convert_driver.c', import.meta.url));
  const paths = ['include', 'syscalls'].map((name) => `-I${join(root, 'wasm-core', name)}`);
  execFileSync(
    'cc',
    [...flags, '-fno-sanitize-recover=all', ...paths, main, ...sources, '-o', driver],
    { stdio: 'pipe' },
  );
  const run = (args: string[], input: string | Buffer): Output => {
    const result = spawnSync(driver, args, { input, maxBuffer: 1 << 28 });
    const raw = result.stderr.toString();
    if (result.status === null || result.status > 1) throw new Error(`driver: ${raw}`);
    const notes = [...raw.matchAll(/^(\d+) \d+ \d+ (.*)$/gm)].map(([, kind, detail]) => ({
      kind: Number(kind),
      detail: detail ?? '',
    }));
    return { ok: result.status === 0, text: result.stdout.toString(), notes, raw };
  };
  return {
    importText: (text, { format = 'oci', targets = 0, caps = 0n } = {}) =>
      run(['import', format, String(targets), String(caps)], text),
    exportText: (policy) => run(['export', '0', '0'], policy),
    decide: (policy, events, { kernel = 0 } = {}) => {
      const list = join(folder, 'events');
      const lines = events.map(({ arch, nr, args }) =>
        [arch, nr, ...Array.from({ length: 6 }, (_, i) => args[i] ?? 0n)].join(' '),
      );
      writeFileSync(list, `${lines.join('\n')}\n`);
      const output = run(['decide', '0', String(kernel), list], policy);
      if (!output.ok) throw new Error(`the policy does not compile: ${output.raw}\n${policy}`);
      return output.text.trimEnd().split('\n').map(Number);
    },
    close: () => {
      if (existsSync(folder)) rmSync(folder, { recursive: true });
    },
  };
}

import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
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

const cache = join(root, 'node_modules', '.cache', 'wasbox-tests');
/** The limit of `beforeAll`, in milliseconds: a busy machine takes long, and files that need it wait for one. */
export const buildLimit = 900_000;

/** The driver: the core compiled natively, with sanitizers, once for each state of its sources. */
function compiledDriver(): string {
  const flags = '-std=c17 -O1 -g -Wall -Wextra -Werror -fsanitize=address,undefined'.split(' ');
  flags.push('-fno-sanitize-recover=all');
  const main = fileURLToPath(new URL('convert_driver.c', import.meta.url));
  const files = ['include', 'src', 'syscalls'].flatMap((name) =>
    readdirSync(join(root, 'wasm-core', name))
      .filter((file) => /\.[ch]$/.test(file))
      .map((file) => join(root, 'wasm-core', name, file)),
  );
  const compiler = execFileSync('cc', ['--version']);
  const hash = createHash('sha256').update(compiler).update(flags.join(' '));
  for (const file of [main, ...files]) hash.update(`${file}\0`).update(readFileSync(file));
  const name = join(cache, 'convert-driver');
  const driver = `${name}-${hash.digest('hex').slice(0, 32)}`;
  const paths = ['include', 'syscalls'].map((name) => `-I${join(root, 'wasm-core', name)}`);
  const sources = files.filter((file) => file.endsWith('.c'));
  mkdirSync(cache, { recursive: true });
  const script = '[ -e "$0" ] || { rm -f "$1"-*; shift; cc "$@" -o "$0.new" && mv "$0.new" "$0"; }';
  const build = ['sh', '-c', script, driver, name, ...flags, ...paths, main, ...sources];
  execFileSync('flock', [join(cache, 'lock'), ...build], { stdio: 'pipe' });
  return driver;
}

export function buildDriver(): Driver {
  const folder = mkdtempSync(join(tmpdir(), 'wasbox-convert-'));
  const driver = compiledDriver();
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

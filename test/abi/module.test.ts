import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import wabt from 'wabt';

const module = new URL('../../dist/wasbox-core.wasm', import.meta.url);
const header = new URL('../../wasm-core/include/wasbox_core.h', import.meta.url);

let bytes: Buffer;
let text: string;

type Features = Parameters<Awaited<ReturnType<typeof wabt>>['readWasm']>[1];

/** The features that every engine of the last years has; everything that comes later is off. */
const declared = {
  mutable_globals: true,
  sat_float_to_int: true,
  sign_extension: true,
  multi_value: true,
  bulk_memory: true,
  reference_types: true,
  simd: false,
  threads: false,
  exceptions: false,
  tail_call: false,
  gc: false,
  memory64: false,
  extended_const: false,
  relaxed_simd: false,
};

async function read(features: object, source: Uint8Array): Promise<string> {
  const tools = await wabt();
  const parsed = tools.readWasm(source, { check: true, ...features } as Features);
  try {
    parsed.validate();
    return parsed.toText({ foldExprs: false, inlineExport: false });
  } finally {
    parsed.destroy();
  }
}

beforeAll(async () => {
  bytes = readFileSync(module);
  text = await read(declared, bytes);
});

describe('the module', () => {
  it('imports three calls of WASI, for includes, and nothing else', () => {
    const imports = [...text.matchAll(/\(import "([^"]+)" "([^"]+)"/g)].map(
      (m) => `${m[1]}.${m[2]}`,
    );
    expect(imports.sort()).toEqual(
      ['fd_close', 'fd_read', 'path_open'].map((name) => `wasi_snapshot_preview1.${name}`),
    );
  });

  it('exports what the header declares, its memory and the reactor start', () => {
    const exports = [...text.matchAll(/\(export "([^"]+)" \((\w+)/g)].map((m) => `${m[2]} ${m[1]}`);
    const names = [...readFileSync(header, 'utf8').matchAll(/WB_EXPORT\((wb_\w+)\)/g)].map(
      (m) => `func ${m[1]}`,
    );
    expect(names.length).toBeGreaterThan(15);
    expect(exports.sort()).toEqual([...names, 'func _initialize', 'memory memory'].sort());
  });

  it('needs no feature beyond the declared ones, and the check would notice', async () => {
    const simd = new Uint8Array([
      ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 5, 1, 0x60, 0, 1, 0x7b, 3, 2, 1, 0],
      ...[10, 22, 1, 20, 0, 0xfd, 12, ...Array.from({ length: 16 }, () => 0), 11],
    ]);
    await expect(read(declared, simd)).rejects.toThrow();
    await expect(read({ ...declared, simd: true }, simd)).resolves.toContain('v128');
  });

  it('fits into 64 KB, compressed', () => {
    expect(gzipSync(bytes, { level: 9 }).length).toBeLessThanOrEqual(64 * 1024);
  });

  it('holds no path of the machine that built it', () => {
    expect(bytes.toString('latin1')).not.toMatch(/\/(home|work|tmp|root|Users)\//);
  });
});

/**
 * The core's tables of calls and constants for this machine, with which records are
 * decoded. Asking the core for each name takes longer than a short run, so they are written out when the
 * package is built (src/build.mjs); a test holds the shipped ones to the core's.
 */
import { readFileSync } from 'node:fs';
import { installedFile } from '../../host/index.js';
import type { Architecture, ListedCall, ListedConstant } from '../../policy/index.js';

export interface Tables {
  /** Calls by number. */
  readonly calls: ReadonlyMap<number, ListedCall>;
  /** Constants by the name of their set. */
  readonly constants: ReadonlyMap<string, readonly ListedConstant[]>;
}

/** The tables as they are shipped: JSON has no bigint. */
interface ShippedTables {
  readonly calls: readonly ListedCall[];
  readonly constants: readonly (readonly [
    set: string,
    (readonly [name: string, value: string])[],
  ])[];
}

const loaded = new Map<Architecture, Promise<Tables>>();

/** The tables of an architecture; read once and never changed. */
export function loadTables(arch: Architecture): Promise<Tables> {
  const known = loaded.get(arch);
  if (known !== undefined) return known;
  const tables = load(arch);
  loaded.set(arch, tables);
  tables.catch(() => loaded.delete(arch));
  return tables;
}

async function load(arch: Architecture): Promise<Tables> {
  return shippedTables(arch) ?? (await coreTables(arch));
}

/** @internal */
export async function coreTables(arch: Architecture): Promise<Tables> {
  const { init, listCalls, listConstants } = await import('../../policy/index.js');
  await init();
  return {
    calls: new Map(listCalls(arch).map((call) => [call.number, call])),
    constants: listConstants(arch),
  };
}

/**
 * The tables that came with the package: beside the bundle, or in dist/ when the sources run.
 * @internal
 */
export function shippedTables(arch: Architecture): Tables | undefined {
  const path = installedFile(`tables/${arch}.json`);
  if (path === undefined) return undefined;
  const { calls, constants } = JSON.parse(readFileSync(path, 'utf8')) as ShippedTables;
  return {
    calls: new Map(calls.map((call) => [call.number, call])),
    constants: new Map(
      constants.map(([set, members]) => [
        set,
        members.map(([name, value]) => ({ name, value: BigInt(value) })),
      ]),
    ),
  };
}

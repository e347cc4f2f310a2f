/**
 * The options of a run as a profile stores them, narrowed to what was used: a mounted directory
 * becomes those below it that were read, and the network is off if it was not used.
 */
import { resolve } from 'node:path';
import type { AuditRecords } from '../native/index.js';
import { type OptionEntry, runOptionTable } from '../options/index.js';
import { absoluteMapping, readOnly } from './places.js';
import type { ProfileValue, ProfileValues } from './profile-text.js';

const rows: readonly OptionEntry[] = runOptionTable;
const decoder = new TextDecoder('utf-8', { fatal: true });

/** Existing paths that were used; a profile cannot hold those that are not text. */
export function usedPaths(audit: AuditRecords): string[] {
  return audit.actions
    .filter(({ isAddress, error }) => !isAddress && error === undefined)
    .flatMap(({ target }) => {
      try {
        const path = decoder.decode(target);
        return /[\p{Cc}\p{Cf}]/u.test(path) ? [] : [path];
      } catch {
        return [];
      }
    });
}

const usesNetwork = ({ actions }: AuditRecords): boolean =>
  actions.some(({ kind, isAddress, target }) => {
    if (!isAddress || kind === 'bind' || target.length < 4) return false;
    const family = (target[0] ?? 0) | ((target[1] ?? 0) << 8);
    if (family === 2) return target[4] !== 127;
    return family === 10;
  });

/** @param options as given */
export function learnedValues(
  options: Readonly<Record<string, unknown>>,
  audit: AuditRecords,
): ProfileValues {
  const used = usedPaths(audit);
  const found: Record<string, ProfileValue> = {};
  for (const { profileKey: key, property, kind } of rows) {
    const value = options[property];
    if (key === undefined || value === undefined || key === 'policy' || key === 'allow') continue;
    if (key === 'files.read-only') {
      const places = readOnly(value as readonly unknown[], used);
      if (places !== undefined) found[key] = places;
    } else if (kind === 'duration') found[key] = { value: `${Number(value)}ms` };
    else if (kind === 'mapping') {
      found[key] = { value: (value as readonly unknown[]).map(String).map(absoluteMapping) };
    } else if (kind === 'path') {
      const list = (value as readonly unknown[]).map(String);
      found[key] = { value: list.map((one) => (one.startsWith('**') ? one : resolve(one))) };
    } else found[key] = { value: value as ProfileValue['value'] };
  }
  const net = options.net ?? 'none';
  const network = net !== 'none' && usesNetwork(audit);
  const why = network
    ? 'as given: the program used addresses beyond loopback'
    : 'no address beyond loopback was used';
  found.net = { value: network ? (net as string) : 'none', comments: [why] };
  return found;
}

/** Adds those of an earlier run: lists are joined, and the network stays on. */
export function joinValues(
  before: Readonly<Record<string, unknown>>,
  after: ProfileValues,
): ProfileValues {
  const joined: Record<string, ProfileValue> = { ...after };
  for (const [key, value] of flat(before, '')) {
    const now = joined[key];
    if (Array.isArray(value)) {
      const list = (now?.value ?? []) as readonly string[];
      const more = value.map(String).filter((item) => !list.includes(item));
      joined[key] = {
        value: [...list, ...more],
        comments: [
          ...list.map((_, i) => now?.comments?.[i] ?? 'used'),
          ...more.map(() => 'by an earlier run'),
        ],
      };
    } else if (key === 'net' ? value !== 'none' && now?.value === 'none' : now === undefined) {
      joined[key] = { value: value as ProfileValue['value'], comments: ['by an earlier run'] };
    }
  }
  return joined;
}

function* flat(
  table: Readonly<Record<string, unknown>>,
  prefix: string,
): Generator<[string, unknown]> {
  for (const [name, value] of Object.entries(table)) {
    const key = prefix + name;
    const nested = typeof value === 'object' && value !== null && !Array.isArray(value);
    if (nested && key !== 'env') yield* flat(value as Record<string, unknown>, `${key}.`);
    else yield [key, value];
  }
}

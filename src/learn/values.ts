/**
 * Stage: learn. The options of a run as a profile keeps them, narrowed to what was used: a directory
 * that was shown becomes those below it that were read, and the network is off where nobody used it.
 */
import { dirname, resolve } from 'node:path';
import { type AuditRecords, foldPaths } from '../report/index.js';
import { isWithin, type OptionEntry, runOptionTable, type SandboxSpec } from '../spec/index.js';
import type { ProfileValue, ProfileValues } from './profile-text.js';

const rows: readonly OptionEntry[] = runOptionTable;
/** Directories that a shown one becomes, at most. */
const placeLimit = 8;

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Paths that were used and were there; those that are no text are nothing for a profile. */
function usedPaths(audit: AuditRecords): string[] {
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

interface Place {
  readonly path: string;
  readonly why: string;
}

/** The directories below `shown` that hold what was used of it. */
function narrowed(shown: string, used: readonly string[]): Place[] {
  const below = used.filter((path) => path !== shown && isWithin(path, shown));
  if (below.length === 0) return [];
  const places = new Map<string, number>();
  for (const { path, directory, files } of foldPaths(below, placeLimit)) {
    const holder = directory || path === shown ? path : dirname(path);
    const place = isWithin(holder, shown) ? holder : shown;
    places.set(place, (places.get(place) ?? 0) + files);
  }
  const kept = [...places.keys()].filter(
    (place) => ![...places.keys()].some((other) => other !== place && isWithin(place, other)),
  );
  return kept.map((path) => {
    const count = [...places].reduce((sum, [at, n]) => (isWithin(at, path) ? sum + n : sum), 0);
    return { path, why: `${count} file${count === 1 ? '' : 's'} used` };
  });
}

function readOnly(list: readonly unknown[], used: readonly string[]): ProfileValue | undefined {
  const places = list.flatMap((mapping): Place[] => {
    const text = typeof mapping === 'string' ? mapping : '';
    // Shown in another place: what was used there is not told back to where it came from.
    if (text.includes(':') || text === '') return [{ path: text, why: 'as it was given' }];
    const path = resolve(text);
    const inside = narrowed(path, used);
    if (inside.length > 0) return inside;
    return used.includes(path) ? [{ path, why: 'used itself' }] : [];
  });
  if (places.length === 0) return undefined;
  return { value: places.map(({ path }) => path), comments: places.map(({ why }) => why) };
}

const usesNetwork = ({ actions }: AuditRecords): boolean =>
  actions.some(({ kind, isAddress, target }) => {
    if (!isAddress || kind === 'bind' || target.length < 4) return false;
    const family = (target[0] ?? 0) | ((target[1] ?? 0) << 8);
    if (family === 2) return target[4] !== 127;
    return family === 10;
  });

/** @param options as they were given */
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
    else if (kind === 'mapping' || kind === 'path') {
      const list = value as readonly unknown[];
      found[key] = {
        value: list.map((one) => {
          const text = String(one);
          return text.startsWith('/') || text.startsWith('**') ? text : resolve(text);
        }),
      };
    } else found[key] = { value: value as ProfileValue['value'] };
  }
  const net = options.net ?? 'none';
  const network = net !== 'none' && usesNetwork(audit);
  const why = network
    ? 'addresses beyond loopback were used'
    : 'no address beyond loopback was used';
  found.net = { value: network ? (net as string) : 'none', comments: [why] };
  return found;
}

/** Those of an earlier run as well: lists are joined, and the network stays on. */
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

/** What a person should know before relying on it. */
export function remarksOn(
  kinds: number,
  policy: { readonly allowed: number; readonly base: number },
  spec: Pick<SandboxSpec, 'policy'>,
): string[] {
  const share = Math.round((policy.allowed / Math.max(policy.base, 1)) * 100);
  if (share >= 75) {
    return [
      `It allows ${share} % of what the policy ${spec.policy.name} allows: nearly everything. A profile of smaller parts would say more.`,
    ];
  }
  if (kinds < 20) {
    return [
      `Only ${kinds} kinds of calls were seen: the program did nearly nothing, and so may its profile.`,
    ];
  }
  return [];
}

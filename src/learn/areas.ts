/** What a program was about, beyond the single calls: see the table of areas. */
import type { AuditRecords } from '../report/index.js';
import { type Area, areas } from './features.js';
import type { Seen } from './seen.js';

const writes: ReadonlySet<string> = new Set(['write', 'create', 'delete', 'rename', 'directory']);

/** A path of /dev is a device or the terminal, and written to by programs that write no files. */
function isFile(target: Uint8Array): boolean {
  return !Buffer.from(target).toString('latin1').startsWith('/dev/');
}

/** Areas that an audit shows other than by a call's name. */
export function areasOf({ actions, processes }: AuditRecords): Area['name'][] {
  const found: Area['name'][] = [];
  const wrote = ({ kind, refused, target }: AuditRecords['actions'][number]) =>
    !refused && writes.has(kind) && isFile(target);
  if (actions.some(wrote)) found.push('writing');
  if (processes.length > 1) found.push('processes');
  if (processes.some(({ threads }) => threads > 1)) found.push('threads');
  return found;
}

/** All areas of what was seen, and those that belong to them. */
export function shownAreas(seen: Seen): Area[] {
  const found = new Set<string>(
    areas.flatMap(({ name, shownBy }) =>
      seen.areas.includes(name) || shownBy.some((call) => Object.hasOwn(seen.calls, call))
        ? name
        : [],
    ),
  );
  // A set that grows while it is walked: what is included includes more.
  for (const name of found) {
    for (const more of areas.find((area) => area.name === name)?.includes ?? []) found.add(more);
  }
  return areas.filter(({ name }) => found.has(name));
}

/** Values of arguments, those that go with an area included. */
export function valuesOf(seen: Seen, key: string): readonly string[] {
  const more = shownAreas(seen).flatMap(({ values }) => values?.[key] ?? []);
  return [...new Set([...(seen.values[key] ?? []), ...more])];
}

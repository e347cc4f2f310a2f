/** The supervisor's tables of an audit (records.h), decoded: numbers become names. */
import type { Architecture } from '../../policy/index.js';
import type { Native } from '../types.js';
import type { AuditActionKind, AuditRecords } from './audit-records.js';
import type { NativeAudit, NativeOutcome } from './outcome.js';
import {
  auditCountLayout,
  auditCountSize,
  auditEntryLayout,
  auditEntrySize,
  auditProcessLayout,
  auditProcessSize,
  auditTotalsLayout,
  auditValueLayout,
  auditValueSize,
  WB_AUDIT_ADDRESS,
  WB_AUDIT_CUT,
  WB_AUDIT_DEVICE,
  WB_AUDIT_REFUSED,
  WB_AUDIT_UNPROBED,
} from './records.generated.js';
import { namedArguments } from './refusals.js';
import { part, readRows, readStruct } from './struct.js';
import { loadTables, type Tables } from './tables.js';

/** Kinds by WB_AUDIT_READ and what follows it. */
const kinds: readonly AuditActionKind[] = [
  'read',
  'write',
  'create',
  'delete',
  'rename',
  'directory',
  'link',
  'symlink',
  'attributes',
  'look',
  'execute',
  'connect',
  'bind',
  'send',
];

const noArguments = { arg0: 0n, arg1: 0n, arg2: 0n, arg3: 0n, arg4: 0n, arg5: 0n };

/** The place that a structure names by 1 + index, 0 being none. */
const placeOf = (value: number): number | undefined => (value === 0 ? undefined : value - 1);

function decode(
  native: Pick<Native, 'errnoName'>,
  audit: NativeAudit,
  tables: Tables,
): Omit<AuditRecords, 'watched' | 'reason'> {
  const { calls } = tables;
  const nameOf = (nr: number): string => calls.get(nr)?.name ?? `call ${nr}`;
  const totals = readStruct(audit.totals, auditTotalsLayout);
  return {
    startedNs: Number(totals.startedNs),
    totalCalls: Number(totals.calls),
    calls: readRows(audit.counts, auditCountLayout, auditCountSize)
      .map(({ fields: { count, refused } }, nr) => ({
        call: nameOf(nr),
        count: Number(count),
        refused: Number(refused),
      }))
      .filter(({ count }) => count > 0)
      .sort((a, b) => b.count - a.count),
    processes: readRows(audit.processes, auditProcessLayout, auditProcessSize).map(
      ({ fields: row }) => ({
        pid: row.inside,
        parent: placeOf(row.parent),
        threads: row.threads,
        calls: Number(row.calls),
        startedNs: Number(row.startedNs),
        endedNs: row.ended === 0 ? undefined : Number(row.endedNs),
        exitCode: row.ended === 0 ? undefined : row.status,
        maxRssBytes: Number(row.maxRssKib) * 1024,
        readBytes: Number(row.readBytes),
        writtenBytes: Number(row.writtenBytes),
      }),
    ),
    actions: readRows(audit.entries, auditEntryLayout, auditEntrySize).map(({ fields: row }) => {
      const { error: errno, flags } = row;
      const text = part(audit.texts, row.text, row.size);
      return {
        kind: kinds[row.kind - 1] ?? 'look',
        call: nameOf(row.nr),
        process: placeOf(row.process),
        error: errno === 0 ? undefined : native.errnoName(errno).code,
        refused: (flags & WB_AUDIT_REFUSED) !== 0,
        device: (flags & WB_AUDIT_DEVICE) !== 0,
        unprobed: (flags & WB_AUDIT_UNPROBED) !== 0,
        truncated: (flags & WB_AUDIT_CUT) !== 0,
        isAddress: (flags & WB_AUDIT_ADDRESS) !== 0,
        target: part(text, 0, row.first),
        rest: text.subarray(row.first),
        count: Number(row.count),
        firstNs: Number(row.firstNs),
        lastNs: Number(row.lastNs),
      };
    }),
    values: readRows(audit.values, auditValueLayout, auditValueSize).map(({ fields: row }) => {
      const record = { ...noArguments, [`arg${row.argument}`]: row.value };
      const call = calls.get(row.nr);
      const [named] = Object.entries(
        namedArguments(record, call, tables, 1n << BigInt(row.argument)),
      );
      return {
        call: nameOf(row.nr),
        argument: named?.[0] ?? `arg${row.argument}`,
        value: named?.[1] ?? row.value.toString(),
        count: Number(row.count),
      };
    }),
    dropped: {
      actions: Number(totals.droppedEntries),
      processes: Number(totals.droppedProcesses),
      values: Number(totals.droppedValues),
      unread: Number(totals.unread),
    },
  };
}

/** Decodes what the supervisor recorded; undefined where no audit was asked for. */
export async function readAudit(
  native: Pick<Native, 'errnoName'>,
  arch: Architecture,
  { audit, watched, watchErrno }: NativeOutcome,
): Promise<AuditRecords | undefined> {
  if (audit === undefined) return undefined;
  const reason = watchErrno === 0 ? undefined : native.errnoName(watchErrno).code;
  return { watched, reason, ...decode(native, audit, await loadTables(arch)) };
}

/** The supervisor's tables of an audit (wire.h), decoded: numbers become names. */
import {
  auditCountLayout,
  auditCountSize,
  auditEntryLayout,
  auditEntrySize,
  auditProcessLayout,
  auditProcessSize,
  auditTotalsLayout,
  auditTotalsSize,
  auditValueLayout,
  auditValueSize,
  type Layout,
  WB_AUDIT_ADDRESS,
  WB_AUDIT_CUT,
  WB_AUDIT_DEVICE,
  WB_AUDIT_REFUSED,
  WB_AUDIT_UNPROBED,
} from '../../plan/index.js';
import type { Architecture } from '../../policy/index.js';
import type { AuditActionKind, AuditRecords } from '../../report/index.js';
import type { Native, NativeAudit, NativeOutcome } from '../types.js';
import { namedArguments, readFields } from './refusals.js';
import { loadTables, type Tables } from './tables.js';

/** By WB_AUDIT_READ and what follows it. */
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

/** The structures of a table, one after the other. */
function readRows<L extends Layout>(bytes: Uint8Array, layout: L, size: number) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = Math.floor(bytes.length / size);
  return Array.from({ length: count }, (_, i) => readFields(view, i * size, layout));
}

const noArguments = { arg0: 0n, arg1: 0n, arg2: 0n, arg3: 0n, arg4: 0n, arg5: 0n };

/** The place that a structure names by 1 + index, 0 being none. */
const placeOf = (value: bigint): number | undefined =>
  value === 0n ? undefined : Number(value) - 1;

function decode(
  native: Pick<Native, 'errnoName'>,
  audit: NativeAudit,
  tables: Tables,
): Omit<AuditRecords, 'watched' | 'reason'> {
  const { calls } = tables;
  const nameOf = (nr: bigint | number): string => calls.get(Number(nr))?.name ?? `call ${nr}`;
  const [totals] = readRows(audit.totals, auditTotalsLayout, auditTotalsSize);
  return {
    totalCalls: Number(totals?.calls ?? 0n),
    calls: readRows(audit.counts, auditCountLayout, auditCountSize)
      .map(({ count, refused }, nr) => ({
        call: nameOf(nr),
        count: Number(count),
        refused: Number(refused),
      }))
      .filter(({ count }) => count > 0)
      .sort((a, b) => b.count - a.count),
    processes: readRows(audit.processes, auditProcessLayout, auditProcessSize).map((row) => ({
      pid: Number(row.inside),
      parent: placeOf(row.parent),
      threads: Number(row.threads),
      calls: Number(row.calls),
      startedNs: Number(row.startedNs),
      endedNs: row.ended === 0n ? undefined : Number(row.endedNs),
      exitCode: row.ended === 0n ? undefined : Number(row.status),
      maxRssBytes: Number(row.maxRssKib) * 1024,
      readBytes: Number(row.readBytes),
      writtenBytes: Number(row.writtenBytes),
    })),
    actions: readRows(audit.entries, auditEntryLayout, auditEntrySize).map((row) => {
      const [from, flags] = [Number(row.text), Number(row.flags)];
      const errno = Number(row.error);
      return {
        kind: kinds[Number(row.kind) - 1] ?? 'look',
        call: nameOf(row.nr),
        process: placeOf(row.process),
        error: errno === 0 ? undefined : native.errnoName(errno).code,
        refused: (flags & WB_AUDIT_REFUSED) !== 0,
        device: (flags & WB_AUDIT_DEVICE) !== 0,
        unprobed: (flags & WB_AUDIT_UNPROBED) !== 0,
        truncated: (flags & WB_AUDIT_CUT) !== 0,
        isAddress: (flags & WB_AUDIT_ADDRESS) !== 0,
        target: audit.texts.subarray(from, from + Number(row.first)),
        rest: audit.texts.subarray(from + Number(row.first), from + Number(row.size)),
        count: Number(row.count),
        firstNs: Number(row.firstNs),
        lastNs: Number(row.lastNs),
      };
    }),
    values: readRows(audit.values, auditValueLayout, auditValueSize).map((row) => {
      const record = { ...noArguments, [`arg${row.argument}`]: row.value };
      const call = calls.get(Number(row.nr));
      const [named] = Object.entries(namedArguments(record, call, tables, 1n << row.argument));
      return {
        call: nameOf(row.nr),
        argument: named?.[0] ?? `arg${row.argument}`,
        value: named?.[1] ?? row.value.toString(),
        count: Number(row.count),
      };
    }),
    dropped: {
      actions: Number(totals?.droppedEntries ?? 0n),
      processes: Number(totals?.droppedProcesses ?? 0n),
      values: Number(totals?.droppedValues ?? 0n),
      unread: Number(totals?.unread ?? 0n),
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

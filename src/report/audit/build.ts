/** Makes the report's part from the records of an audit: escaped, in milliseconds, sorted. */
import {
  type AuditActionRecord,
  type AuditProcessRecord,
  type AuditRecords,
  readAddress,
} from '../../native/index.js';
import { uncountedCalls } from '../../plan/index.js';
import { displayPath } from '../../text/index.js';
import type {
  AuditAddress,
  AuditExecution,
  AuditFile,
  AuditProcess,
  ReportAudit,
} from './types.js';

const milliseconds = (ns: number): number => Math.round(ns / 1e3) / 1e3;

/** Each argument follows a zero byte. */
export function argumentsOf({ rest }: AuditActionRecord): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let at = 0; at < rest.length; ) {
    const end = rest.indexOf(0, at + 1);
    found.push(rest.subarray(at + 1, end < 0 ? rest.length : end));
    at = end < 0 ? rest.length : end;
  }
  return found;
}

const isSocketAction = (kind: AuditActionRecord['kind']): kind is AuditAddress['action'] =>
  kind === 'connect' || kind === 'bind' || kind === 'send';

function shared(action: AuditActionRecord) {
  return {
    call: action.call,
    count: action.count,
    firstMs: milliseconds(action.firstNs),
    lastMs: milliseconds(action.lastNs),
    process: action.process,
    error: action.error,
  };
}

function execution(action: AuditActionRecord): AuditExecution {
  return {
    atMs: milliseconds(action.firstNs),
    path: displayPath(action.target),
    argv: argumentsOf(action).map(displayPath),
    truncated: action.truncated,
  };
}

/**
 * Returns what each process read and wrote itself. The kernel adds the numbers of children that a process
 * waited for, so a sum would count each of them once per ancestor.
 */
function withoutChildren(processes: readonly AuditProcessRecord[]): AuditProcessRecord[] {
  const own = processes.map((record) => ({ ...record }));
  for (const { parent, endedNs, readBytes, writtenBytes } of processes) {
    const above = parent === undefined ? undefined : own[parent];
    if (above?.endedNs === undefined || endedNs === undefined || endedNs > above.endedNs) continue;
    above.readBytes = Math.max(0, above.readBytes - readBytes);
    above.writtenBytes = Math.max(0, above.writtenBytes - writtenBytes);
  }
  return own;
}

function processOf(
  record: AuditProcessRecord,
  index: number,
  actions: readonly AuditActionRecord[],
): AuditProcess {
  const { endedNs } = record;
  return {
    pid: record.pid,
    parent: record.parent,
    startedMs: milliseconds(record.startedNs),
    threads: record.threads,
    calls: record.calls,
    ...(endedNs === undefined
      ? {}
      : {
          endedMs: milliseconds(endedNs),
          exitCode: record.exitCode,
          maxRssBytes: record.maxRssBytes,
          readBytes: record.readBytes,
          writtenBytes: record.writtenBytes,
        }),
    executed: actions
      .filter((action) => action.process === index && action.error === undefined)
      .map(execution),
  };
}

function fileOf(action: AuditActionRecord): AuditFile {
  const { kind, target, rest, refused } = action;
  const two = kind === 'rename' || kind === 'link' || kind === 'symlink';
  return {
    action: kind as AuditFile['action'],
    path: `${displayPath(target)}${action.truncated && kind !== 'execute' ? '…' : ''}`,
    ...(two ? { to: displayPath(rest) } : {}),
    ...shared(action),
    ...(refused ? { refused } : {}),
  };
}

/** Things that cause no notification. */
const uncounted = [
  ...uncountedCalls,
  'time and processor number, which libc reads without a system call (vDSO)',
  'calls that the policy answers with ENOSYS',
  'reads and writes of mapped memory',
  'bytes that a killed process read and wrote, if no other process waited for it',
];

export function reportAudit(records: AuditRecords): ReportAudit {
  const { watched, reason, actions } = records;
  const processes = withoutChildren(records.processes);
  const executions = actions.filter(({ kind }) => kind === 'execute');
  const ended = processes.map((record, i) => processOf(record, i, executions));
  return {
    schemaVersion: 1,
    watched: watched ? 'all' : 'none',
    ...(reason === undefined ? {} : { reason }),
    totalCalls: records.totalCalls,
    calls: records.calls,
    values: records.values,
    processes: ended,
    files: actions.filter(({ kind }) => !isSocketAction(kind)).map(fileOf),
    addresses: actions
      .filter(({ kind }) => isSocketAction(kind))
      .map((action) => ({
        action: action.kind as AuditAddress['action'],
        address: readAddress(action.target).text,
        ...shared(action),
      })),
    usage: {
      readBytes: processes.reduce((sum, { readBytes }) => sum + readBytes, 0),
      writtenBytes: processes.reduce((sum, { writtenBytes }) => sum + writtenBytes, 0),
    },
    dropped: records.dropped,
    uncounted,
  };
}

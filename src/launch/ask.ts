/**
 * The decisions of a run: the supervisor's questions go to the program or the user, and the
 * answers back.
 */
import {
  type Ask,
  type AskedRecord,
  type AskedRecords,
  AskSession,
  type Remembered,
} from '../ask/index.js';
import {
  allowableCalls,
  loadTables,
  type NativeAsk,
  type NativeSandbox,
  readQuestion,
  WB_DECISION_ALLOW,
  WB_DECISION_DENY,
} from '../native/index.js';
import { ownArchitecture } from '../plan/index.js';
import type { SandboxSpec } from '../resolve/index.js';
import type { SandboxOptions } from './options.js';

/** Says who decides, and for how long a question may stay open. */
export interface Asking {
  /** The function that is asked, or why no user can be asked: then everything that would be asked is denied. */
  readonly ask: Ask | string;
  /** Milliseconds; 0 without a limit. */
  readonly timeoutMs: number;
  /** True if it is shown at the terminal that the payload's own is relayed to. @default false */
  readonly terminal?: boolean | undefined;
  /** Returns whether questions are passed on now; until then all is denied, and nothing kept of it. @default always */
  readonly isOpen?: (() => boolean) | undefined;
  /** Answers of the sandboxes before it, of a session; this one's are added. @default none */
  readonly remembered?: Remembered | undefined;
  /** Called with each decision. */
  readonly onDecided?: ((record: Omit<AskedRecord, 'count'>) => void) | undefined;
}

export interface OpenAsking {
  readonly request: NativeAsk;
  /** Attaches a sandbox, before the first question can come. */
  attach(sandbox: NativeSandbox): void;
  records(): AskedRecords;
}

const SIGKILL = 9;
const defaultAskTimeoutMs = 60_000;

/** Returns the asking that the options of the library say, which have been checked. */
export function askingOf({
  ask,
  askTimeoutMs: timeoutMs = defaultAskTimeoutMs,
}: Pick<SandboxOptions, 'ask' | 'askTimeoutMs'>): (Asking & { readonly ask: Ask }) | undefined {
  return ask && { ask, timeoutMs: Number.isFinite(timeoutMs) ? timeoutMs : 0 };
}

/** Says which run asks, and what it can never be granted. */
export interface AskingRun {
  readonly spec: SandboxSpec;
  /** Directories of the host of which nothing is ever granted. */
  readonly hidden: readonly string[];
}

export async function openAsking(
  { ask, timeoutMs, terminal = false, isOpen = () => true, remembered, onDecided }: Asking,
  { spec, hidden }: AskingRun,
): Promise<OpenAsking> {
  const tables = await loadTables(ownArchitecture());
  let sandbox: NativeSandbox | undefined;
  const session = new AskSession({
    ask,
    answer: (id, allow) => sandbox?.answer(id, allow ? WB_DECISION_ALLOW : WB_DECISION_DENY),
    stop: () => sandbox?.signal(SIGKILL),
    remembered,
    onDecided,
  });
  const onQuestion = (id: number, bytes: Uint8Array | undefined, late: boolean): void => {
    if (bytes === undefined) {
      session.withdraw(id, late ? 'timeout' : 'withdrawn');
      return;
    }
    const question = readQuestion(bytes, tables, hidden);
    if (question === undefined || !isOpen()) {
      sandbox?.answer(id, WB_DECISION_DENY);
      return;
    }
    session.put(question);
  };
  return {
    request: {
      timeoutMs,
      terminal,
      files: true,
      network: spec.net === 'rules',
      calls: allowableCalls(tables),
      ...(spec.identity.privileged
        ? { uid: spec.identity.hostUid, gid: spec.identity.hostGid }
        : {}),
      onQuestion,
    },
    attach: (started) => {
      sandbox = started;
    },
    records: () => session.records(),
  };
}

import type { ChildProcess } from 'node:child_process';
import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';

export class Server {
  constructor(directory: string);
  readonly socket: string;
  start(): Promise<void>;
  stop(signal?: NodeJS.Signals): Promise<void>;
  restart(): Promise<void>;
}

export class Workers {
  constructor(options: { readonly args: readonly string[]; readonly count: number });
  readonly kills: number;
  readonly errors: string;
  readonly running: readonly ChildProcess[];
  kill(): Promise<void>;
  end(): Promise<(number | null)[]>;
}

export function recordedEnds(client: Redis, queue: string): Promise<Map<string, string[]>>;

export function drained(
  queue: Queue,
  options?: {
    readonly everyMs?: number;
    readonly stallMs?: number;
    readonly onCount?: (counts: Readonly<Record<string, number>>) => void;
  },
): Promise<void>;

export const hostile: readonly Readonly<Record<string, unknown>>[];

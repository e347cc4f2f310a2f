/** Sends the output of a running job as its progress: in pieces, not too often, and not without bound. */
import { StringDecoder } from 'node:string_decoder';
import type { JobProgress, OutputPiece } from './job.js';

/** Milliseconds between two updates. */
const intervalMs = 250;
/** Bytes of output in one update. */
const maxPieceBytes = 32 * 1024;

export interface StreamOptions {
  readonly attempt: number;
  readonly encoding: 'utf8' | 'base64';
  /** True if the output itself is sent. */
  readonly pieces: boolean;
  /** Bytes of output that are sent of each stream. */
  readonly maxBytes: number;
  /** A failure to send is no failure of the job. */
  readonly send: (progress: JobProgress) => Promise<unknown>;
}

type Name = OutputPiece['stream'];

export class OutputStream {
  readonly #options: StreamOptions;
  readonly #bytes = { stdout: 0, stderr: 0 };
  readonly #decoders: Readonly<Record<Name, StringDecoder>>;
  #pieces: OutputPiece[] = [];
  #waiting = 0;
  #sequence = 0;
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<unknown> = Promise.resolve();
  #changed = false;

  constructor(options: StreamOptions) {
    this.#options = options;
    const decoder = () => new StringDecoder(options.encoding);
    this.#decoders = { stdout: decoder(), stderr: decoder() };
  }

  get stdoutBytes(): number {
    return this.#bytes.stdout;
  }

  get stderrBytes(): number {
    return this.#bytes.stderr;
  }

  /** Never waits: a queue server that is away must not stop a program, nor make its output pile up here. */
  readonly write = (stream: Name, chunk: Uint8Array): void => {
    const { pieces, maxBytes } = this.#options;
    const room = Math.min(maxBytes - this.#bytes[stream], maxPieceBytes - this.#waiting);
    this.#bytes[stream] += chunk.length;
    if (pieces && room > 0) {
      const part = Buffer.from(chunk.subarray(0, room));
      this.#waiting += part.length;
      const text = this.#decoders[stream].write(part);
      if (text !== '') this.#pieces.push({ stream, text });
    }
    this.#changed = true;
    this.#timer ??= setTimeout(() => this.#flush(), intervalMs);
  };

  #flush(): void {
    this.#timer = undefined;
    if (!this.#changed) return;
    this.#changed = false;
    this.#sequence += 1;
    const { attempt, send } = this.#options;
    const { stdout, stderr } = this.#bytes;
    const progress: JobProgress = {
      attempt,
      sequence: this.#sequence,
      stdoutBytes: stdout,
      stderrBytes: stderr,
      pieces: this.#pieces,
    };
    this.#pieces = [];
    this.#waiting = 0;
    this.#sending = Promise.all([this.#sending, send(progress)]).catch(() => undefined);
  }

  /** Sends the rest, where the job asks for output; progress alone is of no use once there is a result. */
  async end(): Promise<void> {
    clearTimeout(this.#timer);
    if (!this.#options.pieces) return;
    this.#flush();
    await this.#sending;
  }

  /** Stops without sending more. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#changed = false;
  }
}

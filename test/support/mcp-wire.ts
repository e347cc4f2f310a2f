/** `wasbox mcp`, spoken to line by line, without an SDK. */
import type { ChildProcess } from 'node:child_process';
import type { Identity } from './identity.js';
import { makeProject } from './project.js';
import { startWasbox } from './wasbox.js';

export interface Message {
  readonly jsonrpc: string;
  readonly id?: string | number | null;
  readonly method?: string;
  // biome-ignore lint/suspicious/noExplicitAny: what each request gets
  readonly params?: any;
  // biome-ignore lint/suspicious/noExplicitAny: what each request gets
  readonly result?: any;
  readonly error?: { readonly code: number; readonly message: string };
}

export const initialize = {
  protocolVersion: '2025-06-18',
  capabilities: {},
  clientInfo: { name: 'test', version: '1' },
};

export class Wire {
  readonly child: ChildProcess;
  /** Everything that came, line by line. */
  readonly lines: string[] = [];
  readonly closed: Promise<number | null>;
  readonly cwd: string;
  #rest = '';
  #waiting: (() => void)[] = [];

  constructor(as: Identity, args: readonly string[] = []) {
    const cwd = makeProject(as);
    this.cwd = cwd;
    const env = { XDG_STATE_HOME: `${cwd}.state` };
    this.child = startWasbox(['mcp', ...args], { as, cwd, env });
    this.child.stdin?.on('error', () => {}); // it may be gone
    this.child.stdout?.on('data', (chunk: Buffer) => {
      const all = (this.#rest + String(chunk)).split('\n');
      this.#rest = all.pop() ?? '';
      this.lines.push(...all);
      for (const wake of this.#waiting.splice(0)) wake();
    });
    this.closed = new Promise((resolve) => this.child.once('close', resolve));
  }

  get messages(): Message[] {
    return this.lines.map((line) => JSON.parse(line) as Message);
  }

  send(message: object): void {
    this.write({ jsonrpc: '2.0', ...message });
  }

  write(value: unknown): void {
    this.child.stdin?.write(`${JSON.stringify(value)}\n`);
  }

  async until(matches: (message: Message) => boolean): Promise<Message> {
    for (;;) {
      const found = this.messages.find(matches);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  ask(id: string | number, method: string, params?: object): Promise<Message> {
    this.send({ id, method, ...(params === undefined ? {} : { params }) });
    return this.answer(id);
  }

  answer(id: string | number): Promise<Message> {
    return this.until((one) => one.id === id && one.method === undefined);
  }

  call(id: string | number, name: string, args: object = {}, more: object = {}): Promise<Message> {
    return this.ask(id, 'tools/call', { name, arguments: args, ...more });
  }

  async begin(params: object = initialize): Promise<Message> {
    const answer = await this.ask('begin', 'initialize', params);
    this.send({ method: 'notifications/initialized' });
    return answer;
  }

  async end(): Promise<number | null> {
    this.child.stdin?.end();
    return this.closed;
  }
}

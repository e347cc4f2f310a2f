/**
 * What the Model Context Protocol (revision 2025-06-18) requires of a server on stdio that offers tools and
 * resources, spoken line by line without an SDK. Needs: user namespaces, overlayfs in them.
 */
import type { ChildProcess } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { ordinaryUser } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { startWasbox } from '../support/wasbox.js';

const as = ordinaryUser();

interface Message {
  readonly jsonrpc: string;
  readonly id?: string | number | null;
  readonly method?: string;
  // biome-ignore lint/suspicious/noExplicitAny: what each request gets
  readonly params?: any;
  // biome-ignore lint/suspicious/noExplicitAny: what each request gets
  readonly result?: any;
  readonly error?: { readonly code: number; readonly message: string };
}

const initialize = {
  protocolVersion: '2025-06-18',
  capabilities: {},
  clientInfo: { name: 'test', version: '1' },
};

class Wire {
  readonly child: ChildProcess;
  /** Everything that came, line by line. */
  readonly lines: string[] = [];
  readonly closed: Promise<number | null>;
  #rest = '';
  #waiting: (() => void)[] = [];

  constructor(args: readonly string[] = []) {
    const cwd = makeProject(as);
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
    this.child.stdin?.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
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
    return this.until((one) => one.id === id && one.method === undefined);
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

describe('lifecycle', () => {
  it('initialize is answered with a version, the capabilities and the server\u2019s name', async () => {
    const wire = new Wire();
    const { result } = await wire.begin();
    expect(result).toMatchObject({
      protocolVersion: '2025-06-18',
      capabilities: { tools: {}, resources: {} },
      serverInfo: { name: 'wasbox', version: expect.any(String) },
    });
    expect(await wire.end()).toBe(0);
  });

  it('a version that it does not know is answered with one that it does', async () => {
    const wire = new Wire();
    const { result } = await wire.begin({ ...initialize, protocolVersion: '1999-01-01' });
    expect(result.protocolVersion).toMatch(/^20\d\d-\d\d-\d\d$/);
    await wire.end();
  });

  it('it asks the client nothing before that is initialized, and ends when stdin is closed', async () => {
    const wire = new Wire();
    await wire.ask(1, 'initialize', initialize);
    await wire.ask(2, 'ping');
    expect(wire.messages.every(({ method }) => method === undefined)).toBe(true);
    expect(await wire.end()).toBe(0);
  });
});

describe('messages', () => {
  it('stdout has one message a line and nothing else, whatever programs write', async () => {
    const wire = new Wire();
    await wire.begin();
    const argv = ['printf', 'a\nb\r\nc\u2028d\u0085e'];
    const { result } = await wire.ask(1, 'tools/call', {
      name: 'run_command',
      arguments: { argv },
    });
    expect(result.structuredContent.stdout).toBe(argv[1]);
    await wire.end();
    expect(wire.lines.length).toBeGreaterThan(1);
    for (const message of wire.messages) expect(message.jsonrpc).toBe('2.0');
  });

  it('an answer has the request\u2019s id, and either a result or an error with a whole code', async () => {
    const wire = new Wire();
    await wire.begin();
    for (const id of [0, 7, 'text', '7']) {
      const { result, error } = await wire.ask(id, 'ping');
      expect([id, result, error]).toEqual([id, {}, undefined]);
    }
    const unknown = await wire.ask('no', 'no/such/method');
    expect(unknown.result).toBeUndefined();
    expect(unknown.error).toMatchObject({ code: -32_601, message: expect.any(String) });
    await wire.end();
  });

  it('a notification has no answer, also one that is not known', async () => {
    const wire = new Wire();
    await wire.begin();
    wire.send({ method: 'notifications/nonesuch' });
    wire.send({ method: 'notifications/cancelled', params: { requestId: 'never asked' } });
    await wire.ask('after', 'ping');
    expect(wire.messages.map(({ id }) => id)).toEqual(['begin', 'after']);
    await wire.end();
  });
});

describe('tools', () => {
  it('each has a name of its own, a description and an object as schema', async () => {
    const wire = new Wire();
    await wire.begin();
    const { result } = await wire.ask(1, 'tools/list');
    const names = result.tools.map(({ name }: { name: string }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { name, description, inputSchema } of result.tools) {
      expect(name).toMatch(/^[A-Za-z0-9_.-]{1,128}$/);
      expect([name, description.length > 10, inputSchema.type]).toEqual([name, true, 'object']);
    }
    await wire.end();
  });

  it('one with an output schema gives what that requires, and the same as text', async () => {
    const wire = new Wire();
    await wire.begin();
    const { result: list } = await wire.ask(1, 'tools/list');
    const tool = list.tools.find(({ name }: { name: string }) => name === 'run_command');
    const { result } = await wire.ask(2, 'tools/call', {
      name: 'run_command',
      arguments: { argv: ['true'] },
    });
    expect(tool.outputSchema.required.length).toBeGreaterThan(3);
    for (const field of tool.outputSchema.required) {
      expect([field, field in result.structuredContent]).toEqual([field, true]);
    }
    expect(JSON.parse(result.content[0].text)).toEqual(result.structuredContent);
    await wire.end();
  });

  it('a tool that is not known, and arguments that are wrong, are errors', async () => {
    const wire = new Wire();
    await wire.begin();
    const isError = ({ error, result }: Message): boolean =>
      error !== undefined || result.isError === true;
    for (const [id, params] of [
      ['unknown', { name: 'nonesuch', arguments: {} }],
      ['missing', { name: 'run_command', arguments: {} }],
      ['wrong', { name: 'run_command', arguments: { argv: 7 } }],
    ] as const) {
      expect([id, isError(await wire.ask(id, 'tools/call', params))]).toEqual([id, true]);
    }
    await wire.end();
  });

  it('nothing is asked of a client that did not say that it can be', async () => {
    const wire = new Wire(['--ask']);
    await wire.begin();
    const hidden = { name: 'run_command', arguments: { argv: ['cat', makeProject(as)] } };
    const denied = await wire.ask(0, 'tools/call', hidden);
    expect(denied.result.structuredContent.denied).toMatchObject([{ decided_by: 'nobody' }]);
    await wire.ask(1, 'tools/call', { name: 'write_file', arguments: { path: 'a', content: 'x' } });
    const { result } = await wire.ask(2, 'tools/call', { name: 'apply', arguments: {} });
    expect(result.isError).toBe(true);
    expect(wire.messages.filter(({ method }) => method !== undefined)).toEqual([]);
    await wire.end();
  });
});

describe('resources', () => {
  it('each has a URI and a name; what is read says which it is', async () => {
    const wire = new Wire();
    await wire.begin();
    const { result } = await wire.ask(1, 'resources/list');
    expect(result.resources.length).toBeGreaterThan(0);
    for (const { uri, name } of result.resources) {
      expect([new URL(uri).href, name.length > 0]).toEqual([uri, true]);
      const read = await wire.ask(uri, 'resources/read', { uri });
      expect(read.result.contents[0]).toMatchObject({ uri, text: expect.any(String) });
    }
    const missing = await wire.ask(2, 'resources/read', { uri: 'wasbox://nonesuch' });
    expect(missing.error?.code).toBeLessThan(0);
    await wire.end();
  });
});

describe('progress and cancellation', () => {
  const writes = `i=0; while [ $i -lt 30 ]; do echo line; sleep 0.1; i=$((i+1)); done`;

  it('progress is told with the token, and only grows; without one it is not told', async () => {
    const wire = new Wire();
    await wire.begin();
    const call = { name: 'run_command', arguments: { argv: ['sh', '-c', writes] } };
    await wire.ask(1, 'tools/call', call);
    expect(wire.messages.filter(({ method }) => method !== undefined)).toEqual([]);
    await wire.ask(2, 'tools/call', { ...call, _meta: { progressToken: 'p' } });
    const told = wire.messages.filter(({ method }) => method === 'notifications/progress');
    expect(told.length).toBeGreaterThan(0);
    expect(new Set(told.map(({ params }) => params.progressToken))).toEqual(new Set(['p']));
    const values = told.map(({ params }) => params.progress as number);
    expect(values).toEqual([...new Set(values)].sort((a, b) => a - b));
    await wire.end();
  });

  it('snapshots and forks are data, and one that is cancelled has no answer', async () => {
    const wire = new Wire();
    await wire.begin();
    const call = (id: string, name: string, args: object = {}) =>
      wire.ask(id, 'tools/call', { name, arguments: args });
    await call('write', 'write_file', { path: 'a', content: 'x' });
    wire.send({ id: 'gone', method: 'tools/call', params: { name: 'fork', arguments: {} } });
    wire.send({ method: 'notifications/cancelled', params: { requestId: 'gone' } });
    for (const [id, name, args, value] of [
      ['1', 'snapshot', {}, { snapshot: 's1' }],
      ['2', 'rollback', {}, { snapshot: 's1' }],
      ['3', 'fork', { snapshot: 's1' }, { sandbox: 'fork-1' }],
      ['4', 'discard_fork', { sandbox: 'fork-1' }, { discarded: 'fork-1' }],
    ] as const) {
      const { result } = await call(id, name, args);
      expect([name, result.structuredContent]).toEqual([name, value]);
      expect(JSON.parse(result.content[0].text)).toEqual(value);
    }
    expect(wire.messages.some(({ id }) => id === 'gone')).toBe(false);
    await wire.end();
  });

  it('a request that is cancelled ends its program and has no answer', async () => {
    const wire = new Wire();
    await wire.begin();
    const script = 'echo begun > mark; sleep 1000; echo ended > mark';
    const call = { name: 'run_command', arguments: { argv: ['sh', '-c', script] } };
    wire.send({ id: 'long', method: 'tools/call', params: call });
    const read = { name: 'read_file', arguments: { path: 'mark' } };
    for (let i = 0; ; i++) {
      const { result } = await wire.ask(`read-${i}`, 'tools/call', read);
      if (result.isError !== true && result.content[0].text !== '') break;
    }
    wire.send({ method: 'notifications/cancelled', params: { requestId: 'long' } });
    const pgrep = {
      name: 'run_code',
      arguments: { language: 'sh', code: 'grep -l "^sleep$" /proc/[0-9]*/comm' },
    };
    for (let i = 0; ; i++) {
      const { result } = await wire.ask(`look-${i}`, 'tools/call', pgrep);
      if (result.structuredContent.stdout === '') break;
    }
    expect(wire.messages.some(({ id }) => id === 'long')).toBe(false);
    await wire.end();
  });
});

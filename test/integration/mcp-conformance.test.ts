/**
 * Tests what the Model Context Protocol (revisions 2025-03-26 to 2025-11-25) requires of a server on stdio that offers
 * tools and resources, spoken line by line without an SDK. Needs: user namespaces, overlayfs in them.
 */
import { describe, expect, it } from 'vitest';
import { ordinaryUser } from '../support/identity.js';
import { initialize, Wire } from '../support/mcp-wire.js';

const as = ordinaryUser();

describe('lifecycle', () => {
  it('initialize is answered with a version, the capabilities and the server\u2019s name', async () => {
    const wire = new Wire(as);
    const { result } = await wire.begin();
    expect(result).toMatchObject({
      protocolVersion: '2025-06-18',
      capabilities: { tools: {}, resources: {} },
      serverInfo: { name: 'wasbox', version: expect.any(String) },
    });
    expect(await wire.end()).toBe(0);
  });

  it('a version that it knows is answered with the same version', async () => {
    const versions = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'];
    const answered = versions.map(async (protocolVersion) => {
      const wire = new Wire(as);
      const { result } = await wire.begin({ ...initialize, protocolVersion });
      await wire.end();
      return result.protocolVersion;
    });
    expect(await Promise.all(answered)).toEqual(versions);
  });

  it('methods that its capabilities do not name are not found', async () => {
    const wire = new Wire(as);
    const { result } = await wire.begin();
    expect(Object.keys(result.capabilities).sort()).toEqual(['resources', 'tools']);
    expect(result.capabilities.resources.subscribe).toBeUndefined();
    for (const [method, params] of [
      ['prompts/list', {}],
      ['logging/setLevel', { level: 'debug' }],
      ['completion/complete', { ref: { type: 'ref/prompt', name: 'a' }, argument: {} }],
      ['resources/subscribe', { uri: 'wasbox://diff' }],
      ['tasks/list', {}],
    ] as const) {
      expect([method, (await wire.ask(method, method, params)).error?.code]).toEqual([
        method,
        -32_601,
      ]);
    }
    await wire.end();
  });

  it('a version that it does not know is answered with one that it does', async () => {
    const wire = new Wire(as);
    const { result } = await wire.begin({ ...initialize, protocolVersion: '1999-01-01' });
    expect(result.protocolVersion).toMatch(/^20\d\d-\d\d-\d\d$/);
    await wire.end();
  });

  it('it asks the client nothing before that is initialized, and ends when stdin is closed', async () => {
    const wire = new Wire(as);
    await wire.ask(1, 'initialize', initialize);
    await wire.ask(2, 'ping');
    expect(wire.messages.every(({ method }) => method === undefined)).toBe(true);
    expect(await wire.end()).toBe(0);
  });
});

describe('messages', () => {
  it('stdout has one message a line and nothing else, whatever programs write', async () => {
    const wire = new Wire(as);
    await wire.begin();
    const argv = ['printf', 'a\nb\r\nc\u2028d\u0085e'];
    const { result } = await wire.ask(1, 'tools/call', {
      name: 'run_command',
      arguments: { argv },
    });
    expect(JSON.parse(result.content[0].text).stdout).toBe(argv[1]);
    await wire.end();
    expect(wire.lines.length).toBeGreaterThan(1);
    for (const message of wire.messages) expect(message.jsonrpc).toBe('2.0');
  });

  it('an answer has the request\u2019s id, and either a result or an error with a whole code', async () => {
    const wire = new Wire(as);
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

  it('an invalid request gets an error, and the messages of a batch are answered', async () => {
    const wire = new Wire(as);
    await wire.begin({ ...initialize, protocolVersion: '2025-03-26' });
    wire.write({ id: 'no version', method: 'ping' });
    wire.write({ jsonrpc: '2.0', id: 'params', method: 'ping', params: ['by place'] });
    for (const id of ['no version', 'params']) {
      expect([id, (await wire.answer(id)).error?.code]).toEqual([id, -32_600]);
    }
    const ping = { jsonrpc: '2.0', method: 'ping' };
    wire.write([
      { ...ping, id: 1 },
      { jsonrpc: '2.0', method: 'notifications/nonesuch' },
    ]);
    wire.write([
      { ...ping, id: 2 },
      { ...ping, id: 3 },
    ]);
    for (const id of [1, 2, 3]) expect((await wire.answer(id)).result).toEqual({});
    expect(wire.messages).toHaveLength(6);
    await wire.end();
  });

  it('a notification has no answer, also one that is not known', async () => {
    const wire = new Wire(as);
    await wire.begin();
    wire.send({ method: 'notifications/nonesuch' });
    wire.send({ method: 'notifications/cancelled', params: { requestId: 'never asked' } });
    await wire.ask('after', 'ping');
    expect(wire.messages.map(({ id }) => id)).toEqual(['begin', 'after']);
    await wire.end();
  });
});

describe('resources', () => {
  it('each has a URI and a name; what is read says which it is', async () => {
    const wire = new Wire(as);
    await wire.begin();
    const { result } = await wire.ask(1, 'resources/list');
    expect(result.resources.length).toBeGreaterThan(0);
    for (const { uri, name } of result.resources) {
      expect([new URL(uri).href, name.length > 0]).toEqual([uri, true]);
      const read = await wire.ask(uri, 'resources/read', { uri });
      expect(read.result.contents[0]).toMatchObject({ uri, text: expect.any(String) });
    }
    await wire.end();
  });

  it('any other URI is an error', async () => {
    const wire = new Wire(as);
    await wire.begin();
    for (const uri of [
      'wasbox://nonesuch',
      'wasbox://diff/../../etc/passwd',
      'file:///etc/passwd',
      'constructor:',
      'no URI',
      '',
    ]) {
      const { result, error } = await wire.ask(uri, 'resources/read', { uri });
      expect([uri, result, Number.isInteger(error?.code)]).toEqual([uri, undefined, true]);
    }
    await wire.end();
  });
});

describe('progress and cancellation', () => {
  const writes = `i=0; while [ $i -lt 30 ]; do echo line; sleep 0.1; i=$((i+1)); done`;

  it('progress is told with the token, and only grows; without one it is not told', async () => {
    const wire = new Wire(as);
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
    // None after the answer.
    await wire.ask(3, 'ping');
    const last = wire.messages.findLastIndex(({ method }) => method === 'notifications/progress');
    expect(wire.messages.findIndex(({ id }) => id === 2)).toBeGreaterThan(last);
    await wire.end();
  });

  it('snapshots and forks are data, and one that is cancelled has no answer', async () => {
    const wire = new Wire(as);
    await wire.begin();
    await wire.call('write', 'write_file', { path: 'a', content: 'x' });
    wire.send({ id: 'gone', method: 'tools/call', params: { name: 'fork', arguments: {} } });
    wire.send({ method: 'notifications/cancelled', params: { requestId: 'gone' } });
    for (const [id, name, args, value] of [
      ['1', 'snapshot', {}, { snapshot: 's1' }],
      ['2', 'rollback', {}, { snapshot: 's1' }],
      ['3', 'fork', { snapshot: 's1' }, { sandbox: 'fork-1' }],
      ['4', 'discard_fork', { sandbox: 'fork-1' }, { discarded: 'fork-1' }],
    ] as const) {
      const { result } = await wire.call(id, name, args);
      expect([name, result.structuredContent]).toEqual([name, value]);
      expect(JSON.parse(result.content[0].text)).toEqual(value);
    }
    expect(wire.messages.some(({ id }) => id === 'gone')).toBe(false);
    await wire.end();
  });

  it('a request that is cancelled ends its program and has no answer', async () => {
    const wire = new Wire(as);
    await wire.begin();
    const script = 'echo begun > mark; sleep 1000; echo ended > mark';
    const call = { name: 'run_command', arguments: { argv: ['sh', '-c', script] } };
    wire.send({ id: 'long', method: 'tools/call', params: call });
    const read = { name: 'read_file', arguments: { path: 'mark' } };
    for (let i = 0; ; i++) {
      const { result } = await wire.ask(`read-${i}`, 'tools/call', read);
      if (result.isError !== true && result.content[0].text !== '') break;
    }
    expect((await wire.ask('ping', 'ping')).result).toEqual({}); // while the program runs
    wire.send({ method: 'notifications/cancelled', params: { requestId: 'long' } });
    const pgrep = {
      name: 'run_code',
      arguments: { language: 'sh', code: 'grep -l "^sleep$" /proc/[0-9]*/comm' },
    };
    for (let i = 0; ; i++) {
      const { result } = await wire.ask(`look-${i}`, 'tools/call', pgrep);
      if (JSON.parse(result.content[0].text).stdout === '') break;
    }
    expect(wire.messages.some(({ id }) => id === 'long')).toBe(false);
    await wire.end();
  });
});

import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { StdioTransport } from '../../../src/mcp/transport.js';

const count = 500;
const answerBytes = 100_000;

function serve() {
  const input = new PassThrough();
  const output = new PassThrough();
  const transport = new StdioTransport(input, output);
  const taken: unknown[] = [];
  transport.onmessage = (message) => {
    taken.push(message);
    const result = { text: 'x'.repeat(answerBytes) };
    transport.send({ jsonrpc: '2.0', id: taken.length, result });
  };
  const ask = (n: number): void => {
    const text = Array.from({ length: n }, (_, id) =>
      JSON.stringify({ jsonrpc: '2.0', id, method: 'ping' }),
    );
    input.write(`${text.join('\n')}\n`);
  };
  return { input, output, transport, taken, ask };
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await turn();
}

it('a client that reads no answers is read no further, and goes on when it reads', async () => {
  const { output, transport, taken, ask } = serve();
  await transport.start();
  ask(count);
  await until(() => taken.length > 0);
  for (let i = 0; i < 50; i++) await turn();
  expect(taken.length * answerBytes).toBeLessThan(6 * 1024 * 1024);
  let hasRoom = false;
  const room = transport.room().then(() => {
    hasRoom = true;
  });
  await turn();
  expect(hasRoom).toBe(false);
  output.resume();
  await room;
  await until(() => taken.length === count);
});

it('a client that leaves without reading is noticed, and so is one whose pipe breaks', async () => {
  const left = serve();
  await left.transport.start();
  let closed = 0;
  left.transport.onclose = () => {
    closed++;
  };
  left.ask(count);
  left.input.end();
  await until(() => closed === 1);
  await left.transport.room(); // who waits for the client waits no more
  const broken = serve();
  await broken.transport.start();
  broken.transport.onclose = () => {
    closed++;
  };
  // Each of the writes fails.
  for (let i = 0; i < 3; i++) broken.output.emit('error', new Error('EPIPE'));
  expect(closed).toBe(2);
});

it('a message that never ends closes the connection', async () => {
  const { input, transport } = serve();
  const errors: Error[] = [];
  let isClosed = false;
  transport.onerror = (error) => errors.push(error);
  transport.onclose = () => {
    isClosed = true;
  };
  await transport.start();
  for (let i = 0; i < 17; i++) input.write(Buffer.alloc(1024 * 1024, 'x'));
  await until(() => isClosed);
  expect(errors).toHaveLength(1);
});

/** Sends these pieces as a client; returns what the client gets and the server takes. */
async function exchange(pieces: readonly (string | Buffer)[]) {
  const { input, output, transport } = serve();
  const [taken, errors, answers]: [unknown[], Error[], unknown[]] = [[], [], []];
  let rest = '';
  output.on('data', (chunk: Buffer) => {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop() ?? '';
    answers.push(...lines.map((line) => JSON.parse(line)));
  });
  transport.onmessage = (message) => taken.push(message);
  transport.onerror = (error) => errors.push(error);
  const closed = new Promise<void>((resolve) => {
    transport.onclose = resolve;
  });
  await transport.start();
  for (const piece of pieces) input.write(piece);
  input.end();
  await closed;
  output.end();
  await once(output, 'end');
  return { taken, errors, answers };
}

const ping = (id: unknown) => ({ jsonrpc: '2.0', id, method: 'ping' });
const lines = (...values: unknown[]): string =>
  values.map((value) => `${JSON.stringify(value)}\n`).join('');

it('messages come in any pieces, several in one or one in many', async () => {
  const message = { ...ping('é\u2028'), params: { text: 'ü'.repeat(1000) } };
  const bytes = Buffer.from(`${lines(ping(1), message)}${JSON.stringify(ping(2))}\r\n`);
  const byOne = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
  for (const pieces of [[bytes], byOne, [bytes.subarray(0, 50), bytes.subarray(50)]]) {
    expect((await exchange(pieces)).taken).toEqual([ping(1), message, ping(2)]);
  }
});

it('an invalid request with an ID gets an error, and no other invalid message an answer', async () => {
  const invalid = [
    { id: 1, method: 'ping' },
    { jsonrpc: '1.0', id: 'two', method: 'ping' },
    { jsonrpc: '2.0', id: 3, method: 'ping', params: [] },
    { jsonrpc: '2.0', id: 4 },
    { jsonrpc: '2.0', id: 5, method: 7 },
  ];
  const silent = [
    { jsonrpc: '2.0', id: null, method: 'ping' },
    { jsonrpc: '2.0', id: 1.5, method: 'ping' },
    { jsonrpc: '2.0', id: {}, method: 'ping' },
    { jsonrpc: '2.0', id: 6, result: 'no object' },
    { jsonrpc: '2.0', id: 7, error: 'no object' },
    { method: 'ping' },
    ...[null, 'text', 8, [[ping(9)]]],
  ];
  const { taken, errors, answers } = await exchange([
    lines(...invalid, ...silent),
    'this is no JSON\n',
    lines(ping(10)),
  ]);
  expect(taken).toEqual([ping(10)]);
  expect(errors).toHaveLength(invalid.length + silent.length + 1);
  expect(answers).toEqual(
    [1, 'two', 3, 4, 5].map((id) => ({
      jsonrpc: '2.0',
      id,
      error: { code: -32_600, message: 'Invalid Request' },
    })),
  );
});

it('the messages of a batch are taken one by one, and a batch that is too long closes the connection', async () => {
  const note = { jsonrpc: '2.0', method: 'notifications/nonesuch' };
  const batch = await exchange([lines([ping(1), note, { id: 2 }], [], ping(3))]);
  expect(batch.taken).toEqual([ping(1), note, ping(3)]);
  expect(batch.answers).toMatchObject([{ id: 2, error: { code: -32_600 } }]);
  const many = Array.from({ length: 1001 }, (_, id) => ping(id));
  const closed = await exchange([lines(many), lines(ping('after'))]);
  expect([closed.taken, closed.errors.length]).toEqual([[], 1]);
});

it('the rest of a batch is not taken once the connection is closed', async () => {
  for (const closes of [true, false]) {
    const { input, transport } = serve();
    const taken: unknown[] = [];
    transport.onmessage = (message) => {
      taken.push(message);
      if (closes) transport.close();
    };
    await transport.start();
    input.write(lines([ping(1), ping(2), ping(3)]));
    await until(() => taken.length > 0);
    expect(taken).toHaveLength(closes ? 1 : 3);
  }
});

it('the request for a task is left out of a call', async () => {
  const params = { name: 'run_command', arguments: { task: 'kept' } };
  const call = { jsonrpc: '2.0', id: 1, method: 'tools/call' };
  const asked = { ...call, params: { ...params, task: { ttl: 60_000 } } };
  expect((await exchange([lines(asked)])).taken).toEqual([{ ...call, params }]);
});

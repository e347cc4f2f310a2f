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
  // As many writes fail as there were.
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

/**
 * Programs of the library that run something and answer its questions, in a process of their own; and
 * what the questions are about.
 */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { ownAddress } from './host.js';
import type { Identity } from './identity.js';
import { runLibrary } from './library-child.js';
import { compilePayload } from './payload.js';
import { makeProject } from './project.js';

/** The result that such a program tells at its end. */
export interface Told {
  readonly stdout: string;
  readonly exitCode?: number;
  readonly signal?: string;
  /** Texts of the questions, in their order. */
  readonly asked: readonly string[];
  /** The most questions at the same time, where none is answered. */
  readonly most: number;
  /** The number of those whose signal was aborted. */
  readonly withdrawn: number;
  readonly milliseconds: number;
}

/** A program that runs `command`, or the code in `options`, and decides by `ask`, a function body over `question`, `signal`. */
export const program = (
  command: readonly string[],
  ask: string,
  options: Readonly<Record<string, unknown>> = {},
): string => `
  import fs from 'node:fs';
  const asked = [];
  let withdrawn = 0, most = 0;
  const begin = performance.now();
  const result = await lib.run({
    changes: 'discard',
    ...${JSON.stringify({ ...('code' in options ? {} : { command: command[0], args: command.slice(1) }), ...options })},
    ask: async (question, { signal }) => {
      asked.push(question.text);
      most = Math.max(most, asked.length - withdrawn);
      signal.addEventListener('abort', () => { withdrawn += 1; });
      ${ask}
    },
  });
  const { stdout, exitCode, signal } = result;
  const milliseconds = performance.now() - begin;
  console.log(JSON.stringify({ stdout, exitCode, signal, asked, most, withdrawn, milliseconds }));
`;

/** A project with the payload in it, and a directory beside it that no sandbox shows. */
export function places(as: Identity) {
  const cwd = makeProject(as);
  compilePayload(as, 'asker', cwd);
  const hidden = makeProject(as, { good: 'good\n', bad: 'bad\n' }, 'hidden');
  return { cwd, hidden, good: join(hidden, 'good'), bad: join(hidden, 'bad') };
}

export async function told(as: Identity, cwd: string, text: string): Promise<Told> {
  const run = await runLibrary(text, { as, cwd });
  expect(run.err).toBe('');
  return JSON.parse(run.out) as Told;
}

/** A server of the host's that answers hello, and the words that it was sent. */
export async function wordServer() {
  const seen: string[] = [];
  const tcp = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (chunk) => {
      seen.push(String(chunk));
      socket.end('hello');
    });
  }).listen(0, '0.0.0.0');
  await once(tcp, 'listening');
  onTestFinished(() => void tcp.close());
  return { seen, port: (tcp.address() as AddressInfo).port };
}

/** Python that notes that it began, sends a word to such a server, and prints what came of it. */
export const sendsWord = (port: number, word: string): string => `
import socket
open('begun', 'a').write('${word} ')
try:
    s = socket.create_connection(('${ownAddress()}', ${port}), 60)
    s.send(b'${word}')
    print(s.recv(9).decode())
except OSError as error: print(error.strerror)`;

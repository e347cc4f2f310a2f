/** Playground, core. What the workers share: loading the policy core, and answering one question after the other. */
import {
  type Architecture,
  builtinNames,
  builtinText,
  init,
  listArchitectures,
  listGroups,
  PolicyError,
  tablesVersion,
} from '../../../src/policy.js';
import type { Response as Answer, Kind, Problem, Questions, Ready, Request } from './protocol.js';

/** The part of a worker's scope that is used; the compiler only knows the page's scope. */
const scope = globalThis as unknown as {
  onmessage: ((event: MessageEvent<Request>) => void) | null;
  postMessage(message: Answer): void;
};

export function problemOf(error: unknown): Problem {
  const { message, hint } = error as Error & { hint?: string };
  return {
    message: message ?? String(error),
    hint,
    diagnostics: error instanceof PolicyError ? error.diagnostics : [],
  };
}

async function digest(bytes: ArrayBuffer): Promise<string | undefined> {
  // Absent on pages that are neither https nor from this machine.
  const subtle = globalThis.crypto?.subtle as SubtleCrypto | undefined;
  if (subtle === undefined) return undefined;
  const hash = new Uint8Array(await subtle.digest('SHA-256', bytes));
  return [...hash].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

async function fetchModule(address: string): Promise<ArrayBuffer> {
  const file = new URL(address).pathname.split('/').pop() ?? address;
  let response: Response;
  try {
    response = await fetch(address);
  } catch {
    throw new Error(`The policy core, ${file}, cannot be loaded: the server does not answer.`);
  }
  if (!response.ok) {
    const status = `${response.status} ${response.statusText}`.trim();
    throw new Error(`The policy core, ${file}, cannot be loaded: the server says ${status}.`);
  }
  return response.arrayBuffer();
}

async function start({ wasm, sha256 }: Questions['start'][0]): Promise<Ready> {
  let module: WebAssembly.Module;
  let hash = sha256;
  if (typeof wasm === 'string') {
    const bytes = await fetchModule(wasm);
    hash = await digest(bytes);
    try {
      module = await WebAssembly.compile(bytes);
    } catch {
      throw new Error('The policy core that the server sent is not a WebAssembly module.');
    }
  } else {
    module = wasm;
  }
  await init(module);
  return {
    sha256: hash,
    module,
    architectures: listArchitectures().map(({ name }) => name as Architecture),
    tables: tablesVersion(),
    builtins: Object.fromEntries(builtinNames().map((name) => [name, builtinText(name) ?? ''])),
    groups: Object.fromEntries(listGroups()),
  };
}

type Answers = {
  [K in Kind]?: (input: Questions[K][0]) => Questions[K][1] | Promise<Questions[K][1]>;
};

/** Answers the questions of the page; loading the core is one of them. */
export function serve(own: Omit<Answers, 'start'>): void {
  const answers: Answers = { start, ...own };
  scope.onmessage = async ({ data: { id, kind, input } }) => {
    try {
      const answer = await (answers[kind] as (input: unknown) => unknown)(input);
      scope.postMessage({ id, answer });
    } catch (error) {
      scope.postMessage({ id, problem: problemOf(error) });
    }
  };
}

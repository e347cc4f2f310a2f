/**
 * Playground, core. The worker: loads the policy core and answers one question after the other
 * with `wasbox/policy`, as any program would.
 */
import {
  type Architecture,
  builtinNames,
  builtinText,
  type CompileOptions,
  compilePolicy,
  decodeFilter,
  explain,
  exportPolicy,
  formatCHeader,
  importPolicy,
  init,
  lintPolicy,
  listArchitectures,
  listCalls,
  listConstants,
  listGroups,
  PolicyError,
  replay,
  simulate,
  tablesVersion,
} from '../../../src/policy.js';
import type {
  Response as Answer,
  CallInput,
  Compilation,
  Kind,
  PolicyInput,
  Problem,
  Questions,
  Ready,
  Request,
  Verdict,
} from './protocol.js';

/** The part of a worker's scope that is used; the compiler only knows the page's scope. */
const scope = globalThis as unknown as {
  onmessage: ((event: MessageEvent<Request>) => void) | null;
  postMessage(message: Answer): void;
};

const policyName = 'policy';

const source = ({ text }: PolicyInput) => ({ name: policyName, text });
const options = ({ arch }: PolicyInput): CompileOptions => ({ arch });

function problemOf(error: unknown): Problem {
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

function decide(input: PolicyInput, call: CallInput): Verdict {
  try {
    const name = call.name.trim();
    const number = /^(0x[\da-f]+|\d+)$/i.test(name) ? Number(name) : undefined;
    const args = call.args.map((value) => (value.trim() === '' ? 0n : value.trim()));
    const asked = { call: number ?? name, args, arch: call.on };
    return { decision: simulate(source(input), asked, options(input)) };
  } catch (error) {
    return { problem: problemOf(error) };
  }
}

function compile(input: PolicyInput & { readonly call: CallInput }): Compilation {
  const began = performance.now();
  try {
    const compiled = compilePolicy(source(input), options(input));
    const milliseconds = performance.now() - began;
    const [first] = compiled.targets;
    const on = input.call.on ?? first;
    return {
      compiled,
      instructions: decodeFilter({ bpf: compiled.bpf, arch: first }),
      diagnostics: [...compiled.diagnostics, ...lintPolicy(source(input), options(input))],
      proofFailed: false,
      verdict: input.call.name.trim() === '' ? undefined : decide(input, { ...input.call, on }),
      milliseconds,
    };
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    return {
      compiled: undefined,
      instructions: [],
      diagnostics: error.diagnostics,
      proofFailed: error.code === 'ERR_POLICY_INTERNAL',
      verdict: undefined,
      milliseconds: performance.now() - began,
    };
  }
}

type Answers = {
  [K in Kind]: (input: Questions[K][0]) => Questions[K][1] | Promise<Questions[K][1]>;
};

const answers: Answers = {
  start,
  compile,
  decide: (input) => decide(input, input.call),
  explain: (input) => explain(source(input), { arch: input.on }),
  tables: ({ arch }) => ({ arch, calls: listCalls(arch), constants: listConstants(arch) }),
  replay: (input) => replay(source(input), input.log, options(input)),
  import: ({ text, from, capabilities, arch }) =>
    importPolicy(text, { name: 'profile', from, capabilities, arch }),
  export: (input) => exportPolicy(source(input), { ...options(input), to: 'oci' }),
  header: (input) => formatCHeader(compilePolicy(source(input), options(input)), policyName),
};

scope.onmessage = async ({ data: { id, kind, input } }) => {
  try {
    const answer = await (answers[kind] as (input: unknown) => unknown)(input);
    scope.postMessage({ id, answer });
  } catch (error) {
    scope.postMessage({ id, problem: problemOf(error) });
  }
};

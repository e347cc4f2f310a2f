/**
 * Playground, core. The worker that answers what the page shows all the time, with `wasbox/policy`
 * as any program would.
 */
import {
  type CompileOptions,
  compilePolicy,
  decodeFilter,
  explain,
  formatCHeader,
  lintPolicy,
  listCalls,
  listConstants,
  PolicyError,
  replay,
  simulate,
} from '../../../src/policy.js';
import { problemOf, serve } from './answer.js';
import type { CallInput, Compilation, PolicyInput, Verdict } from './protocol.js';

const policyName = 'policy';

const source = ({ text }: PolicyInput) => ({ name: policyName, text });
const options = ({ arch }: PolicyInput): CompileOptions => ({ arch });

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

serve({
  compile,
  decide: (input) => decide(input, input.call),
  explain: (input) => explain(source(input), { arch: input.on }),
  tables: ({ arch }) => ({ arch, calls: listCalls(arch), constants: listConstants(arch) }),
  replay: (input) => replay(source(input), input.log, options(input)),
  header: (input) => formatCHeader(compilePolicy(source(input), options(input)), policyName),
});

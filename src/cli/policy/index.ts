/** `wasbox policy`: finds the verb below it and loads what it needs. */
import { UsageError } from '../../errors/index.js';
import { suggest } from '../../options/index.js';
import { out } from '../terminal.js';
import { type VerbEntry, verbLines } from '../verb-entry.js';

/** The verbs below `policy`. */
export const policyVerbs: Readonly<Record<string, VerbEntry>> = {
  check: {
    what: 'check a policy and show its cost',
    load: async () => (await import('./all.js')).checkVerb,
  },
  compile: {
    what: 'compile a policy to a seccomp filter',
    load: async () => (await import('./all.js')).compileVerb,
  },
  disasm: {
    what: 'disassemble a filter, with labels and policy lines',
    load: async () => (await import('./all.js')).disasmVerb,
  },
  simulate: {
    what: 'show what happens to a system call, and why',
    load: async () => (await import('./all.js')).simulateVerb,
  },
  explain: {
    what: 'show which rules decide a call, and what each rule decides',
    load: async () => (await import('./all.js')).explainVerb,
  },
  replay: {
    what: 'show what a policy would have blocked in an strace log',
    load: async () => (await import('./all.js')).replayVerb,
  },
  diff: {
    what: 'compare the decisions of two policies',
    load: async () => (await import('./all.js')).diffVerb,
  },
  import: {
    what: "convert another tool's policy",
    load: async () => (await import('./all.js')).importVerb,
  },
  export: {
    what: "convert a policy to another tool's format",
    load: async () => (await import('./all.js')).exportVerb,
  },
  groups: {
    what: 'list groups of system calls',
    load: async () => (await import('./all.js')).groupsVerb,
  },
};

function help(): string {
  return `Check, compile and explain system call policies.

Usage: wasbox policy COMMAND [options] FILE…

Commands:
${verbLines(policyVerbs)}

Examples:
  wasbox policy check my.policy
  wasbox policy compile my.policy --arch aarch64 -o my.bpf
  wasbox policy simulate default socket AF_INET SOCK_STREAM
  wasbox policy import --from oci /usr/share/containers/seccomp.json

wasbox policy COMMAND --help says more.
`;
}

export async function policyVerb(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    out(help());
    return name === undefined ? 2 : 0;
  }
  const verb = Object.hasOwn(policyVerbs, name) ? policyVerbs[name] : undefined;
  if (verb === undefined) {
    const near = suggest(name, Object.keys(policyVerbs));
    throw new UsageError('ERR_USAGE', `unknown command "policy ${name}"`, {
      hint:
        near === undefined ? 'See wasbox policy --help.' : `Did you mean: wasbox policy ${near}`,
    });
  }
  const { init } = await import('./all.js');
  await init();
  return (await verb.load())(rest);
}

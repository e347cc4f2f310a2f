/** `wasbox policy`: finds the verb below it and loads what it needs. */
import { UsageError } from '../../errors/index.js';
import { suggest } from '../../options/index.js';
import { init } from '../../policy/index.js';
import { out } from '../terminal.js';
import { type VerbEntry, verbLines } from '../verbs.js';

/** The verbs below `policy`. */
export const policyVerbs: Readonly<Record<string, VerbEntry>> = {
  check: {
    what: 'say whether a policy is right, and what it costs',
    load: async () => (await import('./check.js')).checkVerb,
  },
  compile: {
    what: 'make a seccomp filter of a policy',
    load: async () => (await import('./compile.js')).compileVerb,
  },
  disasm: {
    what: 'list a filter with labels and the lines of the policy',
    load: async () => (await import('./disasm.js')).disasmVerb,
  },
  simulate: {
    what: 'say what becomes of one system call, and why',
    load: async () => (await import('./simulate.js')).simulateVerb,
  },
  explain: {
    what: 'say which rules decide a call, and what each rule decides',
    load: async () => (await import('./explain.js')).explainVerb,
  },
  replay: {
    what: 'say what a policy would have stopped of an strace log',
    load: async () => (await import('./replay.js')).replayVerb,
  },
  diff: {
    what: 'list the calls that two policies decide differently',
    load: async () => (await import('./diff.js')).diffVerb,
  },
  import: {
    what: 'turn an OCI or minijail policy into one of wasbox',
    load: async () => (await import('./convert.js')).importVerb,
  },
  export: {
    what: 'turn a policy into an OCI profile',
    load: async () => (await import('./convert.js')).exportVerb,
  },
  groups: {
    what: 'list the groups of system calls',
    load: async () => (await import('./groups.js')).groupsVerb,
  },
};

function help(): string {
  return `Checks, compiles and explains syscall policies.

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
    throw new UsageError('ERR_USAGE', `there is no command "policy ${name}"`, {
      hint:
        near === undefined
          ? 'wasbox policy --help lists them.'
          : `Did you mean: wasbox policy ${near}`,
    });
  }
  await init();
  return (await verb.load())(rest);
}

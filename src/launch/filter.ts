/** Stage: launch. The syscall policy of a spec as a seccomp filter for this machine. */
import { SupportError } from '../errors/index.js';
import { compilePolicy, init } from '../policy/index.js';
import type { PolicySpec } from '../spec/index.js';

/** Node's names of the architectures that sandboxes run on, in the policy language's words. */
const architectures = { x64: 'x86_64', arm64: 'aarch64' } as const;

/**
 * Compiles a policy; the bytes are `struct sock_filter[]`.
 * @throws PolicyError where the policy has errors
 */
export async function compileFilter(policy: PolicySpec): Promise<Uint8Array> {
  const arch = architectures[process.arch as keyof typeof architectures];
  if (arch === undefined) {
    throw new SupportError('ERR_PLATFORM', `wasbox does not run on ${process.arch}`);
  }
  await init();
  const source =
    policy.text === undefined
      ? { builtin: policy.name }
      : { name: policy.name, text: policy.text, includes: policy.includes };
  return compilePolicy(source, { arch }).bpf;
}

/**
 * Stage: launch. The syscall policy of a spec as a seccomp filter for this machine. Built-in
 * policies are compiled when the package is built (src/build.mjs); a test holds the shipped bytes
 * to a fresh compilation. The core is loaded only for a policy of the user's own.
 */
import { existsSync, fstatSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { SupportError } from '../errors/index.js';
import type { SandboxSpec } from '../spec/index.js';

/** Node's names of the architectures that sandboxes run on, in the policy language's words. */
const architectures = { x64: 'x86_64', arm64: 'aarch64' } as const;

type SandboxArchitecture = (typeof architectures)[keyof typeof architectures];

function ownArchitecture(): SandboxArchitecture {
  const arch = architectures[process.arch as keyof typeof architectures];
  if (arch !== undefined) return arch;
  throw new SupportError('ERR_PLATFORM', `wasbox does not run on ${process.arch}`);
}

/** What the payload shares with the host beside the file tree. */
export type Stdio = readonly [number, number, number];

/** What is written to a host file outlives the sandbox: a stricter variant guards set-id bits. */
function builtinName({ policy, mounts }: SandboxSpec, stdio: Stdio): string {
  const writable =
    mounts.some((mount) => mount.type === 'bind' && !mount.readOnly) ||
    stdio.some((fd) => fstatSync(fd).isFile());
  return writable && policy.name === 'default' ? 'default-writable' : policy.name;
}

/** A filter that came with the package: beside the bundle, or in dist/ when the sources run. */
function shippedFilter(name: string, arch: SandboxArchitecture): Uint8Array | undefined {
  for (const folder of ['filters/', '../../dist/filters/']) {
    const path = fileURLToPath(new URL(`${folder}${name}.${arch}.bpf`, import.meta.url));
    if (existsSync(path)) return readFileSync(path);
  }
  return undefined;
}

/**
 * The filter of a sandbox: `struct sock_filter[]`.
 * @throws PolicyError where the policy has errors
 */
export async function compileFilter(spec: SandboxSpec, stdio: Stdio): Promise<Uint8Array> {
  const { policy } = spec;
  const arch = ownArchitecture();
  const builtin = policy.text === undefined ? builtinName(spec, stdio) : undefined;
  if (builtin !== undefined) {
    const shipped = shippedFilter(builtin, arch);
    if (shipped !== undefined) return shipped;
  }
  const { compilePolicy, init } = await import('../policy/index.js');
  await init();
  const source =
    policy.text === undefined
      ? { builtin: builtin ?? policy.name }
      : { name: policy.name, text: policy.text, includes: policy.includes };
  return compilePolicy(source, { arch }).bpf;
}

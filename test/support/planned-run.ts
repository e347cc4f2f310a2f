/**
 * A sandbox from a spec that no option leads to yet: its views, id maps and namespaces come from the
 * test. Bundled by planned.ts and run as a process of its own, so that it can run as another user.
 *
 *   node planned-run.mjs '{"views": [...], ...}' ARGV…
 *
 * Ends as the payload does. Where the backend refuses the spec it prints the code, where a step of the launch
 * fails the step, the errno and the path, as JSON to stderr, and ends with 125.
 */
import { type LoweredSpec, namespaceBackend } from '../../src/backend/index.js';
import { SupportError } from '../../src/errors/index.js';
import { realHost } from '../../src/host/index.js';
import { decodeOutcome, loadNative } from '../../src/native/index.js';
import { parseRunArguments } from '../../src/options/index.js';
import { buildPlan, compileFilters, stepNames } from '../../src/plan/index.js';
import { resolveSpec, type SandboxSpec } from '../../src/resolve/index.js';
import type { Planned } from './planned.js';

const [text = '', ...argv] = process.argv.slice(2);
const wanted = JSON.parse(text, (_, value) =>
  typeof value === 'string' && /^\d+n$/.test(value) ? BigInt(value.slice(0, -1)) : value,
) as Planned;
const { native, init } = loadNative();
const resolved = resolveSpec(parseRunArguments(['--', '/usr/bin/true']), realHost({ native }));
const privileged = resolved.identity.privileged && wanted.namespaces === undefined;
const { cwd = '/', maps } = wanted;
const spec: SandboxSpec = {
  ...resolved,
  command: { path: argv[0] ?? '', argv, display: argv[0] ?? '' },
  identity: {
    ...resolved.identity,
    ...wanted.identity,
    privileged,
    ...(maps === undefined ? {} : { maps }),
  },
  views: wanted.views,
  writable: wanted.writable,
  env: { PATH: '/bin:/usr/bin' },
  cwd,
  realCwd: cwd,
  limits: { ...resolved.limits, memoryBytes: undefined, cpuMs: undefined, cgroup: undefined },
};
const filters = await compileFilters(spec);
const { namespaces } = wanted;
function lower(): LoweredSpec {
  if (namespaces !== undefined) return { spec, namespaces, operations: [] };
  try {
    return namespaceBackend.lower(spec);
  } catch (error) {
    if (!(error instanceof SupportError)) throw error;
    process.stderr.write(JSON.stringify({ code: error.code }));
    process.exit(125);
  }
}
const plan = buildPlan(lower(), filters);
const { directory } = wanted;
const request = {
  plan,
  directory,
  init,
  stdio: [0, 1, 2] as const,
  timeoutMs: 60_000,
  graceMs: 1000,
};
native.launch({ ...request, attended: false }, (record) => {
  const { kind, exitCode, signal, step, errno, path } = decodeOutcome(new Uint8Array(record));
  if (kind === 'ended') process.exit(signal === 0 ? exitCode : 128 + signal);
  const name = stepNames[step as keyof typeof stepNames];
  process.stderr.write(JSON.stringify({ step: name, errno, path }), () => process.exit(125));
});

/** `wasbox policy export --to k8s`: manifests that Kubernetes' schemas and its restricted profile take. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { policyVerb } from '../../../../src/cli/policy/index.js';
import { importPolicy } from '../../../../src/policy/formats/index.js';
import { diffPolicies, init } from '../../../../src/policy/index.js';
import {
  type Manifest,
  readManifests,
  restrictedErrors,
  schemaErrors,
} from '../../../deploy/schemas.js';
import { captured } from '../output.js';

vi.mock('node:fs', { spy: true });

beforeAll(() => init());

const folder = mkdtempSync(join(tmpdir(), 'wasbox-k8s-'));
afterAll(() => rmSync(folder, { recursive: true }));

const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

const policyText =
  'target x86_64\ndefault errno(EPERM)\nunknown errno(EPERM)\nallow read write\nlog mount\n';
const good = file('good.policy', policyText);

/** Returns what the verb printed; throws what it threw. */
async function exported(...argv: string[]): Promise<string> {
  let error: unknown;
  const { out } = await captured(async () => {
    try {
      await policyVerb(['export', ...argv]);
    } catch (thrown) {
      error = thrown;
    }
  });
  if (error !== undefined) throw error;
  return out;
}

/** The manifests, all valid. */
async function manifests(...argv: string[]) {
  const [config, network, pod, ...more] = readManifests(await exported(...argv));
  if (config === undefined || network === undefined || pod === undefined || more.length > 0)
    throw new Error('there are to be three manifests');
  for (const one of [config, network, pod]) expect(schemaErrors(one)).toEqual([]);
  expect(restrictedErrors(pod.spec)).toEqual([]);
  return { config, network, pod };
}

describe('the manifests', () => {
  it('hold the policy, which says the same when it is read again', async () => {
    const { config, pod } = await manifests(good, '--to', 'k8s', '--name', 'job');
    const [name = '', text = ''] = Object.entries(config.data ?? {})[0] ?? [];
    expect(pod.spec.securityContext.seccompProfile).toEqual({
      type: 'Localhost',
      localhostProfile: `wasbox/${name}`,
    });
    const again = importPolicy(text, { from: 'oci', arch: 'x86_64' }).text;
    const before = { name: 'good', text: policyText };
    expect(diffPolicies(before, { name: 'again', text: again }, { arch: 'x86_64' })).toEqual([]);
    // Control: another policy would differ.
    const other = { name: 'other', text: policyText.replace('read ', '') };
    expect(diffPolicies(other, { name: 'again', text: again }, { arch: 'x86_64' })).not.toEqual([]);
  });

  it('forbid everything where nothing was said', async () => {
    const { network, pod } = await manifests('--format', 'k8s');
    expect(network.spec).toEqual({
      podSelector: { matchLabels: pod.metadata.labels },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [],
      egress: [],
    });
    expect(pod.spec).toMatchObject({ automountServiceAccountToken: false });
    expect(pod.spec.containers[0]).toMatchObject({
      securityContext: { readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
      resources: { limits: { memory: '512Mi', 'ephemeral-storage': '256Mi' } },
    });
  });

  it('have the limits, the image and the rules of the command line', async () => {
    const limits = ['--timeout', '90500ms', '--memory', '1G', '--disk', '1500001', '--grace', '5s'];
    const others = ['--image', 'python:3.13', '--net', '10.1.0.0/16:8000-8100/tcp'];
    const { network, pod } = await manifests('default', '--to', 'k8s', ...limits, ...others);
    expect(pod.spec).toMatchObject({ activeDeadlineSeconds: 90, terminationGracePeriodSeconds: 5 });
    expect(pod.spec.containers[0]).toMatchObject({
      image: 'docker.io/library/python:3.13',
      resources: { limits: { memory: '1Gi', 'ephemeral-storage': '1500001' } },
    });
    expect(network.spec.egress).toEqual([
      {
        to: [{ ipBlock: { cidr: '10.1.0.0/16' } }],
        ports: [{ protocol: 'TCP', port: 8000, endPort: 8100 }],
      },
    ]);
  });

  it('have what a profile says', async () => {
    const profile = file(
      'p.toml',
      'net = ["192.0.2.1:443"]\npolicy-text = "default errno(EPERM)\\nallow read"\n[limits]\nmemory = "64M"\n',
    );
    const { config, network, pod } = await manifests('--to', 'k8s', '--profile', profile);
    expect(network.spec.egress[0].to).toEqual([{ ipBlock: { cidr: '192.0.2.1/32' } }]);
    expect(pod.spec.containers[0].resources.limits.memory).toBe('64Mi');
    const [text = ''] = Object.values(config.data ?? {});
    expect(JSON.parse(text)).toMatchObject({ syscalls: [{ names: ['read'] }] });
    await expect(exported(good, '--to', 'k8s', '--profile', profile)).rejects.toThrow(
      /two policies/,
    );
  });

  it('are also a property of JSON', async () => {
    const { text, equal } = JSON.parse(await exported(good, '--to', 'k8s', '--json'));
    expect(readManifests(text).map(({ kind }) => kind)).toEqual([
      'ConfigMap',
      'NetworkPolicy',
      'Pod',
    ]);
    expect(equal).toBe(true);
  });
});

describe('a thing that Kubernetes cannot say', () => {
  it.each([
    [['--net', 'example.com'], /"example.com": a NetworkPolicy allows addresses, not names/],
    [['--net', 'host', '--net-deny', '1.1.1.1'], /--net host cannot be used/],
    [['--memory', 'none'], /--memory: a pod for Kubernetes needs a limit/],
    [['--timeout', '500ms'], /--timeout: Kubernetes cannot set 500ms/],
    [['--image', 'oci:/tmp/x'], /Kubernetes cannot pull oci:/],
    [['--name', 'A_b'], /invalid name "A_b"/],
    [['--format', 'oci'], /two formats/],
  ])('is refused: %j', async (argv, message) => {
    await expect(exported(good, '--to', 'k8s', ...argv)).rejects.toThrow(message);
  });

  it('is refused where a profile says it, with its place', async () => {
    const profile = file('pids.toml', 'net = "none"\n[limits]\npids = 5\n');
    await expect(exported('--to', 'k8s', '--profile', profile)).rejects.toThrow(
      /pids\.toml:3: limits\.pids: Kubernetes has no such setting/,
    );
  });

  it('is refused in a policy: nothing listens for its questions', async () => {
    const asks = file(
      'asks.policy',
      'target x86_64\ndefault errno(EPERM)\nunknown errno(EPERM)\nnotify openat\n',
    );
    await expect(exported(asks, '--to', 'k8s')).rejects.toThrow(/the action notify \(of openat\)/);
  });

  it('is refused for other formats', async () => {
    await expect(exported(good, '--memory', '1G')).rejects.toThrow(/--memory is for --to k8s only/);
  });
});

describe('the checks themselves', () => {
  it('find what is wrong', async () => {
    const { network, pod } = await manifests(good, '--to', 'k8s');
    const wrong = (manifest: Manifest, change: (spec: Manifest['spec']) => void): Manifest => {
      const copy = structuredClone(manifest);
      change(copy.spec);
      return copy;
    };
    const typo = wrong(pod, (spec) => {
      spec.containers[0].securityContext.readOnlyRootFileSystem = true;
    });
    expect(schemaErrors(typo).join()).toContain('readOnlyRootFileSystem');
    const port = wrong(network, (spec) => {
      spec.egress = [{ ports: [{ protocol: 6 }] }];
    });
    expect(schemaErrors(port).join()).toContain('/spec/egress/0/ports/0/protocol');
    for (const [change, what] of [
      [{ allowPrivilegeEscalation: true }, 'allowPrivilegeEscalation'],
      [{ capabilities: { drop: [] } }, 'capabilities.drop'],
      [{ runAsUser: 0 }, 'runAsUser'],
      [{ seccompProfile: { type: 'Unconfined' } }, 'seccompProfile'],
    ] as const) {
      const loose = wrong(pod, (spec) => Object.assign(spec.containers[0].securityContext, change));
      expect(restrictedErrors(loose.spec)).toEqual([what]);
    }
  });
});

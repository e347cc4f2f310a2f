/** A sandbox as manifests: its syscall policy, its network, and a pod with its limits. */
import { stringify } from 'yaml';
import { UsageError } from '../errors/index.js';
import { type Network, networkPolicy, networkRemarks } from './network-policy.js';
import { type PodLimits, podManifest } from './pod.js';

export interface KubernetesOptions {
  /** The name of each object: a DNS label. */
  readonly name: string;
  /** The syscall policy as an OCI profile. */
  readonly seccomp: string;
  readonly image: string | undefined;
  readonly network: Network;
  readonly limits: PodLimits;
}

/** Names of pods are parts of host names, and this one is part of other names. */
const longestName = 50;

function checkName(name: string): void {
  if (name.length <= longestName && /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(name)) return;
  throw new UsageError('ERR_OPTION_VALUE', `--name: invalid name "${name}"`, {
    hint: `Use at most ${longestName} lower-case letters, digits and hyphens: --name untrusted-job`,
  });
}

interface SeccompProfile {
  readonly defaultAction?: string;
  readonly syscalls?: readonly { readonly action: string; readonly names: readonly string[] }[];
}

/** A kubelet's profiles have no listener for notify: the container would not start. */
function refuseNotify(text: string): void {
  const notify = 'SCMP_ACT_NOTIFY';
  const { defaultAction, syscalls = [] } = JSON.parse(text) as SeccompProfile;
  const asked = syscalls.filter(({ action }) => action === notify).flatMap(({ names }) => names);
  if (asked.length === 0 && defaultAction !== notify) return;
  const which = asked[0] ?? 'the default';
  throw new UsageError('ERR_OPTION_VALUE', `Kubernetes cannot do the action notify (of ${which})`, {
    hint: 'Use allow or errno(EPERM) instead.',
  });
}

const yaml = { aliasDuplicateObjects: false, blockQuote: 'literal', lineWidth: 0 } as const;

const comment = (lines: readonly string[]): string => lines.map((line) => `# ${line}\n`).join('');

/**
 * A ConfigMap with the syscall policy, a NetworkPolicy, and a Pod, as one file of YAML.
 * @throws UsageError (`ERR_OPTION_VALUE`) for what Kubernetes cannot say; nothing is widened
 */
export function kubernetesManifest(options: KubernetesOptions): string {
  const { name, seccomp, image, network, limits } = options;
  checkName(name);
  refuseNotify(seccomp);
  const labels = { 'app.kubernetes.io/name': name };
  const file = `${name}.json`;
  const localhostProfile = `wasbox/${file}`;
  const profile = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: `${name}-seccomp`, labels },
    immutable: true,
    data: { [file]: seccomp },
  };
  const documents: readonly [remarks: readonly string[], manifest: object][] = [
    [
      [
        `The syscall policy. Kubelets read it from /var/lib/kubelet/seccomp/${localhostProfile}:`,
        'put it there on every node that runs the pod. A node without it does not start the pod.',
      ],
      profile,
    ],
    [networkRemarks(network), networkPolicy(name, labels, network)],
    [
      [
        'A pod lacks these limits of wasbox: processes (see podPidsLimit of the kubelet), processor',
        'time, open files, sizes of files, output. Disk use is checked at intervals, as in wasbox. The',
        'time limit of a pod starts before its image is pulled.',
        ...(image === undefined
          ? ['The container has no image yet: add one, or give --image.']
          : []),
      ],
      podManifest({ name, labels, image, localhostProfile, limits }),
    ],
  ];
  return documents
    .map(([remarks, manifest]) => comment(remarks) + stringify(manifest, yaml))
    .join('---\n');
}

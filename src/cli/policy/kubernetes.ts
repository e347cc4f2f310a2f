/** `wasbox policy export --to k8s`: a policy, a network and limits as manifests for Kubernetes. */
import { UsageError } from '../../errors/index.js';
import { realHost } from '../../host/index.js';
import { parseReference } from '../../image/index.js';
import { kubernetesManifest } from '../../kubernetes/index.js';
import {
  jobLimits,
  netRulesOf,
  netWord,
  type OptionEntry,
  type RunOptions,
  runOptionTable,
  sizeText,
} from '../../options/index.js';
import { exportPolicy } from '../../policy/formats/index.js';
import { type Profile, readProfile, withProfile } from '../../profile/index.js';
import { type PolicyInput, policyOfProfile, readPolicy } from './input.js';

/** Options of a run that Kubernetes has, too, by the properties of a run. */
const help: Readonly<Record<string, string>> = {
  net: '(k8s) what the pod may reach: nothing; whatever the cluster lets it reach; the internet; or addresses such as 192.0.2.0/24:8000-8100/tcp. A NetworkPolicy cannot use host names',
  netDeny: '(k8s) deny part of what --net allows',
  memoryBytes: '(k8s) the memory limit',
  diskBytes: '(k8s) the limit on the size of files',
  timeoutMs: '(k8s) stop the pod after TIME, in whole seconds',
  graceMs: '(k8s) time between SIGTERM and SIGKILL, in whole seconds',
  image: '(k8s) the image of the container, in a registry',
};

const defaults: Readonly<Record<string, string>> = {
  memoryBytes: sizeText(jobLimits.memoryBytes),
  diskBytes: sizeText(jobLimits.diskBytes),
  image: 'none; add it to the manifest',
};

const own = (entry: OptionEntry): OptionEntry => {
  const { property, help: general } = entry;
  const shown = defaults[property];
  return {
    ...entry,
    ...(shown !== undefined && { default: shown }),
    help: help[property] ?? `(k8s) ${general}`,
    scope: 'cli',
  };
};

/** The options of the export to Kubernetes only. */
export const kubernetesOptions: readonly OptionEntry[] = [
  {
    name: 'name',
    kind: 'text',
    metavar: 'NAME',
    group: 'Program',
    help: '(k8s) the name to use in all manifests',
    default: 'wasbox',
    property: 'name',
    scope: 'cli',
  },
  ...(runOptionTable as readonly OptionEntry[])
    .filter(({ property }) => property === 'profile' || Object.hasOwn(help, property))
    .map(own),
];

type Values = Readonly<Record<string, unknown>>;

/** The profile may be anywhere: no program runs that could change it. */
const nowhere = { path: '/dev/null', name: '/dev/null' };

/** Where the profile says what Kubernetes cannot. @throws UsageError */
function checkProfile(profile: Profile): void {
  const known = new Set([...Object.keys(help), 'policy', 'policyText']);
  const extra = Object.keys(profile.options).find((property) => !known.has(property));
  if (extra === undefined) return;
  const place = profile.places[extra]?.[0] ?? `${profile.name}: ${extra}`;
  throw new UsageError('ERR_PROFILE', `${place}: Kubernetes has no such setting for a pod`, {
    hint: 'Remove it from the profile, or run wasbox itself in the pod: it applies the whole profile.',
  });
}

function networkOf({ net = 'none', netDeny }: RunOptions) {
  const deny = netDeny === undefined ? [] : netRulesOf('--net-deny', netDeny);
  if (netWord(net) === 'none') return { allow: 'none', deny } as const;
  if (netWord(net) !== 'host') return { allow: netRulesOf('--net', net), deny };
  if (deny.length === 0) return { allow: 'host', deny } as const;
  throw new UsageError('ERR_USAGE', '--net host cannot be used with --net-deny', {
    hint: 'To allow the internet but not RULE: --net internet --net-deny RULE',
  });
}

function imageOf(image: string | undefined): string | undefined {
  if (image === undefined) return undefined;
  const { kind, text } = parseReference(image, process.cwd());
  if (kind === 'registry') return text;
  throw new UsageError('ERR_OPTION_VALUE', `--image: Kubernetes cannot pull ${image}`, {
    hint: 'Push it to a registry and use its name there: --image registry.example.com/app:1.2',
  });
}

/** The policy that a run with these options would have. @throws UsageError where there are two */
function policyOf(operand: string | undefined, values: Values, profile?: Profile): PolicyInput {
  const { policyText, options } = profile ?? {};
  if (operand !== undefined) {
    if (policyText === undefined && options?.policy === undefined)
      return readPolicy(operand, values);
    throw new UsageError('ERR_USAGE', `two policies: ${operand} and the one in ${profile?.name}`, {
      hint: 'Leave one of them out.',
    });
  }
  if (profile !== undefined && policyText !== undefined)
    return policyOfProfile(profile.name, policyText, profile.directory, values);
  return readPolicy(options?.policy ?? 'default', values);
}

/** @throws UsageError, PolicyError for what Kubernetes cannot say */
export function exportKubernetes(operand: string | undefined, values: Values) {
  const given = Object.fromEntries(
    Object.entries(values).filter(([name]) => name === 'profile' || Object.hasOwn(help, name)),
  ) as RunOptions;
  const profile = readProfile(given, realHost(), nowhere);
  if (profile !== undefined) checkProfile(profile);
  const options = withProfile(given, profile);
  const { source, options: compileOptions, remarks } = policyOf(operand, values, profile);
  const exported = exportPolicy(source, { ...compileOptions, to: 'oci' });
  const text = kubernetesManifest({
    name: typeof values.name === 'string' ? values.name : 'wasbox',
    seccomp: exported.text,
    image: imageOf(options.image),
    network: networkOf(options),
    limits: {
      memoryBytes: options.memoryBytes ?? jobLimits.memoryBytes,
      diskBytes: options.diskBytes ?? jobLimits.diskBytes,
      timeoutMs: options.timeoutMs,
      graceMs: options.graceMs ?? 2000,
    },
  });
  return { text, equal: exported.equal, diagnostics: [...remarks, ...exported.diagnostics] };
}

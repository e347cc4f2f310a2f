/** Kubernetes' and KEDA's published schemas as a check of manifests, and the Pod Security Standards as another. */
import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { parseAllDocuments } from 'yaml';

interface Schemas {
  readonly kinds: Readonly<Record<string, string>>;
  readonly definitions: Readonly<Record<string, unknown>>;
}

const path = new URL('schemas.generated.json', import.meta.url);
const { kinds, definitions } = JSON.parse(readFileSync(path, 'utf8')) as Schemas;
const ajv = new Ajv({ allErrors: true, strict: false });
ajv.addSchema({ $id: 'published', definitions });

export interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  // biome-ignore lint/suspicious/noExplicitAny: the schema has checked it
  readonly spec: any;
  readonly data?: Readonly<Record<string, string>>;
}

function check(definition: string, value: unknown): string[] {
  const validate = ajv.getSchema(`published#/definitions/${definition}`);
  if (validate === undefined) return [`no schema ${definition}`];
  if (validate(value) === true) return [];
  return (validate.errors ?? []).map(({ instancePath, message, params }) =>
    `${instancePath} ${message} ${JSON.stringify(params)}`.trim(),
  );
}

/** Returns what is wrong with a manifest by the published schema; nothing if it is valid. */
export function schemaErrors(manifest: Manifest): string[] {
  const definition = kinds[manifest.kind];
  if (definition === undefined) return [`no schema for the kind ${manifest.kind}`];
  const triggers: { type: string; metadata: object }[] =
    manifest.kind === 'ScaledObject' ? manifest.spec.triggers : [];
  return [
    ...check(definition, manifest),
    ...triggers.flatMap(({ type, metadata }) =>
      type === 'redis' ? check('RedisTrigger', metadata) : [`no schema for triggers of ${type}`],
    ),
  ];
}

/** The manifests of a file. @throws Error for what is not YAML */
export function readManifests(text: string): Manifest[] {
  const documents = parseAllDocuments(text);
  if ('empty' in documents) return [];
  return documents.map((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw error;
    return document.toJS() as Manifest;
  });
}

interface PodSpec {
  readonly securityContext?: Context;
  readonly containers: readonly { readonly securityContext?: Context }[];
  readonly volumes?: readonly object[];
  readonly [other: string]: unknown;
}

interface Context {
  readonly [property: string]: unknown;
  readonly capabilities?: { readonly drop?: readonly string[]; readonly add?: readonly string[] };
  readonly seccompProfile?: { readonly type: string };
}

/**
 * Returns what the restricted profile of the Pod Security Standards forbids of a pod; nothing if it admits it.
 * https://kubernetes.io/docs/concepts/security/pod-security-standards/
 */
export function restrictedErrors(spec: PodSpec): string[] {
  const errors: string[] = [];
  const must = (good: boolean, what: string): void => {
    if (!good) errors.push(what);
  };
  for (const host of ['hostNetwork', 'hostPID', 'hostIPC'])
    must(spec[host] === undefined || spec[host] === false, host);
  const volumes = ['configMap', 'csi', 'downwardAPI', 'emptyDir', 'ephemeral', 'secret'];
  for (const volume of spec.volumes ?? [])
    must(
      Object.keys(volume).every((key) => key === 'name' || volumes.includes(key)),
      'volumes',
    );
  for (const { securityContext: own = {} } of spec.containers) {
    const of = (property: string) => own[property] ?? spec.securityContext?.[property];
    must(own.allowPrivilegeEscalation === false, 'allowPrivilegeEscalation');
    must(own.privileged !== true, 'privileged');
    must(own.capabilities?.drop?.includes('ALL') === true, 'capabilities.drop');
    must(
      (own.capabilities?.add ?? []).every((name) => name === 'NET_BIND_SERVICE'),
      'capabilities.add',
    );
    must(of('runAsNonRoot') === true, 'runAsNonRoot');
    must(of('runAsUser') !== 0, 'runAsUser');
    const profile = of('seccompProfile') as Context['seccompProfile'];
    must(['RuntimeDefault', 'Localhost'].includes(profile?.type ?? ''), 'seccompProfile');
    must([undefined, 'Default'].includes(own.procMount as string | undefined), 'procMount');
  }
  return errors;
}

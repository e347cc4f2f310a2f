/**
 * Makes schemas.generated.json, the part of published schemas that the manifests here use:
 *
 *   node test/deploy/reduce-schema.mjs SWAGGER.json SCALEDOBJECTS.yaml SCALERS.json SOURCE…
 *
 * - SWAGGER.json: api/openapi-spec/swagger.json of github.com/kubernetes/kubernetes, which Kubernetes' client libraries
 *   carry, too.
 * - SCALEDOBJECTS.yaml, SCALERS.json: config/crd/bases/keda.sh_scaledobjects.yaml and schema/generated/scalers-schema.json
 *   of github.com/kedacore/keda.
 * - SOURCE says which versions they were.
 *
 * Every object is closed: a property that is not kept is an error.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parse } from 'yaml';

const [swagger, scaledObjects, scalers, ...source] = process.argv.slice(2);
const { definitions } = JSON.parse(readFileSync(swagger, 'utf8'));

const kinds = {
  ConfigMap: 'io.k8s.api.core.v1.ConfigMap',
  Pod: 'io.k8s.api.core.v1.Pod',
  Namespace: 'io.k8s.api.core.v1.Namespace',
  Secret: 'io.k8s.api.core.v1.Secret',
  NetworkPolicy: 'io.k8s.api.networking.v1.NetworkPolicy',
  Deployment: 'io.k8s.api.apps.v1.Deployment',
  Job: 'io.k8s.api.batch.v1.Job',
};

/** The properties that are kept of definitions that are large. */
const kept = {
  'io.k8s.api.core.v1.Volume': ['name', 'emptyDir', 'configMap', 'secret'],
  'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta': ['name', 'namespace', 'labels', 'annotations'],
};
const dropped = new Set([
  ...['status', 'affinity', 'ephemeralContainers', 'lifecycle', 'topologySpreadConstraints'],
  ...['livenessProbe', 'readinessProbe', 'startupProbe', 'dnsConfig', 'resourceClaims'],
  ...['seLinuxOptions', 'windowsOptions', 'podFailurePolicy', 'successPolicy', 'os'],
]);

const found = {};

function reduce(schema) {
  if (schema.$ref !== undefined) {
    const name = schema.$ref.replace('#/definitions/', '');
    keep(name);
    return { $ref: `#/definitions/${name}` };
  }
  if (schema.format === 'int-or-string') return { type: ['integer', 'string'] };
  const { type, items, properties, additionalProperties, required, enum: values } = schema;
  const reduced = { type };
  if (items !== undefined) reduced.items = reduce(items);
  if (typeof additionalProperties === 'object')
    reduced.additionalProperties = reduce(additionalProperties);
  if (required !== undefined) reduced.required = required;
  if (values !== undefined) reduced.enum = values;
  if (properties !== undefined) {
    reduced.properties = Object.fromEntries(
      Object.entries(properties)
        .filter(([name]) => !dropped.has(name))
        .map(([name, value]) => [name, reduce(value)]),
    );
    reduced.additionalProperties = false;
  }
  return reduced;
}

function keep(name) {
  if (found[name] !== undefined) return;
  const schema = definitions[name];
  found[name] = {};
  const only = kept[name];
  const properties =
    only === undefined
      ? schema.properties
      : Object.fromEntries(only.map((property) => [property, schema.properties[property]]));
  found[name] = reduce({ ...schema, properties });
  const group = schema['x-kubernetes-group-version-kind']?.[0];
  if (group === undefined || found[name].properties?.kind === undefined) return;
  const { group: owner, version, kind } = group;
  found[name].properties.kind = { const: kind };
  found[name].properties.apiVersion = { const: owner === '' ? version : `${owner}/${version}` };
  found[name].required = [
    ...new Set([...(found[name].required ?? []), 'apiVersion', 'kind', 'metadata']),
  ];
}

for (const name of Object.values(kinds)) keep(name);

const scaledObject = parse(readFileSync(scaledObjects, 'utf8')).spec.versions[0].schema;
found.ScaledObject = reduce(scaledObject.openAPIV3Schema);
found.ScaledObject.properties.metadata = {
  $ref: '#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta',
};
found.ScaledObject.properties.apiVersion = { const: 'keda.sh/v1alpha1' };
const redis = JSON.parse(readFileSync(scalers, 'utf8')).scalers.find(
  ({ type }) => type === 'redis',
);
// The fields of a trigger of type redis, which a CRD leaves open.
found.RedisTrigger = {
  type: 'object',
  properties: Object.fromEntries(redis.parameters.map(({ name }) => [name, { type: 'string' }])),
  required: ['listName'],
  additionalProperties: false,
};
const schema = {
  $comment: `Reduced by reduce-schema.mjs from ${source.join(', ')}`,
  kinds: { ...kinds, ScaledObject: 'ScaledObject' },
  definitions: found,
};
writeFileSync(new URL('schemas.generated.json', import.meta.url), `${JSON.stringify(schema)}\n`);

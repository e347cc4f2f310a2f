/** The manifests and scripts of docs/deploy, held to published schemas and to the tools that read them, where they are installed. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { descriptionOf } from '../../src/cli/verb.js';
import { workerVerb } from '../../src/cli/worker.js';
import { runOptionTable } from '../../src/options/index.js';
import { type Manifest, readManifests, restrictedErrors, schemaErrors } from '../deploy/schemas.js';
import { needs } from '../support/needs.js';

const deploy = fileURLToPath(new URL('../../docs/deploy/', import.meta.url));
const kubernetes = `${deploy}kubernetes/`;
const files = readdirSync(kubernetes).filter((name) => name.endsWith('.yaml'));
const manifestsOf = (name: string) => readManifests(readFileSync(kubernetes + name, 'utf8'));

/** The pod that a manifest makes, if it makes one. */
const podOf = ({ kind, spec }: Manifest) => (kind === 'Pod' ? spec : spec?.template?.spec);

describe.each(files)('kubernetes/%s', (name) => {
  const manifests = manifestsOf(name);

  it('is valid by the published schemas', () => {
    expect(manifests.length).toBeGreaterThan(0);
    for (const manifest of manifests) expect(schemaErrors(manifest)).toEqual([]);
  });

  it('runs under the restricted profile, but for what it says', () => {
    for (const pod of manifests.map(podOf).filter((spec) => spec !== undefined)) {
      const expected = name === 'worker-namespaces.yaml' ? ['procMount'] : [];
      expect(restrictedErrors(pod)).toEqual(expected);
      for (const { securityContext, resources } of pod.containers) {
        expect(securityContext.readOnlyRootFilesystem).toBe(true);
        expect(Object.keys(resources.limits)).toEqual(['memory', 'ephemeral-storage']);
      }
    }
  });

  needs('kubectl').test('is read by kubectl', () => {
    // Without a server, kubectl knows no kinds: it reads the files and stops there.
    const read = (args: readonly string[], input?: string) =>
      spawnSync('kubectl', args, { encoding: 'utf8', input });
    const set = ['label', '--local', '--overwrite', '-o', 'json', 'checked=yes', '-f'];
    const known = manifests.every(({ kind }) => kind !== 'ScaledObject');
    if (!known) return;
    const { status, stderr } = read([...set, kubernetes + name]);
    expect([status, stderr]).toEqual([0, '']);
    expect(read([...set, '-'], 'kind: Pod\nspec: {').status).not.toBe(0);
  });
});

describe('the manifests together', () => {
  const all = new Map(files.map((name) => [name, manifestsOf(name)]));
  const named = (file: string, kind: string): Manifest => {
    const found = all.get(file)?.find((one) => one.kind === kind);
    if (found === undefined) throw new Error(`no ${kind} in ${file}`);
    return found;
  };
  const worker = named('worker.yaml', 'Deployment');
  const args: string[] = worker.spec.template.spec.containers[0].args;
  const option = (name: string) => args.find((arg) => arg.startsWith(`--${name}=`))?.split('=')[1];

  it('give a worker the memory of its jobs, and time to give them back', () => {
    const memory = Number.parseInt(option('memory') ?? '', 10) * Number(option('concurrency'));
    const { limits } = worker.spec.template.spec.containers[0].resources;
    expect(Number.parseInt(limits.memory, 10)).toBe(memory + 256);
    const drain = Number.parseInt(option('drain') ?? '', 10);
    expect(worker.spec.template.spec.terminationGracePeriodSeconds).toBeGreaterThan(drain + 10);
  });

  it('scale the worker by all keys in which its queue has jobs', () => {
    const { spec } = named('autoscaling.yaml', 'ScaledObject');
    expect(spec.scaleTargetRef.name).toBe(worker.metadata.name);
    const triggers = spec.triggers as { name: string; metadata: { listName: string } }[];
    const keys = triggers.map(({ metadata }) => metadata.listName);
    const queue = `bull:${option('queue')}`;
    expect(keys).toEqual([`${queue}:wait`, `${queue}:prioritized`, `${queue}:active`]);
    for (const { name } of triggers) expect(spec.advanced.scalingModifiers.formula).toContain(name);
  });

  it('differ between the two kinds of isolation in what makes it, and nothing else', () => {
    const full = structuredClone(named('worker-namespaces.yaml', 'Deployment'));
    const pod = full.spec.template.spec;
    const { args: fullArgs, securityContext } = pod.containers[0];
    expect(pod.hostUsers).toBe(false);
    expect(securityContext.procMount).toBe('Unmasked');
    expect(fullArgs).toContain('--isolation=namespaces');
    delete pod.hostUsers;
    delete securityContext.procMount;
    pod.containers[0].args = fullArgs.filter((arg: string) => !arg.startsWith('--isolation'));
    pod.securityContext.seccompProfile = { type: 'RuntimeDefault' };
    expect(full.spec).toEqual(worker.spec);
  });

  it('restrict the network of the worker', () => {
    const policy = named('network-policy.yaml', 'NetworkPolicy');
    const { labels } = worker.spec.template.metadata;
    expect(policy.spec.podSelector.matchLabels).toEqual(labels);
    expect(policy.spec.policyTypes).toEqual(['Ingress', 'Egress']);
  });
});

describe('systemd', () => {
  const folder = `${deploy}systemd/`;
  const units = readdirSync(folder);

  /** Returns what systemd says of a unit whose programs exist. */
  function verify(name: string, change: (text: string) => string = (text) => text): string {
    const work = mkdtempSync(join(tmpdir(), 'wasbox-units-'));
    const text = readFileSync(folder + name, 'utf8').replace(
      'ExecStart=/usr/bin/wasbox',
      'ExecStart=/bin/true',
    );
    const path = join(work, name.replace('@.', '@jobs.'));
    writeFileSync(path, change(text));
    const { stdout, stderr } = spawnSync('systemd-analyze', ['verify', path], { encoding: 'utf8' });
    rmSync(work, { recursive: true });
    return stdout + stderr;
  }

  needs('systemd-analyze').test.each(units)('takes %s', (name) => {
    expect(verify(name)).toBe('');
    const wrong = (text: string) => text.replace('DelegateSubgroup=', 'DelegateSubGroup=');
    expect(verify(name, wrong)).toContain('DelegateSubGroup');
  });

  it('keeps nothing from wasbox that it needs', () => {
    // The list is what test/deploy/systemd.mjs tried.
    const breaking =
      /^(RestrictNamespaces|RestrictSUIDSGID|DynamicUser|ProtectProc|ProcSubset|ProtectKernel(Tunables|Logs)|ProtectControlGroups|MemoryDenyWriteExecute)=/m;
    for (const name of units) expect(readFileSync(folder + name, 'utf8')).not.toMatch(breaking);
  });
});

describe('every file of docs/deploy', () => {
  const names = readdirSync(deploy, { recursive: true, encoding: 'utf8', withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));

  it('gives wasbox options that it has', async () => {
    const worker = await descriptionOf(workerVerb);
    const known = new Set(
      [...runOptionTable, ...(worker?.options ?? [])].map((entry) => entry.name),
    );
    for (const name of names) {
      const text = readFileSync(name, 'utf8');
      if (!/wasbox (run|worker)|^ +- (run|worker)$|"worker"/m.test(text)) continue;
      const lines = text
        .split('\n')
        .filter((line) => !/^\s*#|sbatch|npm|apt-get|nomad|kubectl/.test(line));
      const used = [...lines.join('\n').matchAll(/(?<=[\s"])--([a-z][a-z-]+)/g)].map(
        ([, option]) => option,
      );
      expect(
        used.filter((option) => !known.has(option ?? '')),
        name,
      ).toEqual([]);
    }
  });

  it.each(names.filter((name) => name.endsWith('.sbatch')))(
    '%s is a script that sh reads',
    (name) => {
      expect(spawnSync('sh', ['-n', name]).status).toBe(0);
    },
  );
});

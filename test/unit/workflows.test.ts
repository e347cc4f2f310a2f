/** The hosted workflows: pinned, with few rights and an end, and with every slow suite at night. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { menus } from '../menus.mjs';
import { releaseSteps } from '../release/steps.mjs';
import { debianAmong } from '../support/debian.mjs';

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}

interface Job {
  readonly environment?: string;
  readonly steps: readonly Step[];
  readonly permissions?: Readonly<Record<string, string>>;
  readonly 'timeout-minutes'?: number;
  readonly strategy?: { readonly matrix: Readonly<Record<string, readonly unknown[]>> };
}

interface Workflow {
  readonly permissions: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, Job>>;
}

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = join(root, '.github/workflows');
const files = readdirSync(folder);
const textOf = (file: string) => readFileSync(join(folder, file), 'utf8');
const workflows = new Map(files.map((file) => [file, parse(textOf(file)) as Workflow]));
const { scripts, engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

const jobs = [...workflows].flatMap(([file, { jobs }]) =>
  Object.entries(jobs).map(([name, job]) => ({ label: `${file}, ${name}`, file, name, job })),
);

/** Values of `matrix.run`, also of those in `include`. */
const matrixRuns = ({ strategy }: Job): string[] => {
  const { run = [], include = [] } = strategy?.matrix ?? {};
  const included = include.map((row) => (row as { readonly run?: string }).run);
  return [...run, ...included].filter((one) => typeof one === 'string');
};

const ofMatrix = /\$\{\{ matrix\.\w+ \}\}/;

/** The commands of a job, with the values of its matrix. */
const commandsOf = (job: Job): string[] =>
  job.steps.flatMap(({ run = '' }) =>
    ofMatrix.test(run) ? matrixRuns(job).map((value) => run.replace(ofMatrix, value)) : run,
  );

const npmScripts = (command: string): string[] =>
  [...command.matchAll(/\bnpm (?:run (?:--silent )?([\w:-]+)|(test)\b)/g)].map(
    ([, name, test]) => name ?? test ?? '',
  );

test.each(files)('%s pins each action by the hash of a commit, with its tag', (file) => {
  const uses = textOf(file).match(/^.*\buses:.*$/gm) ?? [];
  expect(uses.length).toBeGreaterThan(0);
  for (const line of uses) expect(line).toMatch(/uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
});

test('one action has one hash', () => {
  const all = files.flatMap((file) => [...textOf(file).matchAll(/uses: ([\w./-]+)@(\S+)/g)]);
  const hashes = new Map<string, Set<string>>();
  for (const [, name = '', hash = ''] of all)
    hashes.set(name, (hashes.get(name) ?? new Set()).add(hash));
  expect([...hashes].filter(([, { size }]) => size > 1)).toEqual([]);
});

test.each([...workflows])('%s may read what is public, and nothing else', (_file, workflow) => {
  expect(workflow.permissions).toEqual({ contents: 'read' });
});

describe.each(jobs)('$label', ({ job }) => {
  test('has an end', () => {
    expect(job['timeout-minutes']).toBeGreaterThan(0);
    expect(job['timeout-minutes']).toBeLessThanOrEqual(360);
  });

  test('runs nothing of the checkout where it may write, and keeps no token where it does', () => {
    const mayWrite = Object.values(job.permissions ?? {}).includes('write');
    const checkouts = job.steps.filter(({ uses = '' }) => uses.startsWith('actions/checkout@'));
    if (mayWrite) {
      expect(checkouts).toEqual([]);
      expect(commandsOf(job).join('\n')).not.toMatch(/\b(npm|node|npx)\b/);
    }
    for (const step of checkouts) expect(step.with?.['persist-credentials']).toBe(false);
  });

  test('starts only scripts that there are', () => {
    const names = commandsOf(job).flatMap(npmScripts);
    expect(names.filter((name) => !(name in scripts))).toEqual([]);
  });

  test('has Node 22, or the oldest that is supported beside it', () => {
    const versions = job.steps
      .filter(({ uses = '' }) => uses.startsWith('actions/setup-node@'))
      .flatMap((step) => {
        const version = String(step.with?.['node-version']);
        return ofMatrix.test(version) ? (job.strategy?.matrix.node ?? []) : version;
      });
    for (const version of versions) expect(['20.18.0', '22']).toContain(version);
  });
});

test('the oldest Node is tested, and is the one that package.json names', () => {
  expect(engines.node).toMatch(/^\^20\.18 /);
  expect(workflows.get('ci.yml')?.jobs.check?.strategy?.matrix.node).toEqual(['20.18.0', '22']);
});

test('every suite of the night, and every fuzzer, is started by a workflow', () => {
  const started = jobs
    .flatMap(({ job }) => commandsOf(job))
    .flatMap((command) => [...command.matchAll(/\bnpm run (nightly|fuzz) -- ([\w-]+)/g)])
    .map(([, menu, name]) => `${menu} ${name}`);
  const wanted = (['nightly', 'fuzz'] as const).flatMap((menu) =>
    Object.keys(menus[menu])
      .filter((name) => name !== '')
      .map((name) => `${menu} ${name}`),
  );
  expect(wanted.length).toBeGreaterThan(20);
  expect(wanted.filter((name) => !started.includes(name))).toEqual([]);
});

test('publishing waits for every other job', () => {
  const ci = workflows.get('ci.yml')?.jobs ?? {};
  const { publish, ...others } = ci as Record<string, Job & { readonly needs?: string[] }>;
  expect(publish?.needs?.toSorted()).toEqual(Object.keys(others).sort());
});

test('no script of a package runs where a release is made', () => {
  const { commands } = releaseSteps();
  const installs = commands.filter((command) => command.startsWith('npm ci'));
  expect(installs).toEqual(['npm ci --no-audit --no-fund --ignore-scripts']);
});

test('publishing waits for the approval that the project asks for, and for the tag that was built', () => {
  const { publish } = workflows.get('ci.yml')?.jobs ?? {};
  expect(publish?.environment).toBe('release');
  const commands = publish === undefined ? [] : commandsOf(publish);
  const place = (text: string) => commands.findIndex((command) => command.includes(text));
  expect(place('= "$GITHUB_SHA"')).toBeGreaterThan(-1);
  expect(place('gh release create')).toBeGreaterThan(place('= "$GITHUB_SHA"'));
});

test('the dry run of a release does every step of the job, as it stands there', () => {
  const steps = workflows.get('ci.yml')?.jobs.release?.steps ?? [];
  const { packages, commands } = releaseSteps();
  const install = `sudo apt-get update -qq && sudo apt-get install -y -qq ${packages.join(' ')}`;
  const typed = steps.filter(({ run }) => run !== undefined);
  expect(typed.map(({ run }) => run)).toEqual([install, ...commands]);
  // A condition, a directory or a variable of a step would be the workflow's alone.
  expect(typed.flatMap((step) => Object.keys(step)).filter((key) => key !== 'run')).toEqual([]);
  expect(commands.at(-1)).toBe('npm run release');
});

/** Jobs that start sandboxes of a build, by what they type. */
const launching = jobs.filter(({ job }) =>
  job.steps.some(({ run = '' }) =>
    /\bnpm run (nightly|fuzz|\$\{\{ matrix)|\.ci\/run|test\/run\.mjs/.test(run),
  ),
);

test.each(launching)('$label lets programs without a profile make user namespaces', ({ job }) => {
  const all = job.steps.map(({ run = '' }) => run);
  const opened = all.findIndex((run) =>
    /^echo 0 (>|\| sudo tee )\/proc\/sys\/kernel\/apparmor_restrict_unprivileged_userns$/.test(run),
  );
  expect(opened).toBeGreaterThanOrEqual(0);
  expect(opened).toBeLessThan(all.findIndex((run) => /\bnpm run|\.ci\/run|test\/run/.test(run)));
});

test('the package is tried where programs without a profile may make none', () => {
  const { installed } = workflows.get('ci.yml')?.jobs ?? {};
  expect(launching.length).toBeGreaterThanOrEqual(5);
  expect(commandsOf(installed as Job).join('\n')).not.toContain('apparmor');
});

test("a suite that makes Debian's roots or kernels has Debian's keys on the workflows' Ubuntu", () => {
  const lines = files.flatMap((file) => textOf(file).split('\n'));
  const makes = lines.filter((line) => /\b(mmdebstrap|qemu-system-x86)\b/.test(line));
  expect(makes.length).toBeGreaterThan(5);
  expect(makes.filter((line) => !line.includes('debian-archive-keyring'))).toEqual([]);
  const ubuntu = 'Packages|Ubuntu|Ubuntu|http://u.example/ubuntu/|/usr/share/keyrings/u.gpg\n';
  const debian = 'Packages|Debian|Debian|http://d.example/debian/|$(SIGNED_BY)\n';
  expect(debianAmong(ubuntu)).toEqual({
    uri: 'http://deb.debian.org/debian/',
    key: '/usr/share/keyrings/debian-archive-keyring.gpg',
  });
  expect(debianAmong(ubuntu + debian)).toEqual({ uri: 'http://d.example/debian/', key: undefined });
});

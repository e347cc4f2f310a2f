// Bundles the sources: dist/cli-main.cjs (the command, one file, with the code that V8 makes of it in
// dist/cli-main.V8-PROCESSOR.cache, so that it starts fast; dist/cli.js and dist/cli.cjs load it),
// dist/cli-policy.cjs (what only `wasbox policy` needs), dist/bullmq.js and dist/worker.js (workers of a queue), dist/index.js
// (the library, with part-*.js and session-owner.js: see library.mjs) and dist/policy.js (the policy core's face, which also runs in browsers).
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { buildEngineFor } from '../addon/engine/build.mjs';
import { bundleLibrary } from './library.mjs';
import { thirdParties } from './notices/parties.mjs';
import { billOfMaterials, thirdPartyNotices } from './notices/write.mjs';
import { pureModules } from './pure-modules.mjs';

const src = dirname(fileURLToPath(import.meta.url));
const dist = join(src, '..', 'dist');

/** @type {import('esbuild').BuildOptions} */
const common = {
  absWorkingDir: join(src, '..'),
  outdir: dist,
  bundle: true,
  format: 'esm',
  target: 'es2023',
  charset: 'utf8',
  legalComments: 'none',
  logLevel: 'warning',
  metafile: true,
  plugins: [pureModules],
  // The package's build for Node requires modules of Node, for what is not used of it here.
  alias: { yaml: join(src, '..', 'node_modules', 'yaml', 'browser', 'index.js') },
};

/** @type {import('esbuild').BuildOptions} */
const node = { ...common, platform: 'node', target: 'node20.18' };

/**
 * Keeps what only `wasbox policy` needs out of the bundle that every run loads.
 * @type {import('esbuild').Plugin}
 */
const policyVerbsApart = {
  name: 'policy-verbs-apart',
  setup({ onResolve }) {
    onResolve({ filter: /^\.\/all\.js$/ }, ({ importer }) =>
      importer === join(src, 'cli', 'policy', 'index.ts')
        ? { path: './cli-policy.cjs', external: true }
        : undefined,
    );
  },
};

/** A script has no import.meta. */
const ofScript = {
  ...node,
  outExtension: { '.js': '.cjs' },
  format: 'cjs',
  supported: { 'dynamic-import': false },
  charset: 'ascii',
  define: { 'import.meta.url': 'bundleUrl' },
  minifySyntax: true,
  minifyWhitespace: true,
};
const bundleUrl = `const bundleUrl=require('node:url').pathToFileURL(__filename).href;`;

// Code for the bundle that was, of which V8 compares no more than the length; parts have other names.
mkdirSync(dist, { recursive: true });
for (const name of readdirSync(dist)) {
  if (name.endsWith('.cache') || /^part-.*\.js$/.test(name)) rmSync(join(dist, name));
}

const bundles = await Promise.all([
  build({
    ...ofScript,
    plugins: [policyVerbsApart, pureModules],
    entryPoints: { 'cli-main': join(src, 'cli', 'entry.ts') },
    // A function that boot.cjs calls: it has no module scope either.
    banner: { js: `(function (require, __filename, module, importModule) {${bundleUrl}` },
    footer: { js: '})' },
  }),
  build({
    ...ofScript,
    entryPoints: { 'cli-policy': join(src, 'cli', 'policy', 'all.ts') },
    banner: { js: bundleUrl },
  }),
  bundleLibrary(src, node),
  // The MCP server with its SDK, loaded by `wasbox mcp` only. What it shares with the library it takes from there.
  build({
    ...node,
    entryPoints: { mcp: join(src, 'mcp', 'index.ts') },
    minifySyntax: true,
    minifyWhitespace: true,
    plugins: [
      {
        name: 'library',
        setup({ onResolve }) {
          onResolve({ filter: /^\.\.\/index\.js$/ }, ({ importer }) =>
            dirname(importer) === join(src, 'mcp')
              ? { path: './index.js', external: true }
              : undefined,
          );
        },
      },
    ],
  }),
  // This bundle does what `wasbox image` does, with the tar reader: loaded by that verb only.
  build({
    ...node,
    entryPoints: { 'image-store': join(src, 'image-store', 'index.ts') },
    // streamx, which tar-stream builds on, is CommonJS.
    banner: {
      js: `import { createRequire } from 'node:module';const require=createRequire(import.meta.url);`,
    },
    minifySyntax: true,
    minifyWhitespace: true,
  }),
  // Workers of a queue, and the command that starts one. BullMQ and what else is optional stays outside.
  build({
    ...node,
    entryPoints: {
      bullmq: join(src, 'bullmq', 'index.ts'),
      worker: join(src, 'bullmq', 'command.ts'),
    },
    external: ['bullmq', 'ioredis', '@opentelemetry/api'],
    minifySyntax: true,
    minifyWhitespace: true,
    plugins: [
      {
        name: 'beside',
        setup({ onResolve }) {
          onResolve({ filter: /^\.\.?\/index\.js$/ }, ({ importer, path }) => {
            if (dirname(importer) !== join(src, 'bullmq')) return undefined;
            return { path: path === './index.js' ? './bullmq.js' : './index.js', external: true };
          });
        },
      },
    ],
  }),
  // No platform: whatever needs node: must not creep in, and then fails here.
  build({
    ...common,
    platform: 'neutral',
    mainFields: ['module', 'main'],
    entryPoints: { policy: join(src, 'policy.ts') },
  }),
]);

const root = join(src, '..');
// `--all`: for each processor that a release serves, where this one can make it.
const processors = process.argv.includes('--all') ? ['x64', 'arm64'] : [process.arch];
const metafiles = bundles.map(({ metafile }) => metafile);
// A package without terms is told before the engines are compiled, which takes minutes.
thirdParties(root, metafiles, undefined, processors);

for (const [name, text] of bundles[2].files) writeFileSync(join(dist, name), text);
for (const name of ['library.js', 'errors.js']) rmSync(join(dist, name), { force: true });

// boot.cjs reads it as one byte a character; esbuild escapes strings, but no regular expressions.
const odd = /.{0,60}[\u0080-\uffff]/.exec(readFileSync(join(dist, 'cli-main.cjs'), 'utf8'));
if (odd !== null) throw new Error(`the bundle is not plain ASCII: write \\u escapes at: ${odd[0]}`);

// The ES module is the stable name; a caller that wants the faster start uses the other: to make its loader
// of ES modules ready takes Node milliseconds.
const boot = readFileSync(join(src, 'cli', 'boot.cjs'), 'utf8');
writeFileSync(join(dist, 'cli.cjs'), boot);
writeFileSync(join(dist, 'cli.js'), "#!/usr/bin/env node\nimport './cli.cjs';\n");

// npm's bin: a shell script that becomes the native command, and, for launchers that call `node FILE`, JavaScript at
// the same time. What the shell reads is a comment to JavaScript; it never comes behind it. Yarn 2 and newer call
// `node FILE` whatever the #! line says, except for files that end in .bin; a package.json makes those CommonJS.
const launcher = readFileSync(join(src, 'cli', 'launcher.sh'), 'utf8');
if (launcher.includes('*/')) throw new Error('launcher.sh would end the comment around it');
mkdirSync(join(dist, 'bin'), { recursive: true });
writeFileSync(
  join(dist, 'bin/wasbox.bin'),
  `#!/bin/sh\n":" /*\n${launcher}# */;\nrequire('../cli.cjs');\n`,
);
writeFileSync(join(dist, 'bin/package.json'), '{ "type": "commonjs" }\n');
for (const name of ['cli.js', 'cli.cjs', 'bin/wasbox.bin']) chmodSync(join(dist, name), 0o755);

// The manual page, from the tables of the command line; its date stands here, so that two builds give
// the same bytes.
const manual = join(dist, 'manual.build.mjs');
await build({
  ...node,
  outdir: undefined,
  outfile: manual,
  entryPoints: [join(src, 'cli/manual.ts')],
});
const { manualPage } = await import(manual);
rmSync(manual);
const { version } = JSON.parse(readFileSync(join(src, '..', 'package.json'), 'utf8'));
mkdirSync(join(dist, 'man'), { recursive: true });
writeFileSync(join(dist, 'man', 'wasbox.1'), await manualPage(version, '2026-11-25'));

// Built-in policies as filters, so that an ordinary run need not compile one. The engine has them in its image.
const { builtinNames, compilePolicy, init, listCalls, listConstants } = await import(
  join(dist, 'policy.js')
);
await init();
const oldestKernel = '5.12'; // of those that wasbox runs on
rmSync(join(dist, 'filters'), { recursive: true, force: true });
mkdirSync(join(dist, 'filters'), { recursive: true });
for (const builtin of builtinNames()) {
  for (const arch of ['x86_64', 'aarch64']) {
    const { bpf } = compilePolicy({ builtin }, { arch, kernel: oldestKernel });
    writeFileSync(join(dist, 'filters', `${builtin}.${arch}.bpf`), bpf);
  }
}

const engines = [];
for (const arch of processors) engines.push(await buildEngineFor(arch));
const engine = engines.find((one) => one !== undefined);
const parties = thirdParties(root, metafiles, engine, processors);
writeFileSync(join(dist, 'THIRD-PARTY.txt'), thirdPartyNotices(parties));
writeFileSync(join(dist, 'sbom.cdx.json'), billOfMaterials(root, parties));

copyFileSync(join(src, 'report', 'report.schema.json'), join(dist, 'report.schema.json'));

// These tables name calls and errors, so that a report of a refusal need not load the core.
rmSync(join(dist, 'tables'), { recursive: true, force: true });
mkdirSync(join(dist, 'tables'), { recursive: true });
for (const arch of ['x86_64', 'aarch64']) {
  const constants = [...listConstants(arch)].map(([set, members]) => [
    set,
    members.map(({ name, value }) => [name, value.toString()]),
  ]);
  const text = JSON.stringify({ calls: listCalls(arch), constants });
  writeFileSync(join(dist, 'tables', `${arch}.json`), text);
}

// Last, since it runs the command: V8 keeps the code of the functions that ran.
const warmUp = spawnSync(process.execPath, [join(src, 'code-cache.mjs'), dist], {
  stdio: ['ignore', 'ignore', 'inherit'],
});
if (warmUp.status !== 0) throw new Error(`src/code-cache.mjs exited ${warmUp.status}`);

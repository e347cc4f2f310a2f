import { fileURLToPath } from 'node:url';
import { configDefaults, defineConfig } from 'vitest/config';
import { hasSecondPass } from './support/second-pass.mjs';

/** Tests that start sandboxes: they need a build, and under root a second, ordinary user. */
const launching = ['test/integration/**/*.test.ts', 'test/attacks/**/*.test.ts'];

/** Tests of the documentation: they need the built site, and start sandboxes for its examples. */
const documentation = ['test/browser/**/*.test.ts', 'test/docs/**/*.test.ts'];

/** Unit tests of code that asks the machine nothing. */
const pure = [
  ...['core', 'fleet', 'image', 'kubernetes', 'learn', 'options', 'playground', 'policy', 'preset'],
  ...['profile', 'report', 'syscalls', 'tables', 'text', 'convert'],
].map((name) => `test/unit/${name}/**/*.test.ts`);

/** Long tests whose outcome does not depend on the user. */
const anyUser = [
  'test/browser/**/*.test.ts',
  'test/integration/bad-policies.test.ts',
  'test/integration/bundles.test.ts',
  'test/integration/engine-policies.test.ts',
  'test/integration/engine-random.test.ts',
  'test/integration/mcp.test.ts',
  'test/integration/types.test.ts',
  'test/golden/**/*.test.ts',
  ...pure,
];
const later = hasSecondPass ? anyUser : [];

export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  test: {
    // Far beyond what a busy machine needs: they end what hangs.
    testTimeout: 180_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 100_000 } },
    pool: 'forks',
    maxWorkers: 4, // they wait for terminals, browsers and sandboxes half of their time
    maxConcurrency: 2,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: [...launching, ...documentation, ...later],
        },
      },
      {
        extends: true,
        test: {
          name: 'launch',
          include: launching,
          exclude: [...configDefaults.exclude, ...later],
          globalSetup: ['test/support/global-setup.ts'],
          setupFiles: ['test/support/two-ways-proof.ts'],
          testTimeout: 400_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'docs',
          include: documentation,
          exclude: [...configDefaults.exclude, ...later],
          globalSetup: ['test/support/global-setup.ts', 'test/support/site-setup.ts'],
          setupFiles: ['test/support/two-ways-proof.ts'],
          testTimeout: 400_000,
        },
      },
    ],
  },
});

import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { installedFiles, installedLibrary, useBuilt } from './support/built.mjs';
import { longest, projects } from './tiers.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Long files first; the others as vitest has them. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const at = longest.indexOf(moduleId.slice(root.length));
      return at < 0 ? longest.length : at;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}

// Tests compare modes with what a umask of 022 makes of them; some logins set another.
process.umask(0o022);
useBuilt();

export default defineConfig({
  root,
  plugins: [installedLibrary],
  test: {
    // Far beyond what a busy machine needs: they end what hangs.
    testTimeout: 180_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 100_000 } },
    runner: 'test/support/runner.ts',
    pool: 'forks',
    maxWorkers: 4, // they wait for terminals, browsers and sandboxes half of their time
    maxConcurrency: 2,
    // Node loads these: vitest's own loader would have a `module` around them.
    server: { deps: { external: installedFiles } },
    sequence: { sequencer: LongestFirst },
    projects: [
      { extends: true, test: { name: 'pure', ...projects.pure, isolate: false } },
      { extends: true, test: { name: 'unit', ...projects.unit, isolate: false } },
      { extends: true, test: { name: 'mocking', ...projects.mocking } },
      {
        extends: true,
        test: {
          name: 'launch',
          ...projects.launch,
          globalSetup: ['test/support/global-setup.ts'],
          setupFiles: ['test/support/two-ways-proof.ts'],
          testTimeout: 400_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'docs',
          ...projects.docs,
          globalSetup: ['test/support/global-setup.ts', 'test/support/site-setup.ts'],
          setupFiles: ['test/support/two-ways-proof.ts'],
          testTimeout: 400_000,
        },
      },
    ],
  },
});

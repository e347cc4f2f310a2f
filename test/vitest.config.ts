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

/** Starts through the native command are counted by file: there each file has a process of its own. */
const startsAreCounted = process.env.WASBOX_TEST_FASTPATH === '1';

const site = 'test/support/site-setup.ts';

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
    maxWorkers: 6, // on two processors: with four, which wait for terminals, browsers and sandboxes, a quarter was idle
    maxConcurrency: 2,
    // Node loads these: vitest's own loader would have a `module` around them.
    server: { deps: { external: installedFiles } },
    sequence: { sequencer: LongestFirst },
    projects: [
      { extends: true, test: { name: 'pure', ...projects.pure, isolate: false } },
      { extends: true, test: { name: 'unit', ...projects.unit, isolate: false } },
      { extends: true, test: { name: 'mocking', ...projects.mocking } },
      ...(['launch', 'launch-mocking', 'docs'] as const).map((name) => ({
        extends: true as const,
        test: {
          name,
          ...projects[name],
          // Files share the processes of the tests, which import vitest and the library once each.
          isolate: name === 'launch-mocking' || startsAreCounted,
          globalSetup: ['test/support/global-setup.ts', ...(name === 'docs' ? [site] : [])],
          setupFiles: ['test/support/each-file.ts'],
          testTimeout: 400_000,
        },
      })),
    ],
  },
});

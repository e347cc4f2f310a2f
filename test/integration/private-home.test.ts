/**
 * What a program writes to its private home is discarded with the run, and said; a failure at a terminal leads on.
 * Needs: user namespaces, overlayfs in them.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunReport } from '../../src/index.js';
import { makeFastpath } from '../support/fastpath.js';
import { identities, ordinaryUser } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { onTerminal } from '../support/terminal.js';
import { runWasbox, wasboxArgv } from '../support/wasbox.js';

const write =
  'echo x >> ~/.wasbox-test-rc; mkdir -p ~/.local/bin; echo x > ~/.local/bin/wasbox-test-tool';
const line =
  'wasbox: 2 files written to the private home were discarded: ~/.local/bin/wasbox-test-tool, ~/.wasbox-test-rc\n';

describe.each(identities())('as $label', (as) => {
  const cwd = makeProject(as);

  it('is named in one line, and nothing of it is on the host', async () => {
    const run = await runWasbox(['run', '-c', write], { as, cwd });
    expect([run.status, run.err]).toEqual([0, line]);
    expect(existsSync(join(as.home, '.wasbox-test-rc'))).toBe(false);
    const quiet = await runWasbox(['run', '-q', '-c', write], { as, cwd });
    expect([quiet.status, quiet.err]).toEqual([0, '']);
  });

  it('is not reported if nothing is written, or if it is removed again', async () => {
    const code = 'echo x > ~/x; rm ~/x; mkdir ~/empty; echo y > /tmp/y';
    const run = await runWasbox(['run', '-c', code], { as, cwd });
    expect([run.status, run.err]).toEqual([0, '']);
  });

  it('is in the report, escaped, and counted where there are many', async () => {
    const code =
      'i=0; while [ $i -lt 900 ]; do echo > ~/crowd-of-names-$i; i=$((i+1)); done; echo > "$(printf "$HOME/a\\033b")"';
    const run = await runWasbox(['run', '--json', '-c', code], { as, cwd });
    const { home } = JSON.parse(run.err) as RunReport;
    expect(home?.files).toBe(901);
    expect(home?.paths.length).toBeGreaterThan(300);
    expect(home?.paths.join('\n')).not.toContain('\u001b');
  });

  it('leaves out what the sandbox itself puts there', async () => {
    const tools = makeProject(as, { 'data/file': 'x' });
    const into = [
      '--ro',
      `${join(tools, 'data')}:${as.home}/data`,
      '--ro',
      `${join(tools, 'data/file')}:${as.home}/file`,
    ];
    const run = await runWasbox(['run', ...into, '-c', 'cat ~/file; echo x > ~/own'], { as, cwd });
    expect([run.out, run.err]).toEqual([
      'x',
      'wasbox: 1 file written to the private home was discarded: ~/own\n',
    ]);
  });

  it('a failure says how to see more, where a person reads stderr', async () => {
    const failing = wasboxArgv(as, ['run', '-c', 'cat ~/.config/missing; exit 3']);
    const seen = await onTerminal(failing, { as, cwd });
    expect(seen.exit).toBe(3);
    expect(seen.output).toContain(
      'exited 3. To see what was blocked or hidden: wasbox run --audit -v',
    );
    const piped = await runWasbox(['run', '-c', 'exit 3'], { as, cwd });
    expect([piped.status, piped.err]).toEqual([3, '']);
    // What it leads to names the file.
    const audit = await runWasbox(['run', '--audit', '-v', '-c', 'cat ~/.config/missing; exit 3'], {
      as,
      cwd,
    });
    expect(audit.err).toContain('.config/missing');
  });
});

it('is named by a start without Node as well', async () => {
  const as = ordinaryUser();
  const cwd = makeProject(as);
  const fastpath = makeFastpath(as);
  for (const times of [1, 2, 3]) {
    const run = await fastpath.run(['run', '-c', write], { cwd });
    expect([times, run.status, run.err]).toEqual([times, 0, line]);
  }
  // Control: without such files it is over without Node.
  await fastpath.run(['run', '-c', 'true'], { cwd });
  expect(await fastpath.run(['run', '-c', 'true'], { cwd })).toMatchObject({ nodes: 0, err: '' });
});

/**
 * `--dry-run` prints what a run starts: its plan is that of the run, byte for byte but for the run's id.
 * The run's plan is taken where it goes into the addon, by a hook that Node loads first. As the ordinary
 * user: as root each run draws its ids.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ordinaryUser, stateOf } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { onTerminal } from '../support/terminal.js';
import { runProgram } from '../support/wasbox.js';

const as = ordinaryUser();

/** Writes the plan of a start to the file that PLAN names. */
const hook = `'use strict';
const { dlopen, env } = process;
const file = env.PLAN;
delete env.PLAN;
process.dlopen = (module, ...rest) => {
  dlopen.call(process, module, ...rest);
  const { launch } = module.exports;
  if (file === undefined || launch === undefined) return;
  module.exports = Object.assign(Object.create(module.exports), {
    launch(request, ...more) {
      require('node:fs').writeFileSync(file, request.plan);
      return launch.call(this, request, ...more);
    },
  });
};
`;

/** How the command line is started; \`"$@"\` is it. Its standard streams are sockets otherwise. */
type Streams = string | 'terminal' | undefined;

/** Starts \`wasbox run\` with the words, and says what it wrote. */
async function start(
  cwd: string,
  words: readonly string[],
  streams: Streams,
  plan = '',
  stdin?: string,
): Promise<string> {
  const argv = [process.execPath, '--require', join(cwd, '../hook.cjs'), as.cli, ...words];
  // The home is one in which other tests make nothing.
  const env = { XDG_STATE_HOME: stateOf(as), PWD: cwd, PLAN: plan, HOME: join(cwd, '../home') };
  const options = { as, cwd, env, stdin };
  if (streams === 'terminal') {
    const { exit, output, timedOut } = await onTerminal(argv, options, [], 100);
    expect([exit, timedOut], output).toEqual([0, false]);
    return output;
  }
  const shell = streams === undefined ? [] : ['/bin/sh', '-c', streams, 'sh'];
  const { status, out, err } = await runProgram([...shell, ...argv], options);
  expect(status, err).toBe(0);
  return out;
}

interface Plans {
  readonly dry: Buffer;
  readonly run: Buffer;
}

let count = 0;

/** The plan of a dry run, and that of the run after it, with zeros for its id. */
async function plansOf(
  cwd: string,
  words: readonly string[],
  streams?: Streams,
  stdin?: string,
): Promise<Plans> {
  count += 1;
  const file = join(cwd, `../plan-${count}`);
  const out = await start(cwd, ['run', '--dry-run', '--json', ...words], streams, undefined, stdin);
  const { plan } = JSON.parse(out.slice(out.indexOf('{'))) as { plan: string };
  await start(cwd, ['run', '--discard', ...words], streams, file, stdin);
  const run = fs.readFileSync(file, 'latin1');
  const id = new RegExp(`(?<=${stateOf(as)}/wasbox/runs/)[0-9a-z]{9}(?=/)`, 'g');
  return {
    dry: Buffer.from(plan, 'base64'),
    run: Buffer.from(run.replace(id, '0'.repeat(9)), 'latin1'),
  };
}

/** A project in a directory that the user may write to beside it. */
function project(): string {
  const parent = makeProject(as, {
    'hook.cjs': hook,
    'work/script.py': 'print(1)\n',
    'work/.env': 'KEY=1\n',
    'work/input': 'text\n',
    'work/tight.policy': 'include "default"\n',
    'home/.ssh/id': 'key\n',
    'home/file': 'text\n',
    'data/file': 'text\n',
    'tree/file': 'text\n',
    'p.toml': 'allow = ["ptrace"]\n[limits]\npids = 50\n',
  });
  return join(parent, 'work');
}

describe('the plan of --dry-run is that of the run', () => {
  const cwd = project();
  const cases: [words: readonly string[], streams?: Streams, stdin?: string][] = [
    [['--', 'true']],
    [['script.py', 'a', 'ä']],
    [['-c', '#!/usr/bin/python3\nprint(1)']],
    [['-'], undefined, 'echo 1\n'],
    [['--ro', '../home', '--', 'true']],
    [['--rw', '../data', '--', 'true']],
    [['--rw', '..', '--env', 'XDG_STATE_HOME', '--', 'true']],
    [['--cow', '../tree', '--', 'true']],
    [['--hide', '.env', '--hide-secrets', '--', 'true']],
    [['--net', 'example.com:443', '--net-deny', '10.0.0.0/8', '--', 'true']],
    [['--net', 'host', '--', 'true']],
    [['--memory', '1G', '--timeout', '50', '--pids', '50', '--output', '1M', '--', 'true']],
    [['--policy', 'tight.policy', '--', 'true']],
    [['--profile', '../p.toml', '--', 'true']],
    [['--allow', 'ptrace', '--audit', '--', 'true']],
    [['--', 'true'], '"$@" <input'],
    [['--', 'true'], '"$@" <>input'],
    [['--', 'true'], 'echo | "$@" | cat'],
    [['--', 'true'], '"$@" </dev/null 2>err'],
    [['--', 'true'], 'terminal'],
    [['--tty', 'never', '--', 'true'], 'terminal'],
    [['--ask', '--', 'true'], 'terminal'],
  ];

  test.each(cases)('%j with %s', async (words, streams, stdin) => {
    const { dry, run } = await plansOf(cwd, words, streams, stdin);
    expect(dry.length).toBeGreaterThan(1000);
    expect(dry.equals(run), `of ${dry.length} and ${run.length} bytes`).toBe(true);
  });

  test('it differs only where streams and mounts do', async () => {
    const plain = await plansOf(cwd, ['--', 'true']);
    const written = await plansOf(cwd, ['--', 'true'], '"$@" 3<>input <&3');
    const home = await plansOf(cwd, ['--ro', '../home', '--', 'true']);
    expect(plain.dry.equals(written.run)).toBe(false);
    expect(plain.dry.equals(home.run)).toBe(false);
  });
});

test('--dry-run lists the state directory where the run hides it', async () => {
  const cwd = project();
  const state = join(stateOf(as), 'wasbox');
  const shown = join(state, '../..');
  const out = await start(cwd, ['run', '--dry-run', '--ro', shown, '--', 'true'], undefined);
  expect(out).toContain(`hidden           ${state}`);
  // Control: where nothing shows it, it is not listed.
  expect(await start(cwd, ['run', '--dry-run', '--', 'true'], undefined)).not.toContain(state);
});

test('--dry-run refuses a policy that does not compile', async () => {
  const cwd = project();
  fs.writeFileSync(join(cwd, 'tight.policy'), 'nonsense here\n');
  const argv = [process.execPath, as.cli, 'run', '--dry-run', '--policy', 'tight.policy', 'true'];
  const { status, out } = await runProgram(argv, { as, cwd });
  expect([status, out]).toEqual([125, '']);
});

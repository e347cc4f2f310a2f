/** `why` for programs: what a run lacked, and the run that has it. Needs: user namespaces, overlayfs in them. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type RunReport, renderReport, run, UsageError, why } from '../../src/index.js';

import { libraryPlace } from '../support/library-place.js';

const { workdir, state } = libraryPlace('why');
/** A file of the user's that a run hides. */
const hidden = join(homedir(), `.wasbox-why-${process.pid}`, 'a file');
mkdirSync(join(hidden, '..'));
writeFileSync(hidden, 'outside\n');
afterAll(() => rmSync(join(hidden, '..'), { recursive: true }));

describe('why(options)', () => {
  test('finds the file that a program lacks, and the options that give it', async () => {
    const options = { command: 'cat', args: [hidden], workdir };
    expect((await run(options)).stdout).toBe('');
    const { lacks, fix, outcome, command, result } = await why(options);
    expect(lacks[0]).toMatchObject({ kind: 'file', what: `openat ${hidden}` });
    expect(lacks[0]?.cause).toContain('hidden');
    expect([outcome.exitCode, command.at(-1), result.stdout]).toEqual([1, hidden, '']);
    expect(fix).toEqual({ ro: [hidden] });
    expect((await run({ ...options, ...fix })).stdout).toBe('outside\n');
  });

  test('adds to what the options have: paths, rules of the network', async () => {
    const given = { workdir, ro: ['/etc/hostname'], net: ['192.0.2.0/24:9'] };
    const files = await why({ command: 'cat', args: [hidden], ...given });
    expect(files.fix).toEqual({ ro: ['/etc/hostname', hidden] });
    const code = 'import socket\nsocket.create_connection(("198.51.100.7", 80), 1)';
    const network = await why({ lang: 'python', code, ...given });
    expect(network.fix).toEqual({ net: '192.0.2.0/24:9,198.51.100.7:80' });
  });

  test('leaves nothing of the run, whatever the options say', async () => {
    const writable = join(state, 'writable');
    mkdirSync(writable);
    const code = `echo x > ${writable}/new; echo x > made; echo said; read word; echo "$word"`;
    const options = { code, workdir, rw: [writable], changes: 'apply', input: 'heard\n' } as const;
    const { result, notes, lacks, fix } = await why(options);
    expect(result.stdout).toBe('said\nheard\n');
    expect(notes.join()).toContain('copy-on-write');
    expect([lacks, fix, result.kept]).toEqual([[], undefined, undefined]);
    expect([existsSync(join(writable, 'new')), existsSync(join(workdir, 'made'))]).toEqual([
      false,
      false,
    ]);
    // The control: the run itself writes both.
    await run(options);
    expect([existsSync(join(writable, 'new')), existsSync(join(workdir, 'made'))]).toEqual([
      true,
      true,
    ]);
  });

  test('does not start what would write to a real file', async () => {
    const real = join(state, 'real');
    writeFileSync(real, 'as it was');
    const rewriting = why({ code: `echo x > ${real}`, workdir, rw: [real] });
    await expect(rewriting).rejects.toMatchObject({ code: 'ERR_USAGE' });
  });
});

describe('why(report)', () => {
  test('reads an audit, also one that was a file', async () => {
    const { report } = await run('cat', [hidden], { workdir, audit: true });
    const { lacks } = await why(JSON.parse(JSON.stringify(report)));
    expect(lacks[0]?.option).toBe(`--ro '${hidden}'`);
  });

  test('says what to pass instead', async () => {
    const result = await run('true', [], { workdir });
    await expect(why(result.report)).rejects.toMatchObject({
      code: 'ERR_OPTION_VALUE',
      hint: expect.stringContaining('audit: true'),
    });
    await expect(why(result as never)).rejects.toMatchObject({
      hint: expect.stringContaining('why(result.report)'),
    });
    await expect(why(7 as never)).rejects.toThrow(UsageError);
    await expect(why({ code: 'true', timout: 5 } as never)).rejects.toMatchObject({
      code: 'ERR_OPTION_UNKNOWN',
    });
  });
});

test.each([
  ['nothing', undefined],
  ['another object', { schemaVersion: 1 }],
  ['a text', '{"schemaVersion":1}'],
  ['a report with parts missing', { schemaVersion: 1, argv: [], outcome: { kind: 'exited' } }],
])('renderReport and why of %s are errors of wasbox', async (_, value) => {
  const report = value as unknown as RunReport;
  for (const format of ['text', 'html'] as const) {
    const shown = renderReport(report, format);
    await expect(shown, format).rejects.toMatchObject({ name: 'UsageError' });
  }
  await expect(why(report)).rejects.toThrow(/^(why|option|run|unknown)/);
});

/**
 * Tests what the Model Context Protocol requires of a server's tools and of what it asks the client, spoken line by
 * line without an SDK. Needs: user namespaces, overlayfs in them.
 */
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { listTree } from '../support/host.js';
import { ordinaryUser } from '../support/identity.js';
import { initialize, type Message, Wire } from '../support/mcp-wire.js';
import { makeProject } from '../support/project.js';

const as = ordinaryUser();

describe('tools', () => {
  it('each has a name of its own, a description and an object as schema', async () => {
    const wire = new Wire(as);
    await wire.begin();
    const { result } = await wire.ask(1, 'tools/list');
    const names = result.tools.map(({ name }: { name: string }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { name, description, inputSchema } of result.tools) {
      expect(name).toMatch(/^[A-Za-z0-9_.-]{1,128}$/);
      expect([name, description.length > 10, inputSchema.type]).toEqual([name, true, 'object']);
    }
    await wire.end();
  });

  it('each schema is valid, and an answer has the same fields, however a program ends', async () => {
    const wire = new Wire(as);
    await wire.begin();
    const { result } = await wire.ask('list', 'tools/list');
    const ajv = new Ajv({ strict: false });
    for (const { inputSchema: schema } of result.tools) {
      expect(schema.$schema).toBe('http://json-schema.org/draft-07/schema#');
      expect([ajv.validateSchema(schema), ajv.errors]).toEqual([true, null]);
    }
    const fields =
      'denied duration_ms exit_code outcome signal stderr stderr_bytes stdout stdout_bytes truncated';
    const busy = 'while :; do :; done';
    for (const [argv, more, seen] of [
      [['true'], {}, { outcome: 'exited', exit_code: 0 }],
      [['sh', '-c', 'kill -9 $$'], {}, { outcome: 'signaled', signal: 'SIGKILL' }],
      [['sleep', '1000'], { timeout_ms: 50 }, { outcome: 'timeout' }],
      [['sh', '-c', busy], { cpu_ms: 100 }, { outcome: 'limit', limit: 'cpu' }],
      [['head', '-c', '200000', '/dev/zero'], {}, { truncated: true }],
      [['cat', makeProject(as)], {}, { denied: [{ kind: 'file' }] }],
    ] as const) {
      const answered = await wire.call(String(argv), 'run_command', { argv, ...more });
      const value = JSON.parse(answered.result.content[0].text);
      expect(value).toMatchObject(seen);
      const names = Object.keys(value).filter((name) => name !== 'limit');
      expect([argv, names.sort().join(' ')]).toEqual([argv, fields]);
    }
    await wire.end();
  });

  it('a request for a task, which it does not offer, is ignored', async () => {
    const wire = new Wire(as);
    await wire.begin({ ...initialize, protocolVersion: '2025-11-25' });
    const args = { argv: ['echo', 'at once'] };
    const { result } = await wire.call(1, 'run_command', args, { task: { ttl: 60_000 } });
    expect(JSON.parse(result.content[0].text).stdout).toBe('at once\n');
    await wire.end();
  });

  it('answer once with what a program wrote, in at most 16 KiB: the beginning and the end', async () => {
    const wire = new Wire(as);
    await wire.begin();
    const lines = `${'x'.repeat(40)}"\\\u00e9\n`.repeat(5000);
    for (const [id, stream] of [
      ['out', 'stdout'],
      ['err', 'stderr'],
    ] as const) {
      const code = `import sys\nsys.${stream}.write("begin\\n" + sys.stdin.read() + "the end\\n")`;
      const args = { language: 'python', code, stdin: lines };
      const { result } = await wire.call(id, 'run_code', args);
      expect(Object.keys(result).sort()).toEqual(['content', 'isError']);
      expect(result.content).toHaveLength(1);
      const [{ text }] = result.content;
      expect(Buffer.byteLength(text)).toBeLessThan(16_384);
      const value = JSON.parse(text);
      expect(value[stream]).toMatch(
        /^begin\n[\s\S]*bytes left out\. For more: max_output_bytes[\s\S]*the end\n$/,
      );
    }
    await wire.end();
  });

  it.each([
    ['a line', { command: 'printf "%s" a b | tr a c' }],
    ['an array as command', { command: ['printf', '%s', 'c', 'b'] }],
    ['an array as argv', { argv: ['printf', '%s', 'c', 'b'] }],
  ])('run_command takes %s', async (_, args) => {
    const wire = new Wire(as);
    await wire.begin();
    const { result } = await wire.call(1, 'run_command', args);
    expect(JSON.parse(result.content[0].text)).toMatchObject({ exit_code: 0, stdout: 'cb' });
    await wire.end();
  });

  it('a tool that is not known, and arguments that are wrong, are errors', async () => {
    const wire = new Wire(as);
    await wire.begin();
    const isError = ({ error, result }: Message): boolean =>
      error !== undefined || result.isError === true;
    for (const [id, params] of [
      ['unknown', { name: 'nonesuch', arguments: {} }],
      ['missing', { name: 'run_command', arguments: {} }],
      ['wrong', { name: 'run_command', arguments: { argv: 7 } }],
    ] as const) {
      expect([id, isError(await wire.ask(id, 'tools/call', params))]).toEqual([id, true]);
    }
    await wire.end();
  });

  it.each([
    ['nothing', {}],
    ['of URLs only', { elicitation: { url: {} } }],
  ])('a client that said %s of questions is asked nothing', async (_, capabilities) => {
    const wire = new Wire(as, ['--ask']);
    await wire.begin({ ...initialize, protocolVersion: '2025-11-25', capabilities });
    const hidden = { name: 'run_command', arguments: { argv: ['cat', makeProject(as)] } };
    const denied = await wire.ask(0, 'tools/call', hidden);
    expect(JSON.parse(denied.result.content[0].text).denied).toMatchObject([
      { decided_by: 'nobody' },
    ]);
    await wire.ask(1, 'tools/call', { name: 'write_file', arguments: { path: 'a', content: 'x' } });
    const { result } = await wire.ask(2, 'tools/call', { name: 'apply', arguments: {} });
    expect(result.isError).toBe(true);
    expect(wire.messages.filter(({ method }) => method !== undefined)).toEqual([]);
    await wire.end();
  });
});

describe('elicitation', () => {
  it('asks with a flat form, and only an answer that fits it and grants counts', async () => {
    const wire = new Wire(as);
    await wire.begin({ ...initialize, capabilities: { elicitation: {} } });
    await wire.call('write', 'write_file', { path: 'file', content: 'x' });
    const seen = new Set<unknown>();
    for (const [id, result] of [
      ['declined', { action: 'decline' }],
      ['cancelled', { action: 'cancel' }],
      ['cancelled with content', { action: 'cancel', content: { apply: true } }],
      ['without content', { action: 'accept' }],
      ['another type', { action: 'accept', content: { apply: 'true' } }],
      ['another field', { action: 'accept', content: { applied: true } }],
      ['no action', { content: { apply: true } }],
      ['granted', { action: 'accept', content: { apply: true } }],
    ] as const) {
      const applying = wire.call(id, 'apply');
      const asked = await wire.until((one) => one.method !== undefined && !seen.has(one.id));
      seen.add(asked.id);
      expect([asked.method, asked.params.mode ?? 'form']).toEqual(['elicitation/create', 'form']);
      const { type, properties } = asked.params.requestedSchema;
      expect([type, typeof asked.params.message]).toEqual(['object', 'string']);
      for (const field of Object.values(properties) as { type: string }[]) {
        expect(['string', 'number', 'integer', 'boolean']).toContain(field.type);
      }
      wire.send({ id: asked.id, result });
      await applying;
      expect([id, listTree(wire.cwd).length]).toEqual([id, id === 'granted' ? 1 : 0]);
    }
    await wire.end();
  });
});

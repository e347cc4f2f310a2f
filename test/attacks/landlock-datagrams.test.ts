/**
 * UDP with rules where there is no network namespace: statically linked programs and musl's look names up, datagrams
 * go where a rule says, and nowhere else. The servers' logs say what arrived.
 */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Identity, identities } from '../support/identity.js';
import { needs } from '../support/needs.js';
import { type Echo, startEcho } from '../support/network/echo.js';
import { addresses, Network } from '../support/network/index.js';
import { makeProject } from '../support/project.js';

const source = fileURLToPath(new URL('payloads/datagrams.c', import.meta.url));
const port = 4434;
const { web, lan } = addresses;

const libraries = [
  ['musl', 'musl-gcc', ['-static']],
  ['glibc', 'cc', []],
] as const;

needs('root').describe('datagrams with rules and Landlock isolation', () => {
  let network: Network;
  let echo: Echo;
  let directory = '';
  const programs = new Map<string, Buffer>();
  beforeAll(async () => {
    directory = fs.mkdtempSync(join(tmpdir(), 'wasbox-datagrams-'));
    network = await Network.make(directory);
    echo = await startEcho(network, port, [web, lan]);
    for (const [library, compiler, flags] of libraries) {
      const output = join(directory, `datagrams-${library}`);
      execFileSync(compiler, ['-O1', ...flags, '-o', output, source]);
      programs.set(library, fs.readFileSync(output));
    }
  });
  afterAll(() => {
    network?.close();
    fs.rmSync(directory, { recursive: true, force: true });
  });

  const project = (as: Identity) => {
    const files = libraries.map(([library]) => [library, programs.get(library) ?? ''] as const);
    const cwd = makeProject(as, Object.fromEntries(files));
    for (const [library] of libraries) fs.chmodSync(join(cwd, library), 0o755);
    return cwd;
  };
  const inside = (as: Identity, cwd: string, net: string, argv: readonly string[]) => {
    const args = ['-q', '--discard', '--isolation', 'landlock', '--net', net, '--', ...argv];
    return network.wasbox(args, { as, cwd });
  };
  const heard = (name: string) =>
    network.lines('dns.log').filter((line) => line.includes(name)).length;

  describe.each(identities())('as $label', (as) => {
    test.each(libraries)('names are looked up by the rules: %s', async (library) => {
      const cwd = project(as);
      const lookup = (name: string) => [`./${library}`, 'lookup', name];
      for (const net of ['internet', 'www.example.com']) {
        const run = await inside(as, cwd, net, lookup('www.example.com'));
        expect([run.status, run.out], run.err).toEqual([0, `found ${web}\n`]);
      }
      const other = await inside(as, cwd, 'www.example.com', lookup('other.example.net'));
      expect(other.out).toContain('unknown');
      // An address of the LAN is none of the answer's.
      expect((await inside(as, cwd, 'internet', lookup('lan.example.com'))).out).toContain(
        'unknown',
      );
      const outside = await network.outside(lookup('lan.example.com'), { as, cwd });
      expect(outside.out).toContain(lan);
    });

    test('reach no other resolver', async () => {
      const cwd = project(as);
      const name = `absent${process.pid}${as.uid}.example.com`;
      const dig = ['dig', '+time=1', '+tries=1', `@${addresses.resolver}`, name];
      await inside(as, cwd, 'www.example.com', dig);
      expect(heard(name)).toBe(0);
      await network.outside(dig, { as, cwd });
      expect(heard(name)).toBeGreaterThan(0);
      const asked = await inside(as, cwd, 'www.example.com', ['dig', '+short', 'www.example.com']);
      expect(asked.out).toBe(`${web}\n`);
    });

    test.each(['sendto', 'unpeered', 'connect', 'plain', 'message', 'messages'])(
      'go where a rule says, in this form alone: %s',
      async (form) => {
        const cwd = project(as);
        for (const [library] of libraries) {
          const program = (to: string) => [`./${library}`, form, to, `${port}`, 'hello'];
          echo.forget();
          const allowed = await inside(as, cwd, `${web}:${port}/udp`, program(web));
          expect(allowed.out, allowed.err).toContain(`from ${web} ${port} hello`);
          if (form !== 'messages') expect(allowed.out).toContain('family 1');
          const times = form === 'messages' ? 2 : 1;
          expect(echo.lines()).toEqual(Array(times).fill(`${web} 5`));
          echo.forget();
          for (const net of [`${web}/tcp`, `${web}:${port + 1}/udp`, 'internet']) {
            const refused = await inside(as, cwd, net, program(lan));
            expect(refused.out).toMatch(/^failed (connect|send) \d+\n$/);
          }
          expect(echo.lines()).toEqual([]);
          const control = await network.outside(program(lan), { as, cwd });
          expect(control.out).toContain(`from ${lan} ${port} hello`);
          expect(echo.lines()).toContain(`${lan} 5`);
        }
      },
    );

    test('are no more than were sent before a shutdown', async () => {
      const cwd = project(as);
      const program = ['./glibc', 'shut', web, `${port}`, 'hello'];
      const sandboxed = () => inside(as, cwd, `${web}:${port}/udp`, program);
      const asTheKernelDoes = () => network.outside(program, { as, cwd });
      for (const run of [sandboxed, asTheKernelDoes]) {
        echo.forget();
        const { out, err } = await run();
        expect(out, err).toContain(`from ${web} ${port} hello`);
        expect(echo.lines()).toEqual([`${web} 5`, `${web} 0`]);
      }
    });

    test('say in the report where they went', async () => {
      const cwd = project(as);
      const program = `./musl sendto ${web} ${port} hello; ./musl sendto ${lan} ${port} hello`;
      const args = ['--discard', '--json', '--isolation', 'landlock', '--net', web];
      const run = await network.wasbox([...args, '--', 'sh', '-c', program], { as, cwd });
      const { destinations } = JSON.parse(run.err.slice(run.err.indexOf('{'))).network;
      expect(destinations).toEqual([
        expect.objectContaining({ protocol: 'udp', address: web, port, allowed: true, bytes: 10 }),
        expect.objectContaining({ protocol: 'udp', address: lan, port, allowed: false }),
      ]);
    });
  });
});

/** A message names options as the interface in use does. */
import { afterEach, describe, expect, test } from 'vitest';
import { type Interface, speakAs } from '../../../src/errors/index.js';
import { spoken } from '../../../src/options/index.js';

afterEach(() => speakAs('command'));

const path = "'/a b/--rw x'";
const name = 'requests';
/** Each text, and what the library and MCP say. */
const texts: readonly (readonly [say: () => string, library: string, mcp: string])[] = [
  [() => spoken`mount it: --ro PATH`, "mount it: { ro: ['PATH'] }", 'mount it: --ro PATH'],
  [() => spoken`mount it: --ro ${path}`, `mount it: { ro: [${path}] }`, `mount it: --ro ${path}`],
  [
    () => spoken`Remove the --ro or --rw that covers it`,
    'Remove the ro or rw that covers it',
    'Remove the --ro or --rw that covers it',
  ],
  [
    () => spoken`use --net none, or --net host.`,
    "use { net: 'none' }, or { net: 'host' }.",
    'use --net none, or --net host.',
  ],
  [
    () => spoken`--with ${name} is wrong`,
    "{ with: 'requests' } is wrong",
    '--with requests is wrong',
  ],
  [() => spoken`--with: wrong`, 'with: wrong', '--with: wrong'],
  [() => spoken`as root: --root`, 'as root: { root: true }', 'as root: --root'],
  [
    () => spoken`or use: wasbox run --workdir DIR …`,
    "or use: { workdir: 'DIR' }",
    'or use: wasbox mcp --workdir DIR …',
  ],
  [
    () => spoken`Write --env NAME or --env NAME=VALUE`,
    "Write { env: { NAME: true } } or { env: { NAME: 'VALUE' } }",
    'Write --env NAME or --env NAME=VALUE',
  ],
  [
    () => spoken`List them: wasbox runs --json`,
    'List them: wasbox runs --json',
    'List them: wasbox runs --json',
  ],
  [
    () => spoken`show --ro ~/.cache/x, --ro y`,
    "show { ro: ['~/.cache/x'] }, ro y",
    'show --ro ~/.cache/x, --ro y',
  ],
  [() => spoken`docker run --user 1000`, 'docker run --user 1000', 'docker run --user 1000'],
  [
    () => spoken`To start one: wasbox run --chdir DIR -- COMMAND`,
    'To start one: wasbox run --chdir DIR -- COMMAND',
    'To start one: wasbox mcp --chdir DIR -- COMMAND',
  ],
];

describe.each(texts.map((text) => [text[0](), text] as const))(
  '%s',
  (command, [say, library, mcp]) => {
    test.each([
      ['command', command],
      ['library', library],
      ['mcp', mcp],
    ] as const satisfies readonly (readonly [Interface, string])[])(
      'is spoken in the %s',
      (who, said) => {
        speakAs(who);
        expect(say()).toBe(said);
      },
    );
  },
);

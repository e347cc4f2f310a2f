// Fuzzes the readers of other tools' formats, which are TypeScript: mutates policies of each format, and pieces of
// its words. A reader may refuse a text with diagnostics that have a place, and nothing else; what it accepts has to
// compile or be refused by the compiler. `node test/fuzz/readers.mjs [all|FORMAT[,FORMAT…]] [SECONDS] [SEED]`, after
// `npm run build:js`; with `--minutes N` in place of SECONDS every reader runs for so long, all side by side.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import {
  compilePolicy,
  exportPolicy,
  importFormats,
  importPolicy,
  init,
  PolicyError,
} from '../../dist/policy.js';
import { chance } from './chance.mjs';
import { seeds, words } from './reader-seeds.mjs';

/** Longer than any text of at most 4 KB may take, in milliseconds of the processor: others may have it meanwhile. */
const longest = 10_000;
const spent = () => {
  const { user, system } = process.cpuUsage();
  return Math.round((user + system) / 1000);
};

const args = process.argv.slice(2);
const minutesAt = args.indexOf('--minutes');
const [, minutes] = minutesAt < 0 ? [] : args.splice(minutesAt, 2);
const sideBySide = minutesAt >= 0;
const [which = 'all', seconds = '60', seed = '1'] = sideBySide
  ? [args[0], String(Number(minutes) * 60), args[1]]
  : args;
const formats =
  which === 'all' ? Object.keys(importFormats).filter((name) => name !== 'oci') : which.split(',');
const unknown = formats.find((name) => seeds[name] === undefined);
if (unknown !== undefined) throw new Error(`no such reader: ${unknown}`);
if (!(Number(seconds) > 0)) throw new Error(`invalid duration: ${minutes ?? seconds}`);
if (sideBySide) {
  const file = fileURLToPath(import.meta.url);
  const codes = await Promise.all(
    formats.map(
      (name) =>
        new Promise((resolve, reject) => {
          spawn(process.execPath, [file, name, seconds, seed], { stdio: 'inherit' })
            .on('error', reject)
            .on('exit', resolve);
        }),
    ),
  );
  process.exit(codes.every((code) => code === 0) ? 0 : 1);
}
await init();

const { below, pick } = chance(seed);

const numbers = [
  '0',
  '1',
  '-1',
  '4096',
  '0x7fffffff',
  '4294967296',
  '18446744073709551615',
  '18446744073709551616',
  '1e9',
  '017',
];
const marks = [...'{}[]()<>:;,.|&~!=#@$"\'\\/-+*\n\t \0\ufeff\u2028é💥'];

function mutate(text, format) {
  let out = text;
  for (let n = 1 + below(6); n > 0; n--) {
    const at = below(out.length + 1);
    const end = Math.min(out.length, at + below(20));
    switch (below(7)) {
      case 0:
        out = out.slice(0, at) + out.slice(end);
        break;
      case 1:
        out = out.slice(0, at) + pick(marks) + out.slice(at);
        break;
      case 2:
        out = out.slice(0, at) + pick(words[format] ?? ['read']) + out.slice(end);
        break;
      case 3:
        out = out.slice(0, at) + pick(numbers) + out.slice(end);
        break;
      case 4:
        out = out.slice(0, end) + out.slice(at, end).repeat(1 + below(30)) + out.slice(end);
        break;
      case 5: {
        const other = pick(seeds[format]);
        const from = below(other.length);
        out = out.slice(0, at) + other.slice(from, from + below(80)) + out.slice(at);
        break;
      }
      default:
        out = out
          .split(pick(['\n', ' ', ',']))
          .reverse()
          .join(pick(['\n', ' ', ',']));
    }
  }
  return out.slice(0, 4096);
}

function mutateBytes(bytes) {
  const out = Uint8Array.from(bytes);
  for (let n = 1 + below(8); n > 0; n--)
    out[below(out.length)] = pick([0, 1, 4, 5, 6, 21, 32, 37, 53, 84, 255, below(256)]);
  return out.subarray(0, below(12) === 0 ? below(out.length) : out.length);
}

/** Returns what is wrong with what came of a text, or undefined. */
function judge(format, input, includes) {
  let imported;
  try {
    imported = importPolicy(input, {
      from: format,
      includes,
      arch: below(3) === 0 ? undefined : pick(['x86_64', 'aarch64', 's390x']),
    });
  } catch (error) {
    if (!(error instanceof PolicyError)) return `${error?.stack ?? error}`;
    const bad = error.diagnostics.find(
      ({ line, column, message }) => !(line >= 1 && column >= 1 && message !== ''),
    );
    return bad === undefined && (error.diagnostics.length > 0 || error.message !== '')
      ? undefined
      : 'a diagnostic without a place or message';
  }
  // A unit's groups for several architectures take a fifth of a second.
  if (below(8) !== 0) return undefined;
  try {
    compilePolicy({ text: imported.text });
  } catch (error) {
    if (!(error instanceof PolicyError)) return `compile: ${error?.stack ?? error}`;
    if (error.code === 'ERR_POLICY_INTERNAL') return `the proof failed for\n${imported.text}`;
    return undefined;
  }
  if (format === 'bpf' || below(50) !== 0) return undefined;
  try {
    exportPolicy({ text: imported.text }, { to: format });
  } catch (error) {
    if (!(error instanceof PolicyError) || error.code === 'ERR_POLICY_INTERNAL')
      return `export: ${error?.stack ?? error}`;
  }
  return undefined;
}

for (const format of formats) {
  const until = Date.now() + Number(seconds) * 1000;
  let runs = 0;
  let slowest = 0;
  while (Date.now() < until) {
    const input =
      format === 'bpf'
        ? mutateBytes(compilePolicy({ text: pick(seeds.bpf) }).bpf)
        : mutate(pick(seeds[format]), format);
    const includes =
      format === 'bpf'
        ? {}
        : { a: mutate(pick(seeds[format]), format), 'runc.yaml': pick(seeds.spo) };
    const began = spent();
    const wrong = judge(format, input, includes);
    const took = spent() - began;
    slowest = Math.max(slowest, took);
    runs++;
    if (wrong === undefined && took < longest) continue;
    console.error(
      `${format}: ${wrong ?? `took ${took} ms`}\n${JSON.stringify(typeof input === 'string' ? input : [...input])}\n${JSON.stringify(includes)}`,
    );
    process.exit(1);
  }
  console.log(
    `${format}: ${runs} texts in ${seconds} s, the slowest ${slowest} ms of the processor`,
  );
}

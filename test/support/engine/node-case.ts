/**
 * Compares what Node's modules do, as far as the command line uses them: made in Node and in the engine, which has
 * modules of its own, and compared. Each case returns something that JSON can hold.
 */
import { isUtf8 } from 'node:buffer';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as os from 'node:os';
import {
  basename,
  dirname,
  extname,
  isAbsolute,
  join,
  normalize,
  relative,
  resolve,
} from 'node:path';
import { deflateSync } from 'node:zlib';
import { Random } from './random.js';

/** Words of the characters that paths are about, and ordinary names among them. */
function wordOf(random: Random): string {
  const pieces = ['/', '/', '.', '..', 'a', 'bc', '.d', 'e.f', 'ä', ' ', '...'];
  return random.several(8, () => random.pick(pieces)).join('');
}

function paths(random: Random): unknown {
  const [one, other] = [wordOf(random), wordOf(random)];
  const some = random.several(4, () => wordOf(random));
  const suffix = random.pick(['.d', '.f', 'e.f', '.']);
  return {
    one: [normalize(one), isAbsolute(one), dirname(one), basename(one), extname(one)],
    joined: [join(...some), resolve(...some)],
    without: basename(`a${one}`, suffix),
    between: relative(one, other),
  };
}

const encodings = ['utf8', 'latin1', 'hex', 'base64'] as const;

/** A text of all kinds of characters, half pairs too. */
function textOf(random: Random): string {
  const units = [
    0x20, 0x41, 0x7f, 0x80, 0xe4, 0x7ff, 0x800, 0xd800, 0xdc00, 0xfeff, 0xfffd, 0xffff,
  ];
  const length = random.below(12);
  return Array.from({ length }, () => String.fromCharCode(random.pick(units))).join('');
}

/** Bytes of all kinds, mostly the beginnings and parts of characters. */
function bytesOf(random: Random): Buffer {
  const kinds = [
    0x0a, 0x41, 0x80, 0xbf, 0xc2, 0xe0, 0xa0, 0xed, 0x9f, 0xef, 0xbb, 0xf0, 0x90, 0xf4, 0xff,
  ];
  return Buffer.from(Array.from({ length: random.below(14) }, () => random.pick(kinds)));
}

function texts(random: Random): unknown {
  const text = textOf(random);
  const bytes = bytesOf(random);
  const hex = bytes.toString('hex');
  return {
    encoded: encodings.map((name) => Buffer.from(text, name).toString('hex')),
    decoded: encodings.map((name) => Buffer.from(bytes.toString(name)).toString('hex')),
    again: Buffer.from(hex, 'hex').equals(bytes),
    base64: Buffer.from(bytes.toString('base64'), 'base64').equals(bytes),
    part: bytes.toString('utf8', 1, 5),
    utf8: isUtf8(bytes),
    decoder: Buffer.from(new TextDecoder().decode(bytes)).toString('hex'),
    encoder: Buffer.from(new TextEncoder().encode(text)).toString('hex'),
    into: intoOf(text),
  };
}

function intoOf(text: string): unknown {
  const target = new Uint8Array(40);
  const { read, written } = new TextEncoder().encodeInto(text, target.subarray(1));
  return [read, written, Buffer.from(target).toString('hex')];
}

function searches(random: Random): unknown {
  const bytes = Buffer.from(Array.from({ length: random.below(40) }, () => random.below(3)));
  const wanted = Buffer.from(Array.from({ length: random.below(4) }, () => random.below(3)));
  const from = random.below(90) - 45;
  const other = bytesOf(random);
  return {
    first: [bytes.indexOf(wanted), bytes.indexOf(1, from), bytes.includes(wanted)],
    last: wanted.length === 0 ? [] : [bytes.lastIndexOf(wanted), bytes.lastIndexOf(2, from)],
    order: [bytes.compare(other), Buffer.compare(other, bytes), bytes.equals(Buffer.from(bytes))],
    joined: Buffer.concat([bytes, other, wanted]).toString('hex'),
    cut: [0, 5, 90].map((size) => Buffer.concat([bytes, other], size).toString('hex')),
    view: bytes.subarray(2, -1).toString('hex'),
  };
}

function numbers(random: Random): unknown {
  const bytes = Buffer.from(Array.from({ length: 8 }, () => random.below(256)));
  const shared = bytes.subarray(4);
  bytes[4] = 7;
  const target = Buffer.alloc(4, 1);
  return {
    read: [bytes.readUInt8(3), bytes.readUInt16LE(1), bytes.readUInt16BE(1)],
    wide: [bytes.readUInt32LE(4), bytes.readUInt32BE(0), bytes.readBigUInt64LE(0).toString()],
    shared: shared[0],
    copied: [bytes.copy(target, 1, 2), target.toString('hex')],
    grouped: [0, 999, 1000, 1_234_567, -12_345].map((number) => number.toLocaleString('en')),
  };
}

function digests(random: Random): unknown {
  const pieces = Array.from({ length: random.below(5) }, () => Buffer.alloc(random.below(200), 65));
  return ['sha1', 'sha256'].map((name) => {
    const hash = createHash(name);
    for (const piece of pieces) hash.update(piece);
    return hash.update('ä').digest('hex');
  });
}

/** Returns what a call does: its result, or the error that it throws. */
function tried(call: () => unknown): unknown {
  try {
    return call() ?? null;
  } catch (error) {
    const { code, syscall, path } = error as NodeJS.ErrnoException;
    return { code, syscall, path };
  }
}

const kindsOf = (stats: fs.Stats | fs.BigIntStats | fs.Dirent): boolean[] => [
  stats.isFile(),
  stats.isDirectory(),
  stats.isSymbolicLink(),
  stats.isFIFO(),
  stats.isSocket(),
  stats.isCharacterDevice(),
  stats.isBlockDevice(),
];

function statsOf(path: string): unknown {
  const stats = fs.lstatSync(path);
  const big = fs.lstatSync(path, { bigint: true });
  const { mode, nlink, uid, gid, size, rdev, mtimeMs } = stats;
  const bigs = [big.mode, big.nlink, big.uid, big.gid, big.size, big.dev, big.ino, big.rdev];
  const times = [big.mtimeNs, big.ctimeNs, big.birthtimeNs, big.mtimeMs];
  return {
    plain: { mode, nlink, uid, gid, size, rdev, mtimeMs },
    big: [...bigs, ...times].map(String),
    kinds: [kindsOf(stats), kindsOf(big)],
  };
}

/** @param top an empty directory of this call's; `tree` what both may look at and neither changes */
function files(top: string, tree: string): unknown {
  const at = (name: string) => join(top, name);
  fs.mkdirSync(at('a/b'), { recursive: true, mode: 0o750 });
  fs.writeFileSync(at('f'), 'text ä\n');
  fs.writeFileSync(at('bytes'), Buffer.from([0, 255, 10]));
  fs.symlinkSync('f', at('link'));
  fs.linkSync(at('f'), at('hard'));
  fs.renameSync(at('bytes'), at('moved'));
  fs.chmodSync(at('moved'), 0o640);
  fs.utimesSync(at('moved'), 1000.5, 1_600_000_000.25);
  const { atimeMs, mtimeMs } = fs.statSync(at('moved'));
  const movedTimes = [atimeMs, mtimeMs];
  const fd = fs.openSync(at('f'), 'r+');
  const buffer = Buffer.alloc(4);
  const passages = [
    fs.readSync(fd, buffer, 0, 4, 2),
    buffer.toString('hex'),
    fs.writeSync(fd, Buffer.from('XY'), 0, 2, 0),
    fs.readSync(fd, buffer, 1, 2, null),
    buffer.toString(),
    fs.fstatSync(fd).size,
  ];
  fs.ftruncateSync(fd, 5);
  fs.fchmodSync(fd, 0o600);
  fs.fsyncSync(fd);
  fs.closeSync(fd);
  const entries = fs.readdirSync(tree, { withFileTypes: true });
  const made = fs.mkdtempSync(at('temp-'));
  fs.rmSync(at('a'), { recursive: true });
  const relative = (value: unknown) =>
    JSON.parse(JSON.stringify(value).replaceAll(top, 'TOP')) as unknown;
  return relative({
    passages,
    text: [fs.readFileSync(at('f'), 'utf8'), fs.readFileSync(at('moved')).toString('hex')],
    modes: ['f', 'moved', 'hard'].map((name) => [
      fs.statSync(at(name)).mode,
      fs.statSync(at(name)).nlink,
    ]),
    moved: movedTimes,
    made: made.length,
    names: fs.readdirSync(tree),
    bytes: fs.readdirSync(tree, { encoding: 'buffer' }).map((name) => name.toString('hex')),
    latin1: fs.readdirSync(tree, 'latin1'),
    entries: entries.map((entry) => [entry.name, kindsOf(entry)]),
    stats: fs.readdirSync(tree).map((name) => tried(() => statsOf(join(tree, name)))),
    device: statsOf('/dev/null'),
    links: [
      fs.readlinkSync(at('link')),
      fs.readlinkSync(at('link'), { encoding: 'buffer' }).toString('hex'),
      fs.realpathSync(at('link')),
      fs.realpathSync.native(at('link')),
    ],
    kernel: fs.readFileSync('/proc/sys/kernel/ostype', 'latin1'),
    absent: [
      fs.existsSync(at('none')),
      fs.existsSync(at('f')),
      fs.statSync(at('none'), { throwIfNoEntry: false }) === undefined,
      tried(() => fs.lstatSync(at('f/none'), { throwIfNoEntry: false })),
    ],
    space: fs.statfsSync('/proc').type,
    errors: [
      () => fs.openSync(at('none'), 'r'),
      () => fs.openSync(at('f'), 'wx'),
      () => fs.readFileSync(at('none')),
      () => fs.readFileSync(top),
      () => fs.readdirSync(at('f')),
      () => fs.readlinkSync(at('f')),
      () => fs.statfsSync(at('none')),
      () => fs.realpathSync.native(at('none')),
      () => fs.mkdirSync(top),
      () => fs.mkdirSync(at('f/x'), { recursive: true }),
      () => fs.rmdirSync(at('none')),
      () => fs.unlinkSync(at('none')),
      () => fs.chmodSync(at('none'), 0o700),
      () => fs.linkSync(at('f'), at('hard')),
      () => fs.symlinkSync('f', at('link')),
      () => fs.accessSync(at('none')),
      () => fs.closeSync(9999),
      () => fs.fstatSync(9999),
      () => fs.statSync(at('none')),
      () => fs.lstatSync(at('none')),
      () => fs.rmSync(at('none')),
    ].map(tried),
  });
}

const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function waiting(): Promise<unknown> {
  const order: string[] = [];
  const cancelled = setTimeout(() => order.push('cancelled'), 5);
  clearTimeout(cancelled);
  setTimeout(() => order.push('third'), 40);
  setTimeout(() => order.push('first'), 0);
  void Promise.resolve().then(() => order.push('job'));
  setTimeout(() => order.push('second'), 20);
  await later(80);
  const controller = new AbortController();
  controller.signal.addEventListener('abort', () => order.push('aborted'), { once: true });
  controller.abort();
  controller.abort();
  return [...order, controller.signal.aborted];
}

/** Finds what becomes of a program that is not there. */
const missing = (): Promise<unknown> =>
  new Promise((resolve) => {
    const child = spawn('/nosuch/program', [], { stdio: ['pipe', 'inherit', 'inherit'] });
    child.on('error', ({ code, syscall }: NodeJS.ErrnoException) => resolve([code, syscall]));
    child.stdin?.on('error', () => {});
  });

/** A program that reads what it is given where it is told to, and exits. */
async function programs(): Promise<unknown> {
  const child = spawn(
    '/bin/sh',
    ['-c', 'read line; test "$line" = hello && test "$V" = w && test "$(pwd -P)" = /usr && exit 3'],
    {
      stdio: ['pipe', 'inherit', 'inherit'],
      env: { V: 'w', PATH: '/usr/bin:/bin' },
      cwd: '/usr',
    },
  );
  child.stdin?.write('hello\n');
  child.stdin?.end();
  return await new Promise((resolve) => child.on('close', resolve));
}

function surroundings(): unknown {
  const { signals } = os.constants;
  const mask = process.umask(0o27);
  const changed = process.umask(mask);
  let handled = 0;
  process.once('SIGUSR2', () => {
    handled += 1;
  });
  return {
    signals: Object.fromEntries(Object.entries(signals).filter(([name]) => !ownNames.has(name))),
    release: os.release(),
    homes: [os.homedir(), os.tmpdir()],
    ids: [process.geteuid?.(), process.getuid?.(), process.getegid?.()],
    cwd: process.cwd(),
    env: process.env,
    mask: [mask, changed],
    listeners: process.listeners('SIGUSR2').length,
    handled,
  };
}

/** Names of signals that only Node has, other names of those that both have. */
const ownNames: ReadonlySet<string> = new Set(['SIGIOT', 'SIGPOLL', 'SIGUNUSED']);

/** @param scratch an empty directory of this call's */
export async function results(scratch: string, tree: string, seed: number): Promise<unknown> {
  const random = new Random(seed);
  const many = <T>(make: (random: Random) => T): T[] =>
    Array.from({ length: 300 }, () => make(random));
  return {
    texts: many(texts),
    paths: Array.from({ length: 3000 }, () => paths(random)),
    searches: many(searches),
    numbers: many(numbers),
    digests: many(digests),
    deflated: deflateSync(Buffer.from('wasbox'.repeat(1000))).toString('base64'),
    files: files(scratch, tree),
    waiting: await waiting(),
    programs: [await programs(), await missing()],
    surroundings: surroundings(),
  };
}

/**
 * The interpreters that can wait for a task, and how each is told.
 *
 * A small program starts with the interpreter, writes one byte to stdout, which says that it is
 * ready and never reaches the caller, and reads its task from stdin: exactly its bytes, so that what
 * follows is the task's own stdin. It is read by code that wasbox chose, before anything of the task
 * runs; a sandbox is given one task and ends with it.
 *
 * Python and Node take 12 decimal digits, a length in bytes, and as many bytes: fields that end with
 * NUL, namely `code` or `file`, the text, the number of arguments, these, and NAME=VALUE. A shell can
 * read no more than lines: a number of lines, and as many lines of shell text.
 */
import { shellQuote } from '../options/index.js';
import type { PoolTask } from './task.js';

/** The byte by which a waiting program says that it is ready (ASCII ACK). */
export const readyByte = 6;

export interface Runtime {
  /** `--lang` of the interpreter. */
  readonly lang: string;
  /** The program that waits; `preload` is run in it before. @param tells whether it writes the byte. @default true */
  readonly boot: (preload: string, tells?: boolean) => string;
  /** True if anything of what was preloaded is left in the task. */
  readonly preloads: boolean;
  /** A task in the form in which the program reads it. */
  encode(task: PoolTask): Uint8Array;
}

/** More than any buffer is long. */
const lengthDigits = 12;

const variables = ({ env = {} }: PoolTask): [string, string][] =>
  Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined);

/** Text in quotes of any language. */
const base64 = (text: string): string => Buffer.from(text).toString('base64');

function fields(task: PoolTask): Uint8Array {
  const { code, command, args = [] } = task;
  const all = [
    ...(command === undefined ? ['code', code ?? ''] : ['file', command]),
    String(args.length),
    ...args,
    ...variables(task).map(([name, value]) => `${name}=${value}`),
  ];
  const body = Buffer.from(all.map((field) => `${field}\0`).join(''));
  return Buffer.concat([Buffer.from(String(body.length).padStart(lengthDigits, '0')), body]);
}

/**
 * The traceback of an error begins with the task's own frame, as if nothing had been there before.
 * From 3.13 on Python shows the lines of `-c`; they must be the task's, not those of this program.
 */
const python = (preload: string, tells = true): string => `def wasbox_task():
    import os, sys${
      preload === ''
        ? ''
        : `
    import base64
    exec(compile(base64.b64decode('${base64(preload)}').decode(), '<preload>', 'exec', dont_inherit=True), sys.modules['__main__'].__dict__)`
    }
    def take(n):
        b = b''
        while len(b) < n:
            c = os.read(0, n - len(b))
            if not c: os._exit(0)
            b += c
        return b
    ${tells ? "os.write(1, b'\\x06')" : 'pass'}
    kind, text, count, *rest = take(int(take(${lengthDigits}))).decode('utf-8', 'surrogateescape').split('\\0')[:-1]
    count = int(count)
    for item in rest[count:]:
        name, _, value = item.partition('=')
        os.environ[name] = value
    main = sys.modules['__main__'].__dict__
    main.pop('wasbox_task', None)
    if kind == 'file':
        sys.argv = [text, *rest[:count]]
        path = os.path.abspath(text)
        sys.path[0] = os.path.dirname(os.path.realpath(path))
        try:
            with open(text, 'rb') as script: source = script.read()
        except OSError as error:
            print(f"{sys.orig_argv[0]}: can't open file {path!r}: [Errno {error.errno}] {error.strerror}", file=sys.stderr)
            sys.exit(2)
        main['__file__'] = path
    else:
        sys.argv = ['-c', *rest[:count]]
        path, source = '<string>', text
    try:
        code = compile(source, path, 'exec', dont_inherit=True)
        exec(code, main)
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException as error:
        trace = error.__traceback__.tb_next
        if kind == 'code' and sys.version_info >= (3, 13):
            import linecache
            linecache.cache['<string>'] = (len(text), None, [line + '\\n' for line in text.splitlines()], '<string>')
        sys.excepthook(type(error), error.with_traceback(trace), trace)
        sys.exit(1)
wasbox_task()`;

/**
 * Loads and runs once what nearly every program uses, before the task comes: the modules behind
 * process.stdout and console.log, formatting, the compiler of scripts. process.stdout itself stays as
 * it is: to make it changes the pipe.
 */
const node = (preload: string, tells = true): string => `(() => {
  const fs = require('fs');
  for (const name of ['buffer', 'events', 'fs/promises', 'module', 'net', 'path', 'stream', 'timers', 'tty', 'url', 'util', 'vm']) require(name);
  const nowhere = new (require('stream').Writable)({ write: (chunk, encoding, done) => done() });
  new console.Console(nowhere).log('%s %d', '', 1, { list: [1] });
  new (require('net').Socket)();
  require('vm').runInThisContext(${preload === '' ? "'0'" : `Buffer.from('${base64(preload)}', 'base64').toString(), { filename: '[preload]' }`});
  const take = (n) => {
    const b = Buffer.alloc(n);
    for (let got = 0; got < n; ) {
      const c = fs.readSync(0, b, got, n - got, null);
      if (c === 0) process.exit(0);
      got += c;
    }
    return b.toString();
  };
  ${tells ? "fs.writeSync(1, '\\x06');" : ''}
  const [kind, text, count, ...rest] = take(Number(take(${lengthDigits}))).split('\\0').slice(0, -1);
  const args = rest.slice(0, Number(count));
  for (const item of rest.slice(Number(count))) {
    const at = item.indexOf('=');
    process.env[item.slice(0, at)] = item.slice(at + 1);
  }
  if (kind === 'file') {
    process.argv = [process.argv[0], require('path').resolve(text), ...args];
    process._eval = undefined;
    return () => require('module').runMain(process.argv[1]);
  }
  process.argv = [process.argv[0], ...args];
  const vm = require('vm');
  const importModuleDynamically = vm.constants?.USE_MAIN_CONTEXT_DEFAULT_LOADER;
  return () => vm.runInThisContext(text, { filename: '[eval]', importModuleDynamically });
})()()`;

const sh =
  (): string => `printf '\\006'; IFS= read -r n || exit 0; t=; while [ "$n" -gt 0 ]; do IFS= read -r l; t="$t$l
"; n=$((n-1)); done; eval "$t"`;

/** The waiting shell gives way to a fresh one, so that nothing of it is left in the task's. */
function shellText(task: PoolTask): Uint8Array {
  const { code, command, args = [] } = task;
  const set = variables(task).map(([name, value]) => `export ${name}=${shellQuote(value)}`);
  const words = command === undefined ? ['-c', code ?? '', 'sh', ...args] : [command, ...args];
  const text = [...set, `exec sh ${words.map(shellQuote).join(' ')}`].join('\n');
  return Buffer.from(`${text.split('\n').length}\n${text}\n`);
}

export const runtimes: Readonly<Record<string, Runtime>> = {
  python: { lang: 'python', boot: python, preloads: true, encode: fields },
  node: { lang: 'node', boot: node, preloads: true, encode: fields },
  sh: { lang: 'sh', boot: sh, preloads: false, encode: shellText },
};

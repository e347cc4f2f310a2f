/**
 * Finds what is executed: a script, a command, code from the command line or from stdin.
 * Decides the interpreter and the words before and after the script; shows inside what they need.
 */
import { posix } from 'node:path';
import { UsageError } from '../errors/index.js';
import { isSystemPath } from '../host/index.js';
import { alternatives, pathOption, shellQuote, spoken, suggest } from '../options/index.js';
import { notFound, notRunnable, notShell } from './command-errors.js';
import { sniff } from './detect-language.js';
import type { Draft } from './draft.js';
import { imageCommand, imagePath } from './image-command.js';
import {
  type Language,
  languageByExtension,
  languageByName,
  languageNames,
  languages,
} from './languages.js';
import { hostPath } from './mounts.js';
import { oldNode } from './node-version.js';
import { findProgram, firstWord, showProgram } from './programs.js';
import { missingOfNode } from './script-packages.js';
import { headLength, isElf, readShebang, type Shebang } from './shebang.js';
import type { CommandSpec } from './spec.js';
import { ownDirectory, scriptLimit } from './system.js';
import { leadsOut } from './untrusted-link.js';

/** Longest single word that execve(2) takes (MAX_ARG_STRLEN). */
const wordLimit = 131_072;

export function resolveCommand(draft: Draft): CommandSpec {
  const { command, code, lang } = draft.options;
  const language = lang === undefined ? undefined : languageOf(lang);
  if (draft.image !== undefined) return commandWithImage(draft, language);
  if (code !== undefined) return inlineCode(draft, code, language);
  if (command === undefined || command === '') {
    throw new UsageError('ERR_NO_OPERAND', 'no script or command given', {
      hint: spoken`Example: wasbox run script.py. See wasbox run --help.`,
    });
  }
  if (command === '-') return fromStdin(draft, language);
  return fromOperand(draft, command, language);
}

/** Returns what of the user's runs with an image: else it is a program of the image. */
function commandWithImage(draft: Draft, language: Language | undefined): CommandSpec {
  const { command, code, args = [] } = draft.options;
  if (code === undefined && (command === undefined || command === ''))
    return imageCommand(draft, undefined);
  const script =
    code === undefined && command !== '-' ? ownScript(draft, command ?? '') : undefined;
  if (code === undefined && command !== '-' && script === undefined) {
    const inImage = language === undefined ? undefined : imagePath(draft, command ?? '');
    if (inImage === undefined || language === undefined) {
      return imageCommand(draft, [command ?? '', ...args]);
    }
    return byLanguage(draft, language, command ?? '', inImage, command ?? '');
  }
  draft.ofUser = true;
  if (code !== undefined) return inlineCode(draft, code, language);
  if (script === undefined) return fromStdin(draft, language);
  const head = draft.host.files.read(script, headLength) ?? new Uint8Array();
  const spec = fromScript(draft, command ?? '', script, head, language);
  if (spec !== undefined) return spec;
  throw notRunnable(draft, command ?? '', head);
}

/**
 * A file of the user's that an operand names: in what the sandbox shows of the host, or elsewhere among the
 * user's own files. What the image has under that name comes first, and the host's system is no part of it.
 */
function ownScript(draft: Draft, command: string): string | undefined {
  const { host, tree } = draft;
  const named = hostPath(draft, command);
  const info = host.files.stat(named);
  if (info?.kind !== 'file') return undefined;
  const real = host.files.realpath(named) ?? named;
  const place = tree.locate(real);
  const isImages =
    place.kind !== undefined && place.mount?.type === 'host' && place.mount.origin === 'image';
  if (isImages || (place.kind === undefined && isSystemPath(real))) return undefined;
  const bare = !command.includes('/');
  const head = bare ? host.files.read(named, headLength) : undefined;
  const program =
    bare && head !== undefined && !saysHow(command, head) && findProgram(draft, command);
  return program ? undefined : real;
}

/** Returns whether a file's name or beginning says how it runs. */
const saysHow = (command: string, head: Uint8Array): boolean =>
  readShebang(head) !== undefined || isElf(head) || languageByExtension(command) !== undefined;

function languageOf(name: string): Language {
  const language = languageByName(name);
  if (language !== undefined) return language;
  const near = suggest(name, languageNames());
  throw new UsageError('ERR_OPTION_VALUE', spoken`--lang: unknown language "${name}"`, {
    hint:
      near === undefined
        ? `Languages: ${languages.map((row) => row.name).join(', ')}.\nFor any other language: wasbox run -- INTERPRETER SCRIPT`
        : `Did you mean ${near}?`,
  });
}

interface Interpreter {
  readonly path: string;
  readonly words: readonly string[];
}

/** The first interpreter of a language that is installed. */
function interpreterOf(draft: Draft, language: Language, what: string): Interpreter {
  let tooOld = '';
  for (const [program, ...words] of language.interpreters) {
    const own = draft.packageProgram(program);
    if (own !== undefined) return { path: own, words: [program, ...words] };
    const path = findProgram(draft, program);
    if (path === undefined) continue;
    const ofHost = draft.image === undefined;
    const isTypeScript = ofHost && language.name === 'typescript' && program === 'node';
    const version = isTypeScript ? oldNode(draft.host, path) : undefined;
    if (version !== undefined) {
      tooOld = ` (the Node.js there is ${version}, too old)`;
      continue;
    }
    if (showProgram(draft, path))
      return { path, words: [firstWord(draft, program, path), ...words] };
  }
  const programs = language.interpreters.map(([program]) => program);
  if (draft.image !== undefined) {
    throw new UsageError(
      'ERR_NO_INTERPRETER',
      `${what} needs ${alternatives(programs)}, which is not in the image's PATH`,
      { hint: spoken`Use an image that has it, or choose another language: --lang LANG` },
    );
  }
  throw new UsageError(
    'ERR_NO_INTERPRETER',
    `${what} needs ${alternatives(programs)}, which is not in your PATH${tooOld}`,
    {
      hint:
        tooOld === ''
          ? spoken`Install ${language.install ?? programs[0]}, or choose another language: --lang LANG`
          : tsxLine(draft),
    },
  );
}

/** The line that has tsx installed for a script, with the packages that the script imports. */
function tsxLine(draft: Draft): string {
  const { command, code } = draft.options;
  const isScript = command !== undefined && command !== '-' && code === undefined;
  const packages = isScript ? missingOfNode(draft, hostPath(draft, command)) : [];
  const words = ['tsx', ...packages].map(shellQuote).join(',');
  const what = isScript ? shellQuote(command) : '…';
  return spoken`To run it with tsx: wasbox run --with ${words} ${what}`;
}

function inlineCode(draft: Draft, code: string, language: Language | undefined): CommandSpec {
  const args = draft.options.args ?? [];
  const bytes = new TextEncoder().encode(code);
  const chosen = language ?? languageByName('sh');
  const asFile = language === undefined && code.startsWith('#!');
  if (language === undefined && !asFile) refuseOther(bytes, '-c');
  if (asFile || chosen?.inline === undefined || bytes.length >= wordLimit) {
    return fromBytes(draft, bytes, language, 'code', '-c');
  }
  // The interpreter's own way: imports then work from the working directory, as users expect.
  const { before, after = [] } = chosen.inline;
  const { path, words } = interpreterOf(draft, chosen, '-c');
  const [program = path] = words;
  const plain = chosen.inline.before[0] === '--' ? [program] : words;
  return { path, argv: [...plain, ...before, code, ...after, ...args], display: '-c' };
}

/** A script on stdin is read to its end first; the payload then finds stdin at its end. */
function fromStdin(draft: Draft, language: Language | undefined): CommandSpec {
  const bytes = draft.host.readStdin(scriptLimit);
  if (bytes === undefined) {
    throw new UsageError(
      'ERR_SCRIPT_UNREADABLE',
      `the script on stdin is longer than ${scriptLimit / 1024 ** 2} MiB`,
      { hint: 'Save it to a file and run that.' },
    );
  }
  if (bytes.length === 0) {
    throw new UsageError('ERR_SCRIPT_UNREADABLE', 'no script on stdin', {
      hint: 'Example: curl -fsSL https://example.com/install.sh | wasbox run -',
    });
  }
  return fromBytes(draft, bytes, language, 'stdin', '-');
}

/** Code whose language nothing names is for sh: what surely is not is refused before anything starts. */
function refuseOther(content: Uint8Array, display: '-' | '-c'): void {
  const sniffed = sniff(content);
  if (sniffed !== undefined) throw notShell(sniffed, display);
}

function fromBytes(
  draft: Draft,
  content: Uint8Array,
  language: Language | undefined,
  stem: string,
  display: '-' | '-c',
): CommandSpec {
  const args = draft.options.args ?? [];
  const shebang = language === undefined ? readShebang(content) : undefined;
  const chosen = language ?? languageByName('sh');
  const extension = shebang === undefined ? (chosen?.extensions[0] ?? '') : '';
  const elf = language === undefined && isElf(content);
  if (language === undefined && shebang === undefined && !elf) refuseOther(content, display);
  const target = posix.join(ownDirectory, elf ? stem : `${stem}${extension}`);
  draft.tree.add({ type: 'file', target, content, mode: 0o755 });
  if (elf) return { path: target, argv: [target, ...args], display };
  const what = display === '-' ? 'the script on stdin' : 'the code';
  if (shebang !== undefined) return byShebang(draft, shebang, what, target, display);
  if (chosen === undefined) throw notRunnable(draft, what, content);
  return byLanguage(draft, chosen, what, target, display);
}

function byLanguage(
  draft: Draft,
  language: Language,
  what: string,
  script: string,
  display: string,
): CommandSpec {
  const { path, words } = interpreterOf(draft, language, what);
  return { path, argv: [...words, script, ...(draft.options.args ?? [])], display };
}

function byShebang(
  draft: Draft,
  shebang: Shebang,
  what: string,
  script: string,
  display: string,
): CommandSpec {
  const args = [...shebang.words, script, ...(draft.options.args ?? [])];
  const { env, interpreter } = shebang;
  if (env === undefined) {
    const path = posix.resolve(draft.workdir.start.path, interpreter);
    const there = draft.image === undefined ? draft.host.files.stat(path) : draft.tree.locate(path);
    if (there?.kind !== 'file') throw noInterpreter(draft, what, interpreter);
    if (!showProgram(draft, path)) throw notShown(what, interpreter);
    return { path, argv: [interpreter, ...args], display };
  }
  const program = env.program.includes('/')
    ? posix.resolve(draft.workdir.start.path, env.program)
    : findProgram(draft, env.program);
  if (program === undefined) return byNameOf(draft, env, args, what, display);
  if (!showProgram(draft, program)) throw notShown(what, env.program);
  if (env.before.length === 0) {
    const first = env.program.includes('/') ? env.program : firstWord(draft, env.program, program);
    return { path: program, argv: [first, ...args], display };
  }
  if (!showProgram(draft, interpreter)) throw noInterpreter(draft, what, interpreter);
  return { path: interpreter, argv: ['env', ...env.before, program, ...args], display };
}

/**
 * No such program is in PATH, as `python` where only python3 is. One that runs the language of its name does as well, which is
 * said. A path in place of a name means that very program.
 */
function byNameOf(
  draft: Draft,
  { before, program }: NonNullable<Shebang['env']>,
  words: readonly string[],
  what: string,
  display: string,
): CommandSpec {
  const language = languageByName(program);
  if (language === undefined || before.length > 0) throw noInterpreter(draft, what, program);
  const found = interpreterOf(draft, language, what);
  draft.note(
    `${what} asks for ${program}, which is not there: it runs with ${found.words[0] ?? program}`,
  );
  return { path: found.path, argv: [...found.words, ...words], display };
}

/** The interpreter's path is the script's word: none is advised that would mean another. */
function mountHint(interpreter: string): string {
  const option = pathOption('--ro', interpreter);
  return option === undefined ? 'No option can mount it.' : `If you trust it, mount it: ${option}`;
}

/** A `#!` line is part of the untrusted script: it does not decide what of home is shown. */
function notShown(what: string, interpreter: string): UsageError {
  return new UsageError(
    'ERR_NO_INTERPRETER',
    `${what} asks for ${interpreter} in its #! line, which is not visible in the sandbox`,
    { hint: mountHint(interpreter) },
  );
}

function noInterpreter({ image }: Draft, what: string, interpreter: string): UsageError {
  if (image !== undefined) {
    return new UsageError(
      'ERR_NO_INTERPRETER',
      `${what} asks for ${interpreter} in its #! line, which is not in the image`,
      {
        hint: spoken`Use an image that has it, or choose another interpreter: wasbox run --lang LANG \u2026`,
      },
    );
  }
  return new UsageError(
    'ERR_NO_INTERPRETER',
    `${what} asks for ${interpreter} in its #! line, which is not installed`,
    { hint: spoken`Install it, or choose another interpreter: wasbox run --lang LANG \u2026` },
  );
}

function fromOperand(draft: Draft, command: string, language: Language | undefined): CommandSpec {
  const { host } = draft;
  const named = hostPath(draft, command);
  const info = host.files.stat(named);
  const bare = !command.includes('/') && command !== '.' && command !== '..';
  if (info?.kind === 'file') {
    const head = host.files.read(named, headLength);
    const found = bare && language === undefined ? findProgram(draft, command) : undefined;
    if (head === undefined) {
      throw new UsageError('ERR_SCRIPT_UNREADABLE', `${command}: permission denied`, {
        hint: `Check its owner and mode: ls -l ${shellQuote(command)}`,
      });
    }
    const spec = fromScript(draft, command, named, head, language);
    if (spec !== undefined) {
      if (found !== undefined && found !== named) {
        draft.note(`ran the file ${command}, not the command ${found}`);
      }
      return spec;
    }
    if (found === undefined) throw notRunnable(draft, command, head);
  } else if (info !== undefined && !bare) {
    if (info.kind === 'directory') throw notFound(draft, command, named);
    throw new UsageError('ERR_SCRIPT_UNREADABLE', `${command}: is not a regular file`, {
      hint: 'Give a script or a program. To run a script from a pipe: … | wasbox run -',
    });
  } else if (info === undefined && !bare) {
    throw notFound(draft, command, named);
  }
  const program = language === undefined ? findProgram(draft, command) : undefined;
  if (program === undefined) throw notFound(draft, command, named);
  if (!showProgram(draft, program)) throw notFound(draft, command, named);
  const first = firstWord(draft, command, program);
  return { path: program, argv: [first, ...(draft.options.args ?? [])], display: command };
}

/** How a file is run; undefined where nothing tells. */
function fromScript(
  draft: Draft,
  command: string,
  named: string,
  head: Uint8Array,
  language: Language | undefined,
): CommandSpec | undefined {
  const shebang = language === undefined ? readShebang(head) : undefined;
  const elf = language === undefined && shebang === undefined && isElf(head);
  const chosen = language ?? (shebang || elf ? undefined : languageByExtension(command));
  if (shebang === undefined && !elf && chosen === undefined) return undefined;
  const path = showScript(draft, command, named);
  const name = wordFor(draft, command, named);
  if (shebang !== undefined) return byShebang(draft, shebang, command, name, command);
  if (chosen !== undefined) return byLanguage(draft, chosen, command, name, command);
  return executable(draft, command, path);
}

/** Makes the script visible under its own name; nothing else of its directory. */
function showScript(draft: Draft, command: string, named: string): string {
  const real = draft.host.files.realpath(named) ?? named;
  const link = draft.untrustedLink(named);
  if (link && draft.tree.locate(real).kind === undefined) {
    throw leadsOut('ERR_SCRIPT_UNREADABLE', command, link, `wasbox run ${shellQuote(real)}`);
  }
  const place = draft.show(named, 'script');
  if (place.kind !== 'file' || place.hostPath === undefined) {
    if (draft.tree.at(place.path)?.type === 'hidden') {
      const what = spoken`${command}: --hide hides it`;
      throw new UsageError('ERR_SCRIPT_UNREADABLE', what, {
        hint: 'Hide less: a pattern that does not match what is to run.',
      });
    }
    throw new UsageError('ERR_SCRIPT_UNREADABLE', `${command}: not visible in the sandbox`, {
      hint: `The sandbox has something else at ${real}. Copy the file to the working directory.`,
    });
  }
  return place.path;
}

/** The script's name as the payload sees it: what the user wrote, where that works inside. */
function wordFor(draft: Draft, command: string, named: string): string {
  if (!draft.workdir.start.isCurrent) return named;
  return command.startsWith('-') ? `./${command}` : command;
}

function executable(draft: Draft, command: string, path: string): CommandSpec {
  const { host, options } = draft;
  const argv = [command, ...(options.args ?? [])];
  const hostFile = draft.tree.locate(path).hostPath ?? path;
  if (host.files.access(hostFile, 'execute')) {
    showProgram(draft, hostFile);
    return { path, argv, display: command };
  }
  // The file is not executable, so the payload gets a copy that is. Scripts need no such thing.
  const content = host.files.read(hostFile, scriptLimit + 1);
  if (content === undefined || content.length > scriptLimit) {
    throw new UsageError('ERR_SCRIPT_UNREADABLE', `${command}: not executable`, {
      hint: `chmod +x ${shellQuote(command)}`,
    });
  }
  const target = posix.join(ownDirectory, posix.basename(path));
  draft.tree.add({ type: 'file', target, content, mode: 0o755 });
  return { path: target, argv, display: command };
}

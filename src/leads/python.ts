/**
 * Modules that a Python script imports and the interpreter does not have. Nothing is run: the directories that the
 * interpreter would look through are listed.
 */
import { posix } from 'node:path';
import { type Host, isWithin } from '../host/index.js';
import type { SandboxSpec } from '../resolve/index.js';
import { languageOf } from './languages.js';

/** Modules that are in the interpreter itself, in one build or another. */
const builtIn = new Set(
  'array atexit audioop binascii builtins cmath errno faulthandler fcntl gc grp itertools marshal math mmap msvcrt nt ossaudiodev posix pwd pyexpat readline resource select spwd sys syslog termios time unicodedata winreg winsound zlib'.split(
    ' ',
  ),
);

/** Packages of another name than their module. */
const packageOf: Readonly<Record<string, string>> = {
  attr: 'attrs',
  bs4: 'beautifulsoup4',
  Crypto: 'pycryptodome',
  cv2: 'opencv-python-headless',
  dateutil: 'python-dateutil',
  discord: 'discord.py',
  docx: 'python-docx',
  dotenv: 'python-dotenv',
  fitz: 'PyMuPDF',
  git: 'GitPython',
  github: 'PyGithub',
  jwt: 'PyJWT',
  magic: 'python-magic',
  mpl_toolkits: 'matplotlib',
  MySQLdb: 'mysqlclient',
  OpenSSL: 'pyOpenSSL',
  PIL: 'Pillow',
  pkg_resources: 'setuptools',
  pptx: 'python-pptx',
  psycopg2: 'psycopg2-binary',
  serial: 'pyserial',
  skimage: 'scikit-image',
  sklearn: 'scikit-learn',
  telegram: 'python-telegram-bot',
  usb: 'pyusb',
  websocket: 'websocket-client',
  yaml: 'PyYAML',
  zmq: 'pyzmq',
};

/** Advice on a module that Debian ships apart from Python. */
export const systemModules: Readonly<Record<string, string>> = { tkinter: 'python3-tk' };

export interface Interpreter {
  /** `3.13`. */
  readonly version: string;
  /** The standard library. */
  readonly library: string;
  readonly prefix: string;
}

/** The interpreter of a run, where its directories are the usual ones. */
export function pythonOf({ command }: SandboxSpec, host: Host): Interpreter | undefined {
  if (languageOf(command.path) !== 'Python') return undefined;
  const real = host.files.realpath(command.path) ?? '';
  const [, prefix, version] = /^(.*)\/bin\/python(3\.\d+)$/.exec(real) ?? [];
  if (prefix === undefined || version === undefined) return undefined;
  const library = `${prefix}/lib/python${version}`;
  return host.files.stat(`${library}/os.py`) && { version, library, prefix };
}

/** The directories that modules are looked for in, as the script's start has them. */
function placesOf(spec: SandboxSpec, python: Interpreter, script: string, host: Host): string[] {
  const { version, library, prefix } = python;
  const venv = posix.dirname(posix.dirname(spec.command.path));
  const config = host.files.read(`${venv}/pyvenv.cfg`, 4096);
  const system = [
    `${library}/site-packages`,
    `${library}/dist-packages`,
    `/usr/local/lib/python${version}/dist-packages`,
    '/usr/lib/python3/dist-packages',
  ].filter((path) => prefix === '/usr' || path.startsWith(`${prefix}/`));
  const user = `${spec.identity.home}/.local/lib/python${version}/site-packages`;
  const isShown = spec.views.some((view) => view.type === 'host' && isWithin(user, view.target));
  const isOwn = config !== undefined;
  const withSystem =
    !isOwn || /^include-system-site-packages\s*=\s*true/m.test(new TextDecoder().decode(config));
  const more = (spec.env.PYTHONPATH ?? '').split(':').filter((path) => path.startsWith('/'));
  const shown = more.map((path) => {
    const view = spec.views.find((one) => one.type === 'host' && one.target === path);
    return view?.type === 'host' ? view.source : path;
  });
  return [
    posix.dirname(script),
    ...shown,
    library,
    `${library}/lib-dynload`,
    ...(isOwn ? [`${venv}/lib/python${version}/site-packages`] : []),
    ...(withSystem ? [...system, ...(isShown ? [user] : [])] : []),
  ];
}

/** Names of modules in a directory, and in those that its .pth files add; undefined where code adds some. */
function modulesIn(directory: string, host: Host): string[] | undefined {
  const names = host.files.list(directory);
  const found = names.map((name) => name.split('.')[0] ?? '');
  for (const name of names.filter((one) => one.endsWith('.pth'))) {
    const text = new TextDecoder().decode(host.files.read(`${directory}/${name}`, 65_536));
    if (/__editable__/.test(text)) return undefined;
    for (const line of text.split('\n').filter((one) => one.startsWith('/'))) {
      found.push(...host.files.list(line.trim()).map((one) => one.split('.')[0] ?? ''));
    }
  }
  return found;
}

const importLine =
  /^([ \t]*)(?:import[ \t]+([\w., \t]+)|from[ \t]+([A-Za-z_]\w*)[\w.]*[ \t]+import\b)/;

/** Top-level names that are imported, except where the script goes on without them. */
export function importsOf(text: string): string[] {
  const found = new Set<string>();
  const blocks: { readonly indent: number; readonly guards: boolean }[] = [];
  for (const line of text.split('\n')) {
    const words = line.trim();
    if (words === '' || words.startsWith('#')) continue;
    const indent = line.length - line.trimStart().length;
    while ((blocks.at(-1)?.indent ?? -1) >= indent) blocks.pop();
    const [, , several, one] = importLine.exec(line) ?? [];
    if (!blocks.some(({ guards }) => guards)) {
      if (one !== undefined) found.add(one);
      for (const part of several?.split(',') ?? []) {
        const [name] = /^[A-Za-z_]\w*/.exec(part.trim()) ?? [];
        if (name !== undefined) found.add(name);
      }
    }
    if (words.endsWith(':'))
      blocks.push({ indent, guards: /^(?:try\s*:|if\s+.*TYPE_CHECKING)/.test(words) });
  }
  return [...found];
}

/** Modules that the script imports and that are not there; undefined where that cannot be told. */
export function missingModules(
  spec: SandboxSpec,
  { text, script }: { readonly text: string; readonly script: string },
  host: Host,
): string[] | undefined {
  const python = pythonOf(spec, host);
  if (python === undefined) return undefined;
  const imported = importsOf(text).filter((name) => name !== '__future__' && !builtIn.has(name));
  if (imported.length === 0) return [];
  const there = new Set<string>();
  for (const place of placesOf(spec, python, script, host)) {
    const modules = modulesIn(place, host);
    if (modules === undefined) return undefined;
    for (const name of modules) there.add(name);
  }
  return imported.filter((name) => !there.has(name));
}

export const packageOfModule = (name: string): string =>
  Object.hasOwn(packageOf, name) ? (packageOf[name] ?? name) : name.replaceAll('_', '-');

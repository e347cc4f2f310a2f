/** Registries and mirrors on this machine for tests of presets: verdaccio, and one server of static files. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { createServer, type Server } from 'node:http';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const verdaccio = fileURLToPath(new URL('verdaccio.mjs', import.meta.url));

/** Something that is asked for packages, and notes for which. */
interface Asked {
  readonly url: string;
  /** Paths of requests since it was last emptied. */
  readonly requests: string[];
  close(): void;
}

/** verdaccio with packages of these names and main files; the later ones depend on the first. One with `#!` is a program. */
export async function npmRegistry(
  directory: string,
  packages: Readonly<Record<string, string>>,
): Promise<Asked> {
  const child = spawn(process.execPath, [verdaccio, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const requests: string[] = [];
  const port = await new Promise<string>((resolve, reject) => {
    child.on('exit', (status) => reject(new Error(`verdaccio ended with ${status}`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (/^\d+$/.test(line)) resolve(line);
      else requests.push(line.replace(/^\S+ /, ''));
    });
  });
  const url = `http://127.0.0.1:${port}`;
  const [first] = Object.keys(packages);
  for (const [name, main] of Object.entries(packages)) {
    const dependencies = name === first ? {} : { [first ?? '']: '1.0.0' };
    const bin = main.startsWith('#!') ? { bin: { [name]: 'index.js' } } : {};
    const manifest = { name, version: '1.0.0', main: 'index.js', ...bin, dependencies };
    publish(child, join(directory, name), manifest, main, url);
  }
  requests.length = 0;
  return { url, requests, close: () => void child.kill('SIGKILL') };
}

function publish(
  child: ChildProcess,
  directory: string,
  manifest: object,
  main: string,
  url: string,
): void {
  fs.mkdirSync(directory, { recursive: true });
  fs.writeFileSync(join(directory, 'package.json'), JSON.stringify(manifest));
  fs.writeFileSync(join(directory, 'index.js'), main);
  // npm publishes with a token only; this registry asks for none.
  const token = `--${url.replace('http:', '')}/:_authToken=none`;
  try {
    execFileSync('npm', ['publish', '--registry', url, token], { cwd: directory, stdio: 'pipe' });
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
}

/** Serves the files below a directory, with entity tags, as mirrors do. */
export async function staticMirror(directory: string): Promise<Asked> {
  const requests: string[] = [];
  const server: Server = createServer((request, response) => {
    const path = decodeURIComponent(request.url?.split('?')[0] ?? '/');
    requests.push(path);
    const file = join(directory, path.endsWith('/') ? `${path}index.html` : path);
    if (!fs.statSync(file, { throwIfNoEntry: false })?.isFile()) {
      response.writeHead(404).end('not found');
      return;
    }
    const body = fs.readFileSync(file);
    const etag = `"${createHash('sha256').update(body).digest('hex')}"`;
    const type = file.endsWith('.html') ? 'text/html' : 'application/octet-stream';
    const headers = { 'content-type': type, 'cache-control': 'max-age=3600', etag };
    const known = request.headers['if-none-match'] === etag;
    response.writeHead(known ? 304 : 200, headers).end(known ? undefined : body);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as { port: number };
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${port}`, requests, close };
}

function put(directory: string, path: string, content: string | Buffer): string {
  const file = join(directory, path);
  fs.mkdirSync(dirname(file), { recursive: true });
  fs.writeFileSync(file, content);
  return file;
}

/** A zip archive with these files, made by Python. */
function zip(file: string, files: Readonly<Record<string, string>>): void {
  fs.mkdirSync(dirname(file), { recursive: true });
  const script = `
import json, sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w') as archive:
    for name, text in json.load(sys.stdin).items(): archive.writestr(name, text)`;
  execFileSync('python3', ['-c', script, file], { input: JSON.stringify(files) });
}

/** The parts of a wheel. */
interface Wheel {
  readonly name?: string;
  readonly version?: string;
  /** The package's one module. */
  readonly code?: string;
  /** Interpreter, ABI and platform. */
  readonly tag?: string;
  /** entry_points.txt. */
  readonly programs?: string;
}

/** An index of Python packages below `simple` (PEP 503), with a wheel; by default of the package `tiny`. */
export function addWheel(
  directory: string,
  { name = 'tiny', version = '1.0', code, tag = 'py3-none-any', programs }: Wheel = {},
): void {
  const wheel = `${name}-${version}-${tag}.whl`;
  const info = `${name}-${version}.dist-info`;
  zip(join(directory, 'files', wheel), {
    [`${name}.py`]: code ?? `print("${name} from pip")\n`,
    [`${info}/METADATA`]: `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n`,
    [`${info}/WHEEL`]: `Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: ${tag}\n`,
    ...(programs === undefined ? {} : { [`${info}/entry_points.txt`]: programs }),
    [`${info}/RECORD`]: `${name}.py,,\n`,
  });
  const page = join(directory, 'simple', name, 'index.html');
  const others = fs.existsSync(page) ? fs.readFileSync(page, 'utf8').match(/<a .*<\/a>/)?.[0] : '';
  const links = `${others}<a href="/files/${wheel}">${wheel}</a>`;
  put(directory, `simple/${name}/index.html`, `<!DOCTYPE html><html><body>${links}</body></html>`);
}

/** A proxy of Go modules below `go`, with the module example.org/tiny. */
export function addGoModule(directory: string): void {
  const at = 'go/example.org/tiny/@v';
  const mod = 'module example.org/tiny\n\ngo 1.20\n';
  put(directory, `${at}/list`, 'v1.0.0\n');
  put(directory, `${at}/v1.0.0.info`, '{"Version":"v1.0.0","Time":"2024-01-01T00:00:00Z"}');
  put(directory, `${at}/v1.0.0.mod`, mod);
  zip(join(directory, at, 'v1.0.0.zip'), {
    'example.org/tiny@v1.0.0/go.mod': mod,
    'example.org/tiny@v1.0.0/tiny.go': 'package tiny\n\nconst Text = "tiny from go"\n',
  });
}

/** A registry of crates below `index`, with the crate `tiny`. */
export function addCrate(directory: string, url: string): void {
  put(directory, 'made/tiny-1.0.0/Cargo.toml', '[package]\nname = "tiny"\nversion = "1.0.0"\n');
  put(
    directory,
    'made/tiny-1.0.0/src/lib.rs',
    'pub fn text() -> &\u0027static str { "tiny from cargo" }\n',
  );
  const crate = put(directory, 'crates/tiny/1.0.0/download', '');
  execFileSync('tar', ['-czf', crate, 'tiny-1.0.0'], { cwd: join(directory, 'made') });
  const cksum = createHash('sha256').update(fs.readFileSync(crate)).digest('hex');
  const entry = { name: 'tiny', vers: '1.0.0', deps: [], cksum, features: {}, yanked: false };
  put(directory, 'index/config.json', JSON.stringify({ dl: `${url}/crates` }));
  put(directory, 'index/ti/ny/tiny', `${JSON.stringify(entry)}\n`);
}

/** A mirror of Debian sources below `debian`, with the source package `tiny`. */
export function addSourcePackage(directory: string): void {
  const top = join(directory, 'debian/tiny-1.0');
  const files = {
    'debian/control':
      'Source: tiny\nSection: misc\nPriority: optional\nMaintainer: A <a@b.example>\n\nPackage: tiny\nArchitecture: all\nDescription: x\n y\n',
    'debian/changelog':
      'tiny (1.0) unstable; urgency=low\n\n  * x\n\n -- A <a@b.example>  Mon, 01 Jan 2024 00:00:00 +0000\n',
    'debian/source/format': '3.0 (native)\n',
    'debian/rules': '#!/usr/bin/make -f\n%:\n\ttrue\n',
    text: 'tiny from apt\n',
  };
  for (const [path, content] of Object.entries(files)) put(top, path, content);
  const cwd = dirname(top);
  execFileSync('dpkg-source', ['-b', 'tiny-1.0'], { cwd, stdio: 'pipe' });
  fs.writeFileSync(
    join(cwd, 'Sources'),
    execFileSync('dpkg-scansources', ['.'], { cwd, stdio: ['ignore', 'pipe', 'ignore'] }),
  );
}

/** A bare repository below `git`, served as files. */
export function addRepository(directory: string): void {
  const script = `set -e
git init -q work; cd work; echo tiny from git > text; git add text
git -c user.name=a -c user.email=a@b commit -qm one; cd ..
mkdir -p "$1/git"; git clone -q --bare work "$1/git/tiny.git"; git -C "$1/git/tiny.git" update-server-info`;
  const cwd = join(directory, 'made');
  fs.mkdirSync(cwd, { recursive: true });
  execFileSync('sh', ['-c', script, 'sh', directory], { cwd });
}

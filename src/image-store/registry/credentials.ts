/** Reads who the user is at a registry: from docker's and podman's files, and their credential helpers. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { ImageError } from '../../errors/index.js';
import { type JsonObject, jsonObject, objectOf, textOf } from '../../image/index.js';

export type Credentials =
  | { readonly kind: 'password'; readonly user: string; readonly password: string }
  /** An OAuth2 refresh token. */
  | { readonly kind: 'token'; readonly token: string };

type Env = Readonly<Record<string, string | undefined>>;

function home(env: Env): string {
  try {
    return env.HOME ?? homedir();
  } catch {
    return '/nonexistent';
  }
}

/** Returns the files in the order in which they count. */
function files(env: Env): string[] {
  const { REGISTRY_AUTH_FILE: own, XDG_RUNTIME_DIR: runtime, DOCKER_CONFIG: docker } = env;
  return [
    ...(own === undefined ? [] : [own]),
    ...(runtime === undefined ? [] : [join(runtime, 'containers/auth.json')]),
    join(docker ?? join(home(env), '.docker'), 'config.json'),
  ];
}

/** Docker Hub has an address of its own in these files. */
const hostKeys = (host: string): string[] =>
  host === 'docker.io'
    ? ['https://index.docker.io/v1/', 'index.docker.io', 'docker.io', 'registry-1.docker.io']
    : [host, `https://${host}`, `https://${host}/v1/`, `https://${host}/v2/`];

/** containers-auth.json(5): also of a repository, or of what is above it; the longest first. */
function keysOf({ registry, repository }: Asked): string[] {
  const names = repository.split('/');
  const paths = names.map((_, i) => [registry, ...names.slice(0, names.length - i)].join('/'));
  return [...paths, ...hostKeys(registry)];
}

interface Asked {
  /** The name in references: `docker.io`. */
  readonly registry: string;
  readonly repository: string;
}

/** @throws ImageError ERR_REGISTRY where a file or a helper is of no use */
export async function credentialsFor(asked: Asked, env: Env): Promise<Credentials | undefined> {
  for (const path of files(env)) {
    const config = read(path);
    const found = config === undefined ? undefined : await inFile(config, asked, path, env);
    if (found !== undefined) return found;
  }
  return undefined;
}

function read(path: string): JsonObject | undefined {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch {
    return undefined;
  }
  try {
    return jsonObject(bytes, path);
  } catch (cause) {
    throw unusable(`${path} is not JSON`, cause);
  }
}

const unusable = (problem: string, cause?: unknown): ImageError =>
  new ImageError('ERR_REGISTRY', `Cannot read your registry credentials: ${problem}.`, { cause });

const object = (value: JsonObject[string], what: string): JsonObject =>
  value === undefined || value === null ? {} : objectOf(value, what);

async function inFile(
  config: JsonObject,
  asked: Asked,
  path: string,
  env: Env,
): Promise<Credentials | undefined> {
  const keys = keysOf(asked);
  const helpers = object(config.credHelpers, 'credHelpers');
  for (const key of keys) {
    const helper = Object.hasOwn(helpers, key) ? textOf(helpers[key], 'a helper') : '';
    if (helper !== '') return fromHelper(helper, key, env);
  }
  const store = textOf(config.credsStore, 'credsStore');
  // A store knows hosts alone: to ask for each path would start it once for each.
  for (const key of store === '' ? [] : hostKeys(asked.registry)) {
    const found = await fromHelper(store, key, env);
    if (found !== undefined) return found;
  }
  const auths = object(config.auths, 'auths');
  for (const key of keys) {
    const entry = Object.hasOwn(auths, key) ? object(auths[key], 'an entry') : undefined;
    const found = entry === undefined ? undefined : fromEntry(entry, path);
    if (found !== undefined) return found;
  }
  return undefined;
}

function fromEntry(entry: JsonObject, path: string): Credentials | undefined {
  const token = textOf(entry.identitytoken, 'identitytoken');
  if (token !== '') return { kind: 'token', token };
  const auth = textOf(entry.auth, 'auth');
  if (auth !== '') {
    const text = Buffer.from(auth, 'base64').toString('utf8').replace(/\0+$/, '');
    const colon = text.indexOf(':');
    if (colon < 0) throw unusable(`an entry of ${path} has no user name`);
    return { kind: 'password', user: text.slice(0, colon), password: text.slice(colon + 1) };
  }
  const user = textOf(entry.username, 'username');
  return user === ''
    ? undefined
    : { kind: 'password', user, password: textOf(entry.password, 'password') };
}

const helperTimeoutMs = 30_000;

/** `docker-credential-NAME get`: the server on its stdin, JSON on its stdout; fails where it knows none. */
async function fromHelper(
  name: string,
  server: string,
  env: Env,
): Promise<Credentials | undefined> {
  if (!/^[\w.-]+$/.test(name)) throw unusable(`"${name}" is not the name of a credential helper`);
  const program = `docker-credential-${name}`;
  const output = await new Promise<string | undefined>((resolve, reject) => {
    const options = { timeout: helperTimeoutMs, maxBuffer: 1 << 20, env: { ...env } };
    const child = execFile(program, ['get'], options, (error, stdout) => {
      if (error === null) resolve(stdout);
      else if (typeof error.code === 'number')
        resolve(undefined); // it knows none
      else reject(unusable(`${program} could not be run`, error));
    });
    child.stdin?.on('error', () => undefined); // it need not read
    child.stdin?.end(`${server}\n`);
  });
  if (output === undefined) return undefined;
  let found: JsonObject;
  try {
    found = jsonObject(Buffer.from(output), program);
  } catch (cause) {
    throw unusable(`${program} printed something other than JSON`, cause);
  }
  const user = textOf(found.Username, 'Username');
  const secret = textOf(found.Secret, 'Secret');
  if (secret === '') return undefined;
  return user === '<token>'
    ? { kind: 'token', token: secret }
    : { kind: 'password', user, password: secret };
}

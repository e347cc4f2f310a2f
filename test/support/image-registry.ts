/** Registries for tests: Debian's docker-registry, and one that does what a test says. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createSign, randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import * as http from 'node:http';
import * as https from 'node:https';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';

const portOf = (server: { address(): unknown }): number => (server.address() as AddressInfo).port;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const port = portOf(server);
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return port;
}

export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** Signed by itself, for localhost and for another name. */
export function makeCertificate(directory: string, name = 'localhost'): Certificate {
  mkdirSync(directory, { recursive: true });
  const [cert, key] = [join(directory, 'cert.crt'), join(directory, 'key.pem')];
  const subject = [
    '-subj',
    '/CN=localhost',
    '-addext',
    `subjectAltName=DNS:localhost,DNS:${name},IP:127.0.0.1`,
  ];
  const options = [
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '2',
    '-keyout',
    key,
    '-out',
    cert,
  ];
  execFileSync('openssl', ['req', ...options, ...subject], { stdio: 'ignore' });
  return { cert, key };
}

export interface RealRegistry {
  readonly host: string;
  stop(): Promise<void>;
}

export interface RealRegistryOptions {
  /** Where its images are. */
  readonly storage: string;
  readonly scratch: string;
  readonly tls?: Certificate | undefined;
  /** A htpasswd file. */
  readonly htpasswd?: string | undefined;
  /** A server for tokens, and the certificate that they are signed with. */
  readonly token?: { readonly realm: string; readonly certificate: string } | undefined;
}

/** Debian's docker-registry on a free port of this machine. */
export async function realRegistry(options: RealRegistryOptions): Promise<RealRegistry> {
  const { storage, scratch, tls, htpasswd, token } = options;
  const port = await freePort();
  const auth =
    htpasswd !== undefined
      ? { htpasswd: { realm: 'test', path: htpasswd } }
      : token === undefined
        ? undefined
        : {
            token: {
              realm: token.realm,
              service: 'test-registry',
              issuer: 'test-issuer',
              rootcertbundle: token.certificate,
            },
          };
  const config = {
    version: 0.1,
    log: { level: 'error', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: storage } },
    http: {
      addr: `127.0.0.1:${port}`,
      secret: 'test',
      ...(tls === undefined ? {} : { tls: { certificate: tls.cert, key: tls.key } }),
    },
    ...(auth === undefined ? {} : { auth }),
  };
  mkdirSync(scratch, { recursive: true });
  const file = join(scratch, `registry-${port}.yml`);
  writeFileSync(file, JSON.stringify(config)); // JSON is YAML
  const child = spawn('docker-registry', ['serve', file], { stdio: 'ignore' });
  await listening(child, port);
  return {
    host: `localhost:${port}`,
    stop: () =>
      new Promise((resolve) => {
        if (child.exitCode !== null || child.signalCode !== null) resolve();
        child.once('exit', () => resolve());
        child.kill('SIGKILL');
      }),
  };
}

async function listening(child: ChildProcess, port: number): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt++) {
    if (child.exitCode !== null) throw new Error(`docker-registry exited ${child.exitCode}`);
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true));
      socket.once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (open) return;
    await new Promise((resolve) => {
      setTimeout(resolve, 100);
    });
  }
  throw new Error('docker-registry does not listen');
}

/** A token as docker-registry checks it: JWT, RS256, with its certificate. */
export function signedToken({ cert, key }: Certificate, access: readonly object[]): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const now = Math.floor(Date.now() / 1000);
  const der = readFileSync(cert, 'utf8').replace(/-----[^-]+-----|\s/g, '');
  const claims = {
    iss: 'test-issuer',
    sub: 'ann',
    aud: 'test-registry',
    exp: now + 600,
    nbf: now - 60,
    iat: now - 60,
    jti: randomUUID(),
    access,
  };
  const text = `${part({ typ: 'JWT', alg: 'RS256', x5c: [der] })}.${part(claims)}`;
  const signature = createSign('RSA-SHA256').update(text).sign(readFileSync(key));
  return `${text}.${signature.toString('base64url')}`;
}

export interface MadeServer {
  readonly host: string;
  /** `GET /v2/… authorization` of each request, in their order. */
  readonly requests: { readonly path: string; readonly headers: http.IncomingHttpHeaders }[];
  stop(): Promise<void>;
}

export interface MadeServerOptions {
  readonly tls?: Certificate | undefined;
  /** Set for a proxy. */
  readonly onConnect?: (request: http.IncomingMessage, socket: Duplex) => void;
}

/** A server that answers as the test says. */
export async function madeServer(
  answer: (request: http.IncomingMessage, response: http.ServerResponse) => void,
  { tls, onConnect }: MadeServerOptions = {},
): Promise<MadeServer> {
  const requests: MadeServer['requests'] = [];
  const heard = ({ url = '', headers }: http.IncomingMessage) =>
    requests.push({ path: url, headers });
  const listener: http.RequestListener = (request, response) => {
    heard(request);
    answer(request, response);
  };
  const server =
    tls === undefined
      ? http.createServer(listener)
      : https.createServer({ cert: readFileSync(tls.cert), key: readFileSync(tls.key) }, listener);
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('connect', (request, socket) => {
    heard(request);
    onConnect?.(request, socket);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    host: `localhost:${portOf(server)}`,
    requests,
    stop: () =>
      new Promise((resolve) => {
        // closeAllConnections() is not used, as it leaves those of CONNECT.
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

/**
 * Programs that speak to a network, each in the way of its own library: who sets proxy variables
 * reaches few of them. Each prints `pageText` (or what `prints` says) where it got through.
 */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { pageText } from '../../support/network/servers.js';
import type { Files } from '../../support/project.js';

/** Names of the host, of which one is allowed, and a text that the server's log shows. */
export interface Target {
  readonly host: string;
  readonly cell: string;
}

export interface Client {
  readonly name: string;
  argv(target: Target): string[];
  readonly prints?: string;
  /** Set if what the client prints is not the same each time. */
  readonly varies?: true;
  /** Its requests are not in the web server's log. */
  readonly unlogged?: true;
  readonly env?: Readonly<Record<string, string>>;
}

const sh = (script: string) => ['sh', '-c', script];
const http = (t: Target) => `http://${t.host}/page?${t.cell}`;
const https = (t: Target) => `https://${t.host}/page?${t.cell}`;

const pythonAsyncio = `
import asyncio, ssl, sys
async def main(host, path):
    context = ssl.create_default_context(cafile='server.pem')
    reader, writer = await asyncio.open_connection(host, 443, ssl=context)
    writer.write(f'GET {path} HTTP/1.0\\r\\nHost: {host}\\r\\n\\r\\n'.encode())
    print((await reader.read()).decode().split('\\r\\n\\r\\n')[1])
asyncio.run(main(sys.argv[1], sys.argv[2]))
`;

const pythonEpoll = `
import select, socket, sys
# Registered before it connects, and a duplicate of the descriptor reads the answer.
one = socket.socket()
one.setblocking(False)
poll = select.epoll()
poll.register(one.fileno(), select.EPOLLOUT | select.EPOLLERR)
other = one.dup()
address = socket.getaddrinfo(sys.argv[1], 80, socket.AF_INET)[0][4]
assert one.connect_ex(address) in (0, 115)
events = poll.poll(10)
assert events and events[0][0] == one.fileno(), events
assert one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
assert one.getpeername() == address, one.getpeername()
assert one.getsockname()[0] not in ('0.0.0.0', '127.0.0.1')
other.setblocking(True)
other.sendall(f'GET {sys.argv[2]} HTTP/1.0\\r\\nHost: {sys.argv[1]}\\r\\n\\r\\n'.encode())
other.shutdown(socket.SHUT_WR)
print(other.makefile('rb').read().split(b'\\r\\n\\r\\n')[1].decode())
`;

const nodeClient = `
import { connect } from 'node:net';
import { get } from 'node:http';
const [kind, host, path] = process.argv.slice(2);
if (kind === 'fetch') console.log(await (await fetch('http://' + host + path)).text());
if (kind === 'tls') console.log(await (await fetch('https://' + host + path)).text());
if (kind === 'http') get({ host, path }, (r) => r.pipe(process.stdout));
if (kind === 'net') {
  const s = connect(80, host, () => s.end('GET ' + path + ' HTTP/1.0\\r\\nHost: ' + host + '\\r\\n\\r\\n'));
  let text = '';
  s.on('data', (d) => { text += d; }).on('close', () => console.log(text.split('\\r\\n\\r\\n')[1]));
}
`;

const javaClient = `
import java.net.URI;
import java.net.http.*;
public class Client {
  public static void main(String[] a) throws Exception {
    var request = HttpRequest.newBuilder(URI.create(a[0])).version(HttpClient.Version.HTTP_1_1).build();
    System.out.print(HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString()).body());
  }
}
`;

const muslClient = `
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
int main(int argc, char **argv) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list, *one;
  if (argc != 3 || getaddrinfo(argv[1], "80", &hints, &list)) return 1;
  for (one = list; one; one = one->ai_next) {
    int s = socket(one->ai_family, one->ai_socktype, 0);
    if (s < 0 || connect(s, one->ai_addr, one->ai_addrlen)) { close(s); continue; }
    char text[4096];
    int n = snprintf(text, sizeof text, "GET %s HTTP/1.0\\r\\nHost: %s\\r\\n\\r\\n", argv[2], argv[1]);
    write(s, text, n);
    size_t used = 0;
    for (ssize_t got; (got = read(s, text + used, sizeof text - 1 - used)) > 0;) used += got;
    text[used] = 0;
    puts(strstr(text, "\\r\\n\\r\\n") + 4);
    return 0;
  }
  return 2;
}
`;

/** Returns what the clients need beside them. */
export function clientFiles(network: string): Files {
  const read = (name: string) => fs.readFileSync(join(network, name));
  const build = fs.mkdtempSync(join(network, 'clients-'));
  fs.writeFileSync(join(build, 'Client.java'), javaClient);
  fs.writeFileSync(join(build, 'client.c'), muslClient);
  execFileSync('javac', ['Client.java'], { cwd: build });
  execFileSync('musl-gcc', ['-O', '-static', '-o', 'client', 'client.c'], { cwd: build });
  return {
    'server.pem': read('server.pem'),
    user_key: read('user_key'),
    'asyncio_client.py': pythonAsyncio,
    'epoll_client.py': pythonEpoll,
    'client.mjs': nodeClient,
    'Client.class': fs.readFileSync(join(build, 'Client.class')),
    client: fs.readFileSync(join(build, 'client')),
  };
}

const python = (code: string) => ['/usr/bin/python3', '-c', code];
const path = (t: Target) => `/page?${t.cell}`;

export const clients: readonly Client[] = [
  { name: 'curl', argv: (t) => ['curl', '-sS', '-m', '20', http(t)] },
  {
    name: 'curl https',
    argv: (t) => ['curl', '-sS', '-m', '20', '--cacert', 'server.pem', https(t)],
  },
  { name: 'curl over IPv6', argv: (t) => ['curl', '-6', '-sS', '-m', '20', http(t)] },
  {
    name: 'wget https',
    argv: (t) => [
      'wget',
      '-q',
      '-T',
      '20',
      '-t',
      '1',
      '--ca-certificate=server.pem',
      '-O',
      '-',
      https(t),
    ],
  },
  {
    name: 'git over https',
    argv: (t) =>
      sh(
        `git -c http.sslCAInfo=server.pem clone -q https://${t.host}/repository.git git-${t.cell} && cat git-${t.cell}/README`,
      ),
    unlogged: true,
  },
  {
    name: 'git over ssh',
    argv: (t) =>
      sh(
        `git clone -q ssh://root@${t.host}/repository.git ssh-${t.cell} && cat ssh-${t.cell}/README`,
      ),
    env: {
      GIT_SSH_COMMAND:
        'ssh -q -i user_key -o IdentitiesOnly=yes -o ConnectTimeout=20 -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null',
    },
    unlogged: true,
  },
  {
    name: 'python urllib',
    argv: (t) =>
      python(
        `import urllib.request as u; print(u.urlopen('${http(t)}', timeout=20).read().decode())`,
      ),
  },
  {
    name: 'python requests',
    argv: (t) =>
      python(
        `import requests; print(requests.get('${https(t)}', verify='server.pem', timeout=20).text)`,
      ),
  },
  {
    name: 'python asyncio',
    argv: (t) => ['/usr/bin/python3', 'asyncio_client.py', t.host, path(t)],
  },
  {
    name: 'python epoll before connect',
    argv: (t) => ['/usr/bin/python3', 'epoll_client.py', t.host, path(t)],
  },
  { name: 'node fetch', argv: (t) => ['node', 'client.mjs', 'fetch', t.host, path(t)] },
  {
    name: 'node fetch https',
    argv: (t) => ['node', 'client.mjs', 'tls', t.host, path(t)],
    env: { NODE_EXTRA_CA_CERTS: 'server.pem' },
  },
  { name: 'node http', argv: (t) => ['node', 'client.mjs', 'http', t.host, path(t)] },
  { name: 'node net', argv: (t) => ['node', 'client.mjs', 'net', t.host, path(t)] },
  {
    name: 'ruby net/http',
    argv: (t) => ['ruby', '-rnet/http', '-e', `puts Net::HTTP.get(URI('${http(t)}'))`],
  },
  {
    name: 'perl HTTP::Tiny',
    argv: (t) => [
      'perl',
      '-MHTTP::Tiny',
      '-e',
      `print HTTP::Tiny->new->get('${http(t)}')->{content}`,
    ],
  },
  {
    name: 'a static musl binary',
    argv: (t) =>
      sh(
        `cp client own-${t.cell} && chmod +x own-${t.cell} && ./own-${t.cell} ${t.host} '${path(t)}'`,
      ),
  },
  {
    name: 'java HttpClient',
    argv: (t) => ['java', '-Xshare:auto', '-XX:TieredStopAtLevel=1', '-cp', '.', 'Client', http(t)],
  },
  {
    name: 'busybox nc',
    argv: (t) =>
      sh(
        `printf 'GET ${path(t)} HTTP/1.0\\r\\nHost: ${t.host}\\r\\n\\r\\n' | busybox nc -w 20 ${t.host} 80 | tail -n 1`,
      ),
  },
  {
    name: 'openssl s_client',
    argv: (t) =>
      sh(
        `printf 'GET ${path(t)} HTTP/1.0\\r\\nHost: ${t.host}\\r\\n\\r\\n' | openssl s_client -quiet -verify_quiet -CAfile server.pem -connect ${t.host}:443 2>/dev/null | tail -n 1`,
      ),
  },
  {
    name: 'dig',
    argv: (t) => ['dig', '+short', '+tries=1', '+time=20', t.host],
    prints: '93.184.216.34',
    unlogged: true,
  },
  {
    name: 'dig over TCP',
    argv: (t) => ['dig', '+tcp', '+short', '+tries=1', t.host],
    prints: '93.184.216.34',
    unlogged: true,
  },
  {
    name: 'socat UDP',
    argv: (t) => sh(`echo over-udp | socat -t 3 - UDP4:${t.host}:7777`),
    prints: 'over-udp',
    unlogged: true,
  },
  {
    name: 'npm from a registry',
    argv: (t) =>
      sh(
        `mkdir n-${t.cell} && cd n-${t.cell} && npm install --silent --no-audit --no-fund --no-update-notifier --fetch-retries=0 --cache ./cache --registry http://${t.host}/npm/ tiny && cat node_modules/tiny/index.js`,
      ),
    varies: true,
    unlogged: true,
  },
];

export { pageText };

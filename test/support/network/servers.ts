/** The servers of the test network: nginx, dnsmasq, sshd, iperf3 and socat from Debian. */
import { execFileSync, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually } from '../host.js';
import { addresses, names, oddZone } from './addresses.js';
import type { Network } from './index.js';

/** The text of the pages; it occurs nowhere else. */
export const pageText = 'page-of-the-test-network';

const script = (name: string) => fileURLToPath(new URL(name, import.meta.url));

const nginx = (directory: string, side: string) => `
daemon off;
master_process off;
pid ${directory}/nginx-${side}.pid;
error_log ${directory}/nginx-${side}.log;
events { worker_connections 4096; }
http {
  log_format plain '${side} $remote_addr $server_addr $host $request_uri $status';
  access_log ${directory}/access.log plain;
  default_type text/plain;
  client_body_temp_path ${directory}/tmp-${side};
  proxy_temp_path ${directory}/tmp-${side}; fastcgi_temp_path ${directory}/tmp-${side};
  uwsgi_temp_path ${directory}/tmp-${side}; scgi_temp_path ${directory}/tmp-${side};
  ssl_certificate ${directory}/server.pem;
  ssl_certificate_key ${directory}/server.key;
  server {
    listen 80; listen [::]:80; listen 443 ssl; listen [::]:443 ssl;
    root ${directory}/web;
    location /page { default_type text/plain; return 200 "${pageText}\\n"; }
    location = /to-lan { return 302 http://192.168.7.2/page?redirected; }
    location = /to-host { return 302 http://93.184.216.10/page?redirected; }
    location = /npm/tiny { default_type application/json; try_files /npm/tiny.json =404; }
  }
}
`;

const sshd = (directory: string) => `
ListenAddress 0.0.0.0
HostKey ${directory}/host_key
AuthorizedKeysFile ${directory}/authorized_keys
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
PidFile none
MaxStartups 100
ForceCommand git-upload-pack ${directory}/web/repository.git
`;

function makeCertificate(directory: string): void {
  const altNames = [...Object.keys(names).map((name) => `DNS:${name}`), 'IP:93.184.216.34'];
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=test'],
      ...['-addext', `subjectAltName=${altNames.join(',')}`],
      ...['-keyout', join(directory, 'server.key'), '-out', join(directory, 'server.pem')],
    ],
    { stdio: 'ignore' },
  );
}

function makeRepository(directory: string): void {
  const work = join(directory, 'repository');
  const git = (cwd: string, ...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], {
      cwd,
      stdio: 'ignore',
    });
  fs.mkdirSync(work);
  git(work, 'init', '-q', '-b', 'main');
  fs.writeFileSync(join(work, 'README'), `${pageText}\n`);
  git(work, 'add', 'README');
  git(work, 'commit', '-q', '-m', 'one');
  git(directory, 'clone', '-q', '--bare', work, join(directory, 'web/repository.git'));
  git(join(directory, 'web/repository.git'), 'update-server-info');
}

/** A package registry of one package, as files. */
function makeRegistry(directory: string): void {
  const place = join(directory, 'web/npm');
  const source = join(directory, 'tiny/package');
  fs.mkdirSync(place, { recursive: true });
  fs.mkdirSync(source, { recursive: true });
  const manifest = { name: 'tiny', version: '1.0.0', main: 'index.js' };
  fs.writeFileSync(join(source, 'package.json'), JSON.stringify(manifest));
  fs.writeFileSync(join(source, 'index.js'), `module.exports = '${pageText}';\n`);
  const archive = join(place, 'tiny-1.0.0.tgz');
  execFileSync('tar', ['-czf', archive, '-C', join(directory, 'tiny'), 'package']);
  const dist = { tarball: 'http://www.example.com/npm/tiny-1.0.0.tgz' };
  fs.writeFileSync(
    join(place, 'tiny.json'),
    JSON.stringify({
      name: 'tiny',
      'dist-tags': { latest: '1.0.0' },
      versions: { '1.0.0': { ...manifest, dist } },
    }),
  );
}

/** Writes configurations, certificates and content. */
export function prepareServers(directory: string): void {
  fs.mkdirSync(join(directory, 'web'));
  makeCertificate(directory);
  makeRepository(directory);
  makeRegistry(directory);
  fs.writeFileSync(join(directory, 'web/big'), Buffer.alloc(8 << 20, 'wasbox'));
  for (const side of ['here', 'there']) {
    fs.writeFileSync(join(directory, `nginx-${side}.conf`), nginx(directory, side));
  }
  for (const key of ['host_key', 'user_key']) {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(directory, key)]);
  }
  fs.copyFileSync(join(directory, 'user_key.pub'), join(directory, 'authorized_keys'));
  fs.writeFileSync(join(directory, 'sshd.conf'), sshd(directory));
  for (const log of ['access.log', 'udp.log', 'dns.log'])
    fs.writeFileSync(join(directory, log), '');
}

/** Starts the servers on both sides and waits until they listen. */
export async function startServers(network: Network): Promise<void> {
  const { directory } = network;
  const root = {
    uid: 0,
    gid: 0,
    home: '/root',
    scratch: directory,
    cli: '',
    name: 'root',
  } as const;
  const log = fs.openSync(join(directory, 'servers.log'), 'a');
  const start = (argv: string[]) => {
    const [file = '', ...args] = argv;
    spawn(file, args, { stdio: ['ignore', log, log] }).unref();
  };
  const here = (argv: string[]) => start(network.here({ ...root, label: 'root' }, '/', argv));
  const there = (argv: string[]) => start(network.there(argv));
  const records = Object.entries(names).flatMap(([name, list]) =>
    list.map((address) => `--host-record=${name},${address}`),
  );
  // The user's machine has a service as well; it ends with the namespaces' holder.
  here([
    'setpriv',
    '--pdeathsig',
    'KILL',
    'nginx',
    '-e',
    'stderr',
    '-c',
    join(directory, 'nginx-here.conf'),
  ]);
  there(['nginx', '-e', 'stderr', '-c', join(directory, 'nginx-there.conf')]);
  there([
    ...['dnsmasq', '--keep-in-foreground', '--conf-file=/dev/null', '--no-resolv', '--no-hosts'],
    ...['--log-queries', `--log-facility=${directory}/dns.log`],
    ...['--user=root', '--cache-size=0', '--pid-file=', `--server=/${oddZone}/127.0.0.1#5353`],
    ...['--address=/absent.example.com/', '--local=/example.com/', '--local=/example.net/'],
    ...records,
  ]);
  there([process.execPath, script('odd-dns.mjs'), '5353']);
  const [dgramHere, dgramThere] = [
    [addresses.ownPublic, addresses.ownLan, '127.0.0.1'],
    [addresses.web, addresses.other, addresses.lan, addresses.metadata],
  ];
  const udpLog = (list: readonly string[]) => [
    ...[process.execPath, script('udp-log.mjs'), join(directory, 'udp.log'), '7778'],
    ...list,
  ];
  here(['setpriv', '--pdeathsig', 'KILL', ...udpLog(dgramHere)]);
  there(udpLog(dgramThere));
  there(['sh', '-c', `mkdir -p /run/sshd && exec /usr/sbin/sshd -D -e -f ${directory}/sshd.conf`]);
  there(['iperf3', '--server']);
  // Bound to one address: an answer must come from where it was sent to.
  there(['socat', `UDP4-RECVFROM:7777,bind=${addresses.web},fork`, 'SYSTEM:cat']);
  there(['socat', `UDP6-RECVFROM:7777,bind=[${addresses.web6}],fork`, 'SYSTEM:cat']);
  for (const port of [80, 443]) await network.listening('here', port);
  const ready = dgramHere.length + dgramThere.length;
  if (!(await eventually(() => network.lines('udp.log').length === ready))) {
    throw new Error('the UDP servers do not listen');
  }
  for (const port of [22, 53, 80, 443, 5201]) await network.listening('there', port);
}

// Inside the virtual machine: rules of the network, with and without what the kernel needs for them. The servers
// run in this process, outside of any sandbox, and count who reaches them.
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { check, cli, finish, runMarked, wasbox, wasMarked } from './case.mjs';

const [abi, veth] = [Number(process.argv[2]), process.argv[3] === 'veth'];
const state = `Landlock ABI ${abi}, ${veth ? '' : 'no '}veth`;
const address = '198.51.100.1';

const doctor = wasbox(['doctor', '--json']);
const network = JSON.parse(doctor.stdout).findings.find(({ name }) => name.startsWith('network'));
const lack = abi < 4 ? 'Landlock' : veth ? '' : 'no veth devices';
check(`${state}: doctor: ${network.detail}`, doctor, {
  'finds what the network lacks': network.verdict === (lack === '' ? 'good' : 'degraded'),
  'says what': network.detail.includes(lack),
});

if (abi < 4) {
  const run = runMarked(undefined, ['--net', `${address}:80`]);
  check(`${state}: rules are refused`, run, {
    'ends with 125': run.status === 125,
    'says what they need': run.stderr.includes('Landlock'),
    'runs nothing': !wasMarked(),
  });
  const off = runMarked();
  check(`${state}: no rules`, off, { 'ends with 0': off.status === 0, runs: wasMarked() });
  finish();
}

const client = `
import { connect } from 'node:net'; import { createSocket } from 'node:dgram';
const [how, port] = [process.argv[2], Number(process.argv[3])];
const done = (text) => { console.log(String(text)); process.exit(0); };
setTimeout(() => done('silence'), 5000);
const failed = ({ code }) => done(code);
if (how === 'tcp') connect(port, '${address}').on('data', done).on('error', failed);
else createSocket('udp4').on('message', done).on('error', failed).send('x', port, '${address}');
`;
writeFileSync('client.mjs', client);
const reached = { tcp: 0, udp: 0 };
const tcp = createServer((socket) => {
  reached.tcp += 1;
  socket.on('error', () => {}).end('answer');
}).listen(0, address);
const udp = createSocket('udp4').on('message', (_, { address: to, port }) => {
  reached.udp += 1;
  udp.send('answer', port, to);
});
udp.bind(0, address);
await Promise.all([once(tcp, 'listening'), once(udp, 'listening')]);
const ports = { tcp: tcp.address().port, udp: udp.address().port };

/** The client, with a rule for the server's port, or one that is `off` by so much. */
async function reach(how, off) {
  const started = performance.now();
  const rule = `${address}:${ports[how] + off}/${how}`;
  const words = ['run', '-q', '--discard', '--net', rule, '--', 'node', 'client.mjs', how];
  const child = spawn(process.execPath, [cli, ...words, String(ports[how])]);
  const run = { stdout: '', stderr: '', before: reached[how] };
  for (const name of ['stdout', 'stderr']) child[name].on('data', (text) => (run[name] += text));
  const [status] = await once(child, 'close');
  return { ...run, status, ms: Math.round(performance.now() - started) };
}

for (const how of ['tcp', 'udp']) {
  const allowed = await reach(how, 0);
  if (how === 'udp' && !veth) {
    check(`${state}: udp that a rule allows`, allowed, {
      'ends with 125': allowed.status === 125,
      'says what is missing': allowed.stderr.includes('no veth devices'),
      'says what to do': allowed.stderr.includes('sudo modprobe veth'),
      'runs nothing': allowed.stdout === '' && reached.udp === 0,
    });
    continue;
  }
  check(`${state}: ${how} that a rule allows`, allowed, {
    'is answered': allowed.stdout === 'answer\n' && reached[how] === allowed.before + 1,
  });
  const other = await reach(how, 1);
  check(`${state}: ${how} that no rule allows: ${other.stdout.trim()}`, other, {
    runs: other.status === 0,
    'does not arrive': other.stdout !== 'answer\n' && reached[how] === other.before,
  });
}
finish();

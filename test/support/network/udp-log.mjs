/** Writes down every datagram: `node udp-log.mjs FILE PORT ADDRESS…`, a line `ADDRESS TEXT` each. */
import dgram from 'node:dgram';
import { appendFileSync } from 'node:fs';

const [file, port, ...addresses] = process.argv.slice(2);
for (const address of addresses) {
  const socket = dgram.createSocket(address.includes(':') ? 'udp6' : 'udp4');
  socket.on('message', (data) => appendFileSync(file, `${address} ${data.toString('latin1')}\n`));
  socket.bind(Number(port), address, () => appendFileSync(file, `${address} ready\n`));
}

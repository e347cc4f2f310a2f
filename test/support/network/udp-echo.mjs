/**
 * Sends every datagram back and writes down its size: `node udp-echo.mjs FILE PORT ADDRESS…`, a line
 * `ADDRESS SIZE` each; `ADDRESS ready` once it can be sent to.
 */
import dgram from 'node:dgram';
import { appendFileSync } from 'node:fs';

const [file, port, ...addresses] = process.argv.slice(2);
for (const address of addresses) {
  const recvBufferSize = 4 << 20;
  const type = address.includes(':') ? 'udp6' : 'udp4';
  const socket = dgram.createSocket({ type, recvBufferSize });
  socket.on('message', (data, from) => {
    appendFileSync(file, `${address} ${data.length}\n`);
    socket.send(data, from.port, from.address);
  });
  socket.bind(Number(port), address, () => appendFileSync(file, `${address} ready\n`));
}

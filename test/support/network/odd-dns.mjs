/**
 * A name server that a resolver must survive. `node odd-dns.mjs PORT`; by the first label:
 * silent (no answer), slow (after 3 s), loop (a CNAME to itself), many (4000 records), turn (another
 * address each time: 93.184.216.34, then 192.168.7.10), foreign (another name's record beside its
 * own), short (a datagram cut in the middle), pointer (a name that points at itself).
 */
import dgram from 'node:dgram';
import net from 'node:net';

const port = Number(process.argv[2]);
const turns = new Map();

const bytesOf = (name) =>
  Buffer.concat([
    ...name
      .split('.')
      .map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)])),
    Buffer.from([0]),
  ]);

function record(owner, type, data) {
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(type, 0);
  fixed.writeUInt16BE(1, 2);
  fixed.writeUInt32BE(1, 4); // seconds
  fixed.writeUInt16BE(data.length, 8);
  return Buffer.concat([owner, fixed, data]);
}

const address = (text) => Buffer.from(text.split('.').map(Number));

function questionOf(query) {
  const labels = [];
  let at = 12;
  while (query[at] !== 0) {
    labels.push(query.subarray(at + 1, at + 1 + query[at]).toString('latin1'));
    at += 1 + query[at];
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 };
}

function answer(query, datagram) {
  const { name, type, end } = questionOf(query);
  const own = Buffer.from([0xc0, 12]);
  const first = name.split('.')[0];
  let records = [];
  if (first === 'loop') records = [record(own, 5, bytesOf(name))];
  else if (type !== 1) records = [];
  else if (first === 'many') {
    records = Array.from({ length: 4000 }, (_, i) =>
      record(own, 1, Buffer.from([93, 184, 217 + (i >> 8), i & 255])),
    );
  } else if (first === 'turn') {
    const turn = turns.get(name) ?? 0;
    turns.set(name, turn + 1);
    records = [record(own, 1, address(turn === 0 ? '93.184.216.34' : '192.168.7.10'))];
  } else if (first === 'foreign') {
    records = [
      record(bytesOf('other.example.net'), 1, address('93.184.216.35')),
      record(own, 1, address('93.184.216.34')),
    ];
  } else if (first === 'pointer')
    records = [record(Buffer.from([0xc0, end]), 1, address('93.184.216.34'))];
  else records = [record(own, 1, address('93.184.216.34'))];
  const head = Buffer.from(query.subarray(0, end));
  head.writeUInt16BE(0x8180, 2);
  head.writeUInt16BE(records.length, 6);
  head.writeUInt16BE(0, 8);
  head.writeUInt16BE(0, 10);
  let whole = Buffer.concat([head, ...records]);
  if (datagram && whole.length > 1200) {
    head.writeUInt16BE(0x8380, 2); // truncated: ask again over TCP
    head.writeUInt16BE(0, 6);
    whole = head;
  }
  if (first === 'short') whole = whole.subarray(0, whole.length - 6);
  return { whole, wait: first === 'slow' ? 3000 : 0, silent: first === 'silent' };
}

const udp = dgram.createSocket('udp4');
udp.on('message', (query, from) => {
  const { whole, wait, silent } = answer(query, true);
  if (!silent) setTimeout(() => udp.send(whole, from.port, from.address), wait);
});
udp.bind(port, '127.0.0.1');

net
  .createServer((socket) => {
    let buffer = Buffer.alloc(0);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      buffer = Buffer.concat([buffer, chunk]);
      if (buffer.length < 2 || buffer.length < 2 + buffer.readUInt16BE(0)) return;
      const { whole, wait, silent } = answer(buffer.subarray(2), false);
      const size = Buffer.alloc(2);
      size.writeUInt16BE(Math.min(whole.length, 65535));
      if (!silent)
        setTimeout(() => socket.end(Buffer.concat([size, whole.subarray(0, 65535)])), wait);
    });
  })
  .listen(port, '127.0.0.1');

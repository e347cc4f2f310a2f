// A port for a server of a test. Apart from support/network, so that plain Node can use it.
import { once } from 'node:events';
import { createServer } from 'node:net';

/** A port that is free on every address, and that the kernel gives to no other program meanwhile. */
export async function freePort() {
  const port = 12_000 + Math.floor(Math.random() * 18_000); // ip_local_port_range begins above
  const server = createServer().listen(port, '::');
  try {
    await once(server, 'listening');
  } catch {
    return freePort();
  }
  server.close();
  await once(server, 'close');
  return port;
}

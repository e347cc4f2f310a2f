// A web server that runs what its users send: node server.mjs, PORT=8080
//   curl -d '{"code": "print(6 * 7)"}' localhost:8080/run       answers {"stdout", "stderr", "outcome", "exitCode"}
//   curl -N -d '{"code": "…"}' localhost:8080/stream            sends output as it comes
// SIGTERM lets what runs end, for ten seconds at most.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createPool } from 'wasbox';

const pool = await createPool({
  lang: 'python',
  size: 2,
  maxQueued: 100,
  timeoutMs: 10_000,
  memoryBytes: 256 * 2 ** 20,
  pids: 32,
  maxOutputBytes: 64 * 1024,
  changes: 'discard',
});

async function bodyOf(request, most = 100_000) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > most) throw Object.assign(new Error('the request is too long'), { status: 413 });
    chunks.push(chunk);
  }
  try {
    const { code, input } = JSON.parse(Buffer.concat(chunks).toString());
    if (typeof code === 'string' && ['string', 'undefined'].includes(typeof input)) return { code, input };
  } catch {}
  throw Object.assign(new Error('expected {"code": "…", "input": "…"}'), { status: 400 });
}

/** Returns a status that says whose fault an error is. */
const statusOf = ({ status, code }) => status ?? { ERR_POOL_FULL: 503, ERR_OPTION_VALUE: 400 }[code] ?? 500;

async function answer(request, response) {
  const controller = new AbortController();
  response.once('close', () => controller.abort()); // a client that goes away ends its program
  const task = { ...(await bodyOf(request)), signal: controller.signal };
  if (request.url === '/stream') {
    response.writeHead(200, { 'content-type': 'application/octet-stream' });
    // The program waits for a client that reads slowly.
    const send = async (chunk) => {
      if (!response.write(chunk)) await once(response, 'drain', { signal: controller.signal });
    };
    await pool.run({ ...task, onStdout: send, onStderr: send });
    response.end();
    return;
  }
  const { stdout, stderr, outcome, exitCode, truncated } = await pool.run(task);
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ stdout, stderr, outcome, exitCode, truncated }));
}

const server = createServer((request, response) => {
  if (request.method !== 'POST' || !['/run', '/stream'].includes(request.url)) {
    response.writeHead(404).end();
    return;
  }
  answer(request, response).catch((error) => {
    if (error.name === 'AbortError' || response.destroyed) return;
    if (response.headersSent) response.destroy();
    else response.writeHead(statusOf(error)).end(JSON.stringify({ error: error.message }));
  });
});
server.listen(Number(process.env.PORT ?? 8080), '127.0.0.1');
await once(server, 'listening');
console.log(`listening on port ${server.address().port}`);

process.once('SIGTERM', async () => {
  server.close();
  server.closeIdleConnections();
  setTimeout(() => pool.close({ force: true }), 10_000).unref();
  await pool.close();
  server.closeAllConnections();
});

/**
 * A registry of npm packages, verdaccio, without another registry behind it. Prints its port, then each request's
 * path on a line. Usage: node verdaccio.mjs DIRECTORY
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { installTools } from './tools.mjs';

const [, , directory] = process.argv;
const require = createRequire(join(installTools('tools/registry'), 'tools.js'));
const { runServer } = require('verdaccio');
const server = await runServer({
  storage: `${directory}/storage`,
  self_path: directory,
  auth: { htpasswd: { file: `${directory}/htpasswd` } },
  uplinks: {},
  packages: { '**': { access: '$all', publish: '$all' } },
  web: { enable: false },
  log: { type: 'file', path: `${directory}/log`, format: 'json', level: 'warn' },
});
server.on('request', ({ method, url }) => console.log(`${method} ${url}`));
server.listen(0, '127.0.0.1', () => console.log(server.address().port));

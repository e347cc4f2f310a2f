/** A server of the test network that sends datagrams back; its log is the oracle of tests of UDP. */
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually } from '../host.js';
import type { Network } from './index.js';

export interface Echo {
  /** A line `ADDRESS SIZE` for each datagram since the last `forget`. */
  lines(): string[];
  forget(): void;
}

/** Starts it on the servers' side; it ends with the network. */
export async function startEcho(
  network: Network,
  port: number,
  addresses: readonly string[],
): Promise<Echo> {
  const script = fileURLToPath(new URL('udp-echo.mjs', import.meta.url));
  const log = join(network.directory, `echo-${port}.log`);
  fs.writeFileSync(log, '');
  const server = [process.execPath, script, log, `${port}`, ...addresses];
  const [command = '', ...argv] = network.there(server);
  spawn(command, argv, { stdio: 'ignore' }).unref();
  const lines = () => fs.readFileSync(log, 'utf8').split('\n').slice(0, -1);
  const ready = () => lines().filter((line) => line.endsWith(' ready')).length;
  if (!(await eventually(() => ready() === addresses.length))) {
    throw new Error(`no server listens on UDP port ${port}`);
  }
  return { lines, forget: () => fs.truncateSync(log) };
}

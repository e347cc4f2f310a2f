/** Another process that exchanges a directory of the project, `sub`, for a link, `trap`, and back, without end. */
import type { ChildProcess } from 'node:child_process';
import type { Identity } from './identity.js';
import { startProgram } from './wasbox.js';

/** @returns the process, once it runs: to be ended with SIGKILL */
export async function startExchange(as: Identity, cwd: string): Promise<ChildProcess> {
  const exchange = `import ctypes
libc = ctypes.CDLL(None)
print('up', flush=True)
while True:
    libc.renameat2(-100, b'${cwd}/sub', -100, b'${cwd}/trap', 2)
    libc.usleep(50)`;
  const racer = startProgram(['python3', '-c', exchange], { as });
  await new Promise((resolve) => racer.stdout?.once('data', resolve));
  return racer;
}

/**
 * docs/deploy/systemd under systemd itself: as PID 1 of a PID namespace, on an overlay of this machine's file tree. The script
 * of wasbox-job.service runs, and wasbox-worker@jobs.service takes jobs from a queue.
 *
 * Called by run.mjs. Needs root, systemd, valkey-server and a built checkout. Where the controllers memory and pids are not of
 * cgroup version 2, nothing is delegated but the directory. Changes nothing of this machine.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Queue, QueueEvents } from 'bullmq';
import { submit } from '../../dist/bullmq.js';

const checkout = fileURLToPath(new URL('../..', import.meta.url));
const source = join(checkout, 'docs/deploy/systemd');

/** This runs inside: both units, then the end. */
const driver = `[Unit]
DefaultDependencies=no
[Service]
Type=oneshot
StandardOutput=file:/mnt/result/log
StandardError=inherit
ExecStart=/bin/sh -c 'cp /sys/fs/cgroup/cgroup.controllers /mnt/result/; \\
  systemctl start wasbox-job.service; systemctl status wasbox-job.service; systemctl show -P Result wasbox-job.service >/mnt/result/job; \\
  cp /var/lib/wasbox-job/report.json /mnt/result/; \\
  systemctl start wasbox-worker@jobs.service; systemctl status wasbox-worker@jobs.service; \\
  control=$$(systemctl show -P ControlGroup wasbox-worker@jobs.service); \\
  cd "/sys/fs/cgroup$$control"; cat cgroup.subtree_control >/mnt/result/delegated; \\
  stat -c %%U . >/mnt/result/owner; cat cgroup.procs >/mnt/result/outside; cat worker/cgroup.procs >/mnt/result/inside; \\
  touch /mnt/result/started; until test -e /mnt/result/stop; do sleep 0.1; done; \\
  systemctl stop wasbox-worker@jobs.service; systemctl show -P Result wasbox-worker@jobs.service >/mnt/result/worker; \\
  touch /mnt/result/stopped; systemctl exit'
`;

/** The unit without the controllers: its own cgroup is only written to. */
const withoutControllers = (text) =>
  text.replace('Delegate=memory pids', 'Delegate=yes').replace('+memory +pids', '');

/**
 * @param {{ port: number, check: (good: boolean, what: string) => void }} given a queue's server on loopback
 */
export async function checkSystemd({ port, check }) {
  const work = fs.mkdtempSync('/var/tmp/wasbox-systemd-');
  fs.chmodSync(work, 0o755);
  const result = join(work, 'result');
  for (const name of ['layers', 'root', 'units', 'result']) fs.mkdirSync(join(work, name));
  const place = ['/sys/fs/cgroup/unified', '/sys/fs/cgroup'].find((path) =>
    fs.existsSync(join(path, 'cgroup.controllers')),
  );
  const controllers = fs.readFileSync(join(place, 'cgroup.controllers'), 'utf8').trim().split(' ');
  const both = ['memory', 'pids'].every((name) => controllers.includes(name));
  for (const name of fs.readdirSync(source)) {
    const text = fs.readFileSync(join(source, name), 'utf8');
    fs.writeFileSync(join(work, 'units', name), both ? text : withoutControllers(text));
  }
  fs.writeFileSync(join(work, 'units/driver.service'), driver);
  fs.writeFileSync(join(work, 'task.py'), 'print("from the unit")\n');
  fs.writeFileSync(join(work, 'worker.env'), `WASBOX_CONNECTION=redis://127.0.0.1:${port}\n`);
  const spaces = [
    '--mount',
    '--pid',
    '--fork',
    '--cgroup',
    '--kill-child',
    '--propagation=private',
  ];
  const boot = [join(checkout, 'test/deploy/systemd-boot.sh'), work];
  const wasbox = join(checkout, 'dist/bin/wasbox.bin');
  const child = spawn('unshare', [...spaces, 'sh', ...boot, wasbox, 'driver.service'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const gone = once(child, 'close');
  const connection = { host: '127.0.0.1', port };
  const queue = new Queue('jobs', { connection });
  const events = new QueueEvents('jobs', { connection });
  const read = (name) => fs.readFileSync(join(result, name), 'utf8').trim();
  const until = async (name) => {
    for (let tries = 0; tries < 300; tries++) {
      if (fs.existsSync(join(result, name))) return;
      await sleep(100);
    }
    throw new Error(`not within 30 s: ${name}`);
  };
  try {
    await until('started');
    check(read('job') === 'success', 'wasbox-job.service: the script ran');
    const report = JSON.parse(read('report.json'));
    check(report.outcome.exitCode === 0, 'wasbox-job.service: left its report');
    check(report.sandbox.isolation === 'namespaces', 'wasbox-job.service: isolated by namespaces');
    const job = await submit(queue, { lang: 'python', code: 'print(6 * 7)' });
    const { stdout } = await job.waitUntilFinished(events, 30_000);
    check(stdout === '42\n', 'wasbox-worker@jobs.service: a job ran in a sandbox');
    const unit = 'wasbox-worker@jobs.service';
    check(read('owner') === 'wasbox', `${unit}: its cgroup is the user's`);
    const beside = read('outside') === '' && read('inside') !== '';
    check(beside, `${unit}: the worker is in a cgroup beside those of its jobs`);
    if (both) check(read('delegated') === 'memory pids', `${unit}: jobs have memory and pids`);
    else
      console.log('-      memory and pids are of cgroup version 1 here, so they are not delegated');
    fs.writeFileSync(join(result, 'stop'), '');
    await until('stopped');
    check(read('worker') === 'success', 'wasbox-worker@jobs.service: ends in order');
  } catch (error) {
    console.error(['console', 'log'].map(read).join('\n').slice(-4000));
    throw error;
  } finally {
    await events.close();
    await queue.close();
    child.kill('SIGKILL');
    await gone;
    fs.rmSync(work, { recursive: true, force: true, maxRetries: 3 });
  }
}

/**
 * A Slurm cluster of this machine alone: munged, slurmctld and slurmd of Debian, with their files in one directory and
 * their ports on loopback. As root, because slurmd becomes the user of each job.
 */
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { hostname, totalmem } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../support/free-port.mjs';

function configuration({ directory, cpus, ports }) {
  const memory = Math.floor((totalmem() / 1024 / 1024) * 0.8);
  return `ClusterName=wasbox
SlurmctldHost=localhost(127.0.0.1)
SlurmUser=root
SlurmctldPort=${ports.controller}
SlurmdPort=${ports.node}
AuthType=auth/munge
AuthInfo=socket=${directory}/munge.socket
CredType=cred/munge
StateSaveLocation=${directory}/state
SlurmdSpoolDir=${directory}/spool
SlurmctldPidFile=${directory}/slurmctld.pid
SlurmdPidFile=${directory}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerParameters=sched_interval=1
JobCompType=jobcomp/none
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
ReturnToService=2
NodeName=wasbox NodeHostname=${hostname()} NodeAddr=127.0.0.1 CPUs=${cpus} RealMemory=${memory} State=UNKNOWN
PartitionName=all Nodes=wasbox Default=YES MaxTime=00:10:00 State=UP
`;
}

export class Cluster {
  #running = [];

  /** @param {string} directory empty, of root, that others may enter */
  constructor(directory) {
    this.directory = directory;
    this.env = { ...process.env, SLURM_CONF: join(directory, 'slurm.conf') };
  }

  #spawn(name, args, options = {}) {
    const log = fs.openSync(join(this.directory, `${name}.log`), 'w');
    const child = spawn(name, args, { stdio: ['ignore', log, log], env: this.env, ...options });
    fs.closeSync(log);
    child.once('error', (error) => {
      throw error;
    });
    this.#running.push({ name, child });
    return child;
  }

  async start(cpus) {
    const { directory } = this;
    for (const name of ['state', 'spool']) fs.mkdirSync(join(directory, name), { mode: 0o700 });
    const ports = { controller: await freePort(), node: await freePort() };
    fs.writeFileSync(this.env.SLURM_CONF, configuration({ directory, cpus, ports }));
    fs.writeFileSync(join(directory, 'cgroup.conf'), 'CgroupPlugin=disabled\n');
    const key = join(directory, 'munge.key');
    fs.writeFileSync(key, randomBytes(128), { mode: 0o600 });
    const files = ['socket', 'pid-file', 'log-file', 'seed-file'].map((name) => {
      const path = join(directory, `munge.${name.replace('-file', '')}`);
      return `--${name}=${path}`;
    });
    this.#spawn('munged', ['--foreground', '--force', `--key-file=${key}`, ...files]);
    await this.#until(() => fs.existsSync(join(directory, 'munge.socket')), 'munged listens');
    this.#spawn('slurmctld', ['-D']);
    this.#spawn('slurmd', ['-D', '-N', 'wasbox']);
    const idle = () => spawnSync('sinfo', ['-h', '-o', '%T'], { env: this.env }).stdout;
    await this.#until(() => `${idle()}`.trim() === 'idle', 'the node is idle');
  }

  async #until(holds, what) {
    for (let tries = 0; tries < 300; tries++) {
      if (holds()) return;
      await sleep(100);
    }
    throw new Error(`not within 30 s: ${what}\n${this.logs()}`);
  }

  logs() {
    return this.#running
      .map(({ name }) => {
        const lines = fs.readFileSync(join(this.directory, `${name}.log`), 'utf8').split('\n');
        return `${name}:\n${lines.slice(-15).join('\n')}`;
      })
      .join('\n');
  }

  async stop() {
    for (const { child } of this.#running.reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      const killed = setTimeout(() => child.kill('SIGKILL'), 10_000);
      await gone;
      clearTimeout(killed);
    }
  }
}

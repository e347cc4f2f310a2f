// The machine and the moment of a measurement.
import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem, userInfo } from 'node:os';

function distribution() {
  try {
    return /^PRETTY_NAME="?(.*?)"?$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
  } catch {
    return undefined;
  }
}

export function machine() {
  return {
    date: new Date().toISOString(),
    system: distribution(),
    kernel: release(),
    cpu: cpus()[0]?.model,
    cores: cpus().length,
    memoryBytes: totalmem(),
    node: process.version,
    ordinaryUser: userInfo().uid !== 0,
    loadBefore: Number((loadavg()[0] ?? 0).toFixed(2)),
  };
}

export const describe = ({ cpu, cores, kernel, node, system, date }) =>
  `${cpu}, ${cores} cores, ${system}, Linux ${kernel}, Node ${node}, ${date.slice(0, 10)}`;

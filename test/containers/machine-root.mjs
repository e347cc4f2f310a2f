/** This machine's file tree as the root of containers: an overlay, so that nothing of it changes. Needs root. */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { must } from '../support/checks.mjs';

export class MachineRoot {
  /** @param {string} name of the directory of its own, `work` */
  constructor(name) {
    this.work = fs.mkdtempSync(`/var/tmp/wasbox-${name}-`);
    fs.chmodSync(this.work, 0o755);
    this.path = join(this.work, 'root');
    this.layers = join(this.work, 'layers');
    fs.mkdirSync(this.path);
    fs.mkdirSync(this.layers);
  }

  mount() {
    must(['mount', '-t', 'tmpfs', 'wasbox', this.layers]);
    fs.mkdirSync(join(this.layers, 'upper'));
    fs.mkdirSync(join(this.layers, 'work'));
    const overlay = `lowerdir=/,upperdir=${this.layers}/upper,workdir=${this.layers}/work`;
    must(['mount', '-t', 'overlay', 'wasbox', '-o', overlay, this.path]);
  }

  /** @param {string[]} mounts more of them, innermost first */
  remove(mounts = []) {
    for (const place of [...mounts, this.path, this.layers]) spawnSync('umount', ['-l', place]);
    fs.rmSync(this.work, { recursive: true, force: true, maxRetries: 3 });
  }
}

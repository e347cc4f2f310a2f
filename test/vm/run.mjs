// `npm run nightly -- vm`: wasbox in other kernels of Debian, in a virtual machine without acceleration. Needs x86-64,
// qemu-system-x86, busybox-static, cpio, e2fsprogs, nfs-kernel-server, apparmor 4, perl and xz-utils; apt fetches the
// kernels. Installs nothing.
//
//   node test/vm/run.mjs [--kernel 5.10|6.1|6.12|newest|all|FILE.deb]… [--boot works|no-landlock|apparmor|clocks|nfs] [--keep DIR]
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { run } from './command.mjs';
import { kernelPackages } from './packages.mjs';
import { makeInitramfs, unpackKernel } from './tree.mjs';

/**
 * name, suites that have it; landlockAbi: the least that it offers; tooOld: wasbox refuses it; appArmor: its AppArmor decides
 * who makes user namespaces.
 */
const known = JSON.parse(readFileSync(new URL('kernels.json', import.meta.url), 'utf8'));

function chosen(words) {
  const files = words.filter((word) => word.endsWith('.deb'));
  const names = words.filter((word) => !word.endsWith('.deb'));
  const unknown = names.find((name) => name !== 'all' && !known.some((one) => one.name === name));
  if (unknown !== undefined) {
    const list = known.map(({ name }) => name).join(', ');
    throw new Error(`unknown kernel: ${unknown} (try ${list}, all or FILE.deb)`);
  }
  const listed = known.filter(({ name }) => names.includes('all') || names.includes(name));
  // A newer kernel's image and modules are in packages of their own.
  return files.length === 0
    ? listed
    : [...listed, { name: basename(files[0]), packages: files, landlockAbi: 2 }];
}

/** A file that the machine has as a disk. */
function makeDisk(path, mebibytes) {
  writeFileSync(path, '');
  truncateSync(path, mebibytes * 1048576);
  return path;
}

/** Starts the machine with the cases of `boot` (inside/init.sh), and returns all that it printed. */
async function start(work, kernel, boot, { landlockAbi }) {
  const swap = makeDisk(join(work, 'swap'), 512);
  const home = makeDisk(join(work, 'home'), 1024);
  run('mkfs.ext4', ['-q', '-F', '-E', 'root_owner=1000:1000', home]);
  const disks = Object.entries({ swap, home }).flatMap(([id, file]) => [
    ...['-drive', `file=${file},format=raw,if=none,cache=unsafe,id=${id}`],
    ...['-device', `nvme,drive=${id},serial=${id}`],
  ]);
  const words = `console=ttyS0 quiet no_timer_check panic=-1 wasbox.boot=${boot} wasbox.abi=${landlockAbi}`;
  const machine = spawn(
    'qemu-system-x86_64',
    [
      ...['-machine', 'q35', '-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', '2'],
      ...['-m', '1536', '-nographic', '-no-reboot', '-nodefaults', '-serial', 'stdio', ...disks],
      ...['-kernel', kernel.vmlinuz, '-initrd', join(work, 'initramfs')],
      ...['-append', boot === 'no-landlock' ? `${words} lsm=yama` : words],
    ],
    { timeout: 1_800_000, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let printed = '';
  machine.stdout.setEncoding('utf8').on('data', (text) => {
    printed += text.replaceAll('\r', '');
    process.stdout.write(text.replaceAll('\r', ''));
  });
  await new Promise((resolve, reject) => machine.once('close', resolve).once('error', reject));
  return printed;
}

/** One line for each boot of a kernel: how many cases passed, in what time. */
async function tryKernel(one, work) {
  const kernel = unpackKernel(one.packages ?? kernelPackages(one), work);
  makeInitramfs(kernel, work);
  const lines = [];
  const suited = boots.filter((boot) => boot !== 'apparmor' || one.appArmor);
  for (const boot of one.tooOld ? ['old'] : suited) {
    const started = Date.now();
    const printed = await start(work, kernel, boot, one);
    const count = (mark) => printed.match(new RegExp(`^${mark} `, 'gm'))?.length ?? 0;
    const [passed, failed] = [count('ok  '), count('FAIL')];
    const good = /^vm: status 0$/m.test(printed) && passed > 0 && failed === 0;
    const seconds = Math.round((Date.now() - started) / 1000);
    const told = `${passed} passed, ${failed} failed, ${seconds} s`;
    lines.push({ good, text: `${one.name} (${kernel.release}), ${boot}: ${told}` });
  }
  return lines;
}

const allBoots = ['works', 'no-landlock', 'apparmor', 'clocks', 'nfs'];
const { values } = parseArgs({
  options: {
    kernel: { type: 'string', multiple: true },
    boot: { type: 'string', multiple: true, default: allBoots },
    keep: { type: 'string' },
  },
});
const boots = values.boot;
const kernels = chosen(values.kernel ?? ['all']);
const work = values.keep ?? mkdtempSync(join(tmpdir(), 'wasbox-vm-'));
mkdirSync(work, { recursive: true });
const lines = [];
try {
  for (const one of kernels) lines.push(...(await tryKernel(one, work)));
} finally {
  if (values.keep === undefined) rmSync(work, { recursive: true, force: true });
}
for (const { good, text } of lines) console.log(`${good ? 'ok  ' : 'FAIL'} ${text}`);
process.exitCode = lines.length > 0 && lines.every(({ good }) => good) ? 0 : 1;

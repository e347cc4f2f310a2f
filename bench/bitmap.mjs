// Measures for which calls this kernel runs a filter, and for which it knows the answer (Linux 5.11 and newer keep a
// bitmap of calls that a filter allows whatever their arguments). Only kernels with CONFIG_SECCOMP_CACHE_DEBUG tell,
// and no distribution sets that, so it is measured: thousands of instructions without effect stand before the filter,
// and a call that is much slower with the filter than without ran them. Compared with what `wasbox policy explain` says
// of each call.
//   npm run bench -- bitmap [--policy NAME --tries N]
// Exits 1 where a call differs, and 2 where the controls show that this machine cannot tell.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { compilePolicy, explain, init, simulate } from '../dist/policy.js';

const { values } = parseArgs({
  options: {
    policy: { type: 'string', default: 'default' },
    tries: { type: 'string', default: '3000' },
  },
});
const arch = { x64: 'x86_64', arm64: 'aarch64' }[process.arch];
if (arch === undefined) throw new Error(`no policy for ${process.arch}`);
await init();

/** Calls that end the process, block it, make something or take long even where all arguments are -1. */
const harmful =
  /^(_?exit|exit_group|v?fork|clone3?|pause|kill|tkill|tgkill|alarm|setitimer|.*sigreturn|rt_sigsuspend|restart_syscall|sync|vhangup|setsid|sched_yield|eventfd|inotify_init|msgget|shmget|semget|reboot|munlockall|mlockall|set_tid_address|umask|seccomp|personality|uprobe|uretprobe|epoll_create1?)$/;

/** `LD nr`, `AND 0xffffffff` many times, then the filter, whose jumps are relative. */
function slowed(bpf) {
  const room = 4096 - bpf.length / 8 - 1;
  const count = Math.min(3000, room);
  const head = new DataView(new ArrayBuffer(8 * (count + 1)));
  head.setUint16(0, 0x20, true);
  for (let i = 1; i <= count; i++) {
    head.setUint16(8 * i, 0x54, true);
    head.setUint32(8 * i + 4, 0xffff_ffff, true);
  }
  return Buffer.concat([Buffer.from(head.buffer), bpf]);
}

const folder = mkdtempSync(join(tmpdir(), 'wasbox-bitmap-'));
try {
  const program = join(folder, 'bitmap');
  execFileSync('cc', [
    ...['-O1', '-o', program],
    fileURLToPath(new URL('bitmap.c', import.meta.url)),
  ]);
  const measure = (source, numbers) => {
    const file = join(folder, 'filter');
    writeFileSync(file, slowed(compilePolicy(source, { arch }).bpf));
    const printed = execFileSync(program, [file, values.tries, ...numbers.map(String)], {
      encoding: 'utf8',
    });
    return printed
      .trim()
      .split('\n')
      .map((line) => line.split(' ').map(Number));
  };

  // Controls: the same call with a filter that looks at its arguments, and with one that does not.
  const [close] = explain({ text: 'default allow\n' }, { arch, calls: ['close'] });
  const cost = (text) => {
    const [[, before, after]] = measure({ text }, [close.number]);
    return after - before;
  };
  const runs = cost('default allow\ndeny close where fd == 77\n');
  const skips = cost('default allow\n');
  const limit = (runs + skips) / 2;
  console.log(
    `Linux ${release()}: close takes ${runs} ns more with a filter that looks at arguments, ${skips} ns more with one that does not.`,
  );
  if (runs < 4 * Math.max(skips, 50)) {
    console.error('bench bitmap: too alike to tell calls apart');
    process.exitCode = 2;
  } else {
    const source = { builtin: values.policy };
    const calls = explain(source, { arch }).filter(({ name }) => !harmful.test(name));
    const measured = measure(
      source,
      calls.map(({ number }) => number),
    );
    // A refused call does nothing, whatever it did before.
    const shortest = Math.min(...measured.map(([, before]) => before));
    const refused = (call) =>
      simulate(source, { call, args: Array(6).fill(-1), arch }).action.kind !== 'allow';
    const wrong = [];
    let skipped = 0;
    calls.forEach(({ name, runsFilter }, i) => {
      const [, alone, after] = measured[i];
      const before = refused(name) ? shortest : alone;
      const ran = after - before > limit;
      if (!ran) skipped++;
      if (ran !== runsFilter)
        wrong.push(
          `${name}: ${ran ? 'ran' : 'did not run'} the filter (${before} ns, then ${after} ns), explain says otherwise`,
        );
    });
    console.log(
      `${values.policy}: of ${calls.length} calls ${skipped} are answered without the filter, ${calls.length - skipped} run it; ${wrong.length} differ from what explain says.`,
    );
    for (const line of wrong) console.log(line);
    if (wrong.length > 0) process.exitCode = 1;
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

// C unit tests of the native part, built with the host's compiler and sanitizers.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const out = join(root, 'test', '.build');
mkdirSync(out, { recursive: true });

function run(command, args) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', cwd: root });
  if (error) throw error;
  if (status !== 0) process.exit(1);
}

function check(name, sources, flags = []) {
  const test = join(out, name);
  run(process.env.CC ?? 'cc', [
    ...['-std=gnu17', '-g', '-O1', '-Wall', '-Wextra', '-Werror'],
    ...['-fsanitize=address,undefined', '-fno-sanitize-recover=all'],
    ...['-o', test, `test/unit/native/${name}.c`, ...sources, ...flags],
  ]);
  run(test, []);
}

check('plan_check_test', ['addon/plan_check.c']);
check('exec_check_test', ['addon/exec_check.c']);
check('digest_test', ['addon/engine/digest.c']);
check('packets_test', ['addon/net/dns.c', 'addon/net/packet.c']);
check('screen_test', ['addon/supervisor/screen.c']);
check('tail_test', ['addon/supervisor/tail.c']);
check('ask_test', ['addon/supervisor/ask.c']);
check(
  'closed_test',
  [
    'files',
    'file_set',
    'closed',
    'directory',
    'members',
    'notification',
    'message',
    'pin',
    'processes',
    'programs',
    'unlinked_files',
    'run_in_namespaces',
  ].map((name) => `addon/supervisor/${name}.c`),
);
check(
  'rundir_test',
  [
    'addon/supervisor/directory.c',
    ...[
      'create',
      'discard',
      'end',
      'home',
      'id',
      'layer',
      'lock',
      'private_root',
      'spare',
      'state',
      'tree',
    ].map((name) => `addon/rundir/${name}.c`),
  ],
  ['-Wl,--wrap=syscall', '-Wl,--wrap=write'],
);

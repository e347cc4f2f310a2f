// Records the tour that the first page plays: real commands in a fresh project, with what they wrote
// and when. Needs `npm run build` and an ordinary user: node docs/landing/record.mjs > docs/landing/tour.json
import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { homedir, uid, username } = userInfo();
const commands = [
  'wasbox run nasty.py',
  'wasbox diff --stat',
  'wasbox apply',
  'git status --short',
];

const fail = (message) => {
  console.error(`record: ${message}`);
  process.exit(1);
};
if (uid === 0) fail('run this as an ordinary user; the tour shows what one of them sees');
const project = join(homedir, 'demo');
if (existsSync(project)) fail(`${project} exists. Remove it, or run this as another user`);

// The command by its name, as an installation links it.
const bin = mkdtempSync(join(tmpdir(), 'wasbox-tour-'));
symlinkSync(join(root, 'dist/bin/wasbox.bin'), join(bin, 'wasbox'));

const environment = {
  PATH: `${bin}:/usr/local/bin:/usr/bin:/bin`,
  HOME: homedir,
  USER: username,
  LANG: 'C.UTF-8',
  TERM: 'xterm-256color',
  FORCE_COLOR: '1',
  GITHUB_TOKEN: 'a-token-that-nothing-accepts',
};

/** @returns what a command wrote: pairs of milliseconds since its start and text */
function record(command) {
  return new Promise((resolve, reject) => {
    const begun = performance.now();
    // One pipe for both streams keeps their order.
    const child = spawn('sh', ['-c', `exec 2>&1; ${command}`], {
      cwd: project,
      env: environment,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const output = [];
    child.stdout.setEncoding('utf8');
    child.stdout.on('data', (text) => output.push([Math.round(performance.now() - begun), text]));
    child.once('error', reject);
    child.once('close', (exitCode) => resolve({ command, exitCode, output }));
  });
}

const git = (...words) => {
  const { status, stderr } = spawnSync('git', words, { cwd: project, env: environment });
  if (status !== 0) fail(`git ${words[0]}: ${stderr}`);
};

mkdirSync(project);
try {
  copyFileSync(join(root, 'docs/examples/nasty.py'), join(project, 'nasty.py'));
  git('init', '--quiet');
  git('add', '.');
  const author = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.org'];
  git(...author, 'commit', '--quiet', '--message', 'demo');
  const steps = [];
  for (const command of commands) steps.push(await record(command));
  console.log(JSON.stringify({ recorded: new Date().toISOString().slice(0, 10), steps }, null, 1));
} finally {
  rmSync(project, { recursive: true, force: true });
  rmSync(bin, { recursive: true, force: true });
}

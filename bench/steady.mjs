// Measures what a sandbox costs while it runs: files under the copy-on-write directory, and single calls.
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cleanEnvironment, median } from './measure.mjs';
import { isInstalled } from './peers.mjs';
import { compile } from './timer.mjs';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));

function makeTree(directory, git) {
  for (let i = 0; i < 40; i++) {
    mkdirSync(join(directory, 'tree', `${i}`), { recursive: true });
    for (let j = 0; j < 50; j++)
      writeFileSync(join(directory, 'tree', `${i}`, `${j}.txt`), `${j}\n`);
  }
  if (!git) return;
  const options = {
    cwd: directory,
    stdio: 'ignore',
    env: { ...cleanEnvironment(), HOME: directory },
  };
  const who = ['-c', 'user.name=bench', '-c', 'user.email=bench@example.com'];
  execFileSync('git', ['init', '-q'], options);
  execFileSync('git', ['add', 'tree'], options);
  execFileSync('git', [...who, 'commit', '-qm', 'tree'], options);
}

export async function measureSteady({ run }, { work, rounds }) {
  const git = isInstalled('git');
  const calls = compile(here('calls.c'), join(work, 'calls'), '-static');
  const seen = new Map();
  const add = (name, side, value) => {
    if (!seen.has(name)) seen.set(name, { inside: [], outside: [] });
    seen.get(name)[side].push(value);
  };
  const callLines = (text, side) => {
    for (const line of text.trim().split('\n')) {
      const [, name, ns] = /^(.*) ([\d.]+)$/.exec(line) ?? [];
      add(name, side, Number(ns) / 1e3);
    }
  };
  const original = join(work, 'original');
  makeTree(original, git);
  copyFileSync(here('files.py'), join(work, 'files.py'));
  const script = readFileSync(here('files.py'), 'utf8');
  for (let round = 0; round < Math.max(3, Math.ceil(rounds / 8)); round++) {
    const tree = join(work, `tree-${round}`);
    cpSync(original, tree, { recursive: true });
    const inside = await run({
      lang: 'python',
      code: script,
      args: [git ? 'git' : ''],
      workdir: tree,
    });
    if (inside.exitCode !== 0) throw new Error(inside.stderr);
    const words = ['-c', script, git ? 'git' : ''];
    const outside = spawnSync('python3', words, { cwd: tree, env: cleanEnvironment() });
    if (outside.status !== 0) throw new Error(String(outside.stderr));
    for (const [name, us] of Object.entries(JSON.parse(inside.stdout))) add(name, 'inside', us);
    for (const [name, us] of Object.entries(JSON.parse(outside.stdout))) add(name, 'outside', us);
    callLines((await run({ command: calls, workdir: work, changes: 'discard' })).stdout, 'inside');
    callLines(execFileSync(calls, { encoding: 'utf8' }), 'outside');
  }
  return [...seen].map(([name, { inside, outside }]) => ({
    name,
    insideUs: Number(median(inside).toFixed(3)),
    outsideUs: Number(median(outside).toFixed(3)),
    ratio: Number((median(inside) / median(outside)).toFixed(3)),
  }));
}

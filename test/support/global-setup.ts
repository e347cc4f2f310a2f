/** Prepares the launch tests once: a build to test, an ordinary user, scratch directories. */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { builtDist, builtPackage, isInstalled } from './built.mjs';
import type { Identity } from './identity.js';
import { removeTree } from './remove-tree.js';
import { prepareReplay, prepareTwoWays, type Tally, tally, throughFront } from './two-ways.js';

/** WASBOX_TEST_USER names an account that is there already, for several test runs at once. */
const userName = process.env.WASBOX_TEST_USER ?? 'wasboxtest';

interface Account {
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

function account(name: string): Account | undefined {
  try {
    const fields = execFileSync('getent', ['passwd', name], { encoding: 'utf8' }).trim().split(':');
    return { uid: Number(fields[2]), gid: Number(fields[3]), home: fields[5] ?? '' };
  } catch {
    return undefined;
  }
}

/** Makes the account unless it is there; says whether it did. */
function ensureAccount(): { account: Account; made: boolean } {
  const existing = account(userName);
  if (existing !== undefined) return { account: existing, made: false };
  execFileSync('useradd', ['--create-home', '--shell', '/bin/bash', userName]);
  const made = account(userName);
  if (made === undefined) throw new Error(`useradd made no account ${userName}`);
  return { account: made, made: true };
}

function scratchIn(parent: string, owner: { uid: number; gid: number }): string {
  const path = fs.mkdtempSync(join(parent, 'wasbox-test-'));
  fs.chownSync(path, owner.uid, owner.gid);
  return path;
}

/** Copies the build to `scratch`, as an installation would be; returns its `cli.js`. */
function installIn(scratch: string, owner: { uid: number; gid: number }): string {
  const copy = join(scratch, 'wasbox');
  fs.cpSync(builtDist, join(copy, 'dist'), { recursive: true });
  fs.copyFileSync(join(builtPackage, 'package.json'), join(copy, 'package.json'));
  if (throughFront) prepareTwoWays(join(copy, 'dist'));
  execFileSync('chown', ['-R', `${owner.uid}:${owner.gid}`, copy]);
  return join(copy, 'dist/cli.js');
}

/** Says how many starts went which way; fails where none did without Node. */
function tellTwoWays(identities: readonly Identity[]): void {
  const tallies = identities.map(({ label, cli }): [string, Tally] => [label, tally(dirname(cli))]);
  for (const [label, { native, finished, node, reasons }] of tallies) {
    console.log(
      `native command, ${label}: ${native} starts without Node, ${finished} told by Node at their end, ${node} through Node`,
    );
    for (const [reason, count] of reasons) console.log(`  ${count} because: ${reason}`);
  }
  const user = tallies.find(([label]) => label === 'ordinary user')?.[1];
  if (user?.native === 0) throw new Error('no start went without Node');
}

export default function setup(project: TestProject): () => void {
  const dist = builtDist;
  if (!fs.existsSync(join(dist, 'cli.js'))) {
    throw new Error(
      isInstalled
        ? `WASBOX_TEST_INSTALLED: ${dist}/cli.js is not there`
        : 'dist/cli.js is missing: run `npm run build` before the launch tests',
    );
  }
  const own = userInfo();
  const identities: Identity[] = [];
  const scratches: string[] = [];
  let madeAccount = false;
  if (own.uid === 0) {
    const scratch = scratchIn(tmpdir(), own);
    scratches.push(scratch);
    identities.push({
      label: 'root',
      name: own.username,
      uid: 0,
      gid: 0,
      home: own.homedir,
      scratch,
      cli: throughFront || isInstalled ? installIn(scratch, own) : join(dist, 'cli.js'),
    });
    const user = ensureAccount();
    madeAccount = user.made;
    const userScratch = scratchIn(user.account.home, user.account);
    scratches.push(userScratch);
    identities.push({
      label: 'ordinary user',
      name: userName,
      ...user.account,
      scratch: userScratch,
      // A checkout below /root is closed to the user.
      cli: installIn(userScratch, user.account),
    });
  } else {
    const scratch = scratchIn(own.homedir, own);
    scratches.push(scratch);
    identities.push({
      label: 'ordinary user',
      name: own.username,
      uid: own.uid,
      gid: own.gid,
      home: own.homedir,
      scratch,
      cli: throughFront || isInstalled ? installIn(scratch, own) : join(dist, 'cli.js'),
    });
  }
  for (const { scratch, cli, uid, gid } of identities) {
    prepareReplay(dirname(cli), scratch);
    execFileSync('chown', ['-hR', `${uid}:${gid}`, join(scratch, 'replay')]);
  }
  project.provide('identities', identities);
  return () => {
    if (throughFront) tellTwoWays(identities);
    for (const path of scratches) removeTree(path);
    if (madeAccount) execFileSync('userdel', ['--remove', userName], { stdio: 'ignore' });
  };
}

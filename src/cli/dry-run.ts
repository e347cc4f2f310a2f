/** `wasbox run --dry-run`: the resolved sandbox, for a person or as JSON. */

import { posix } from 'node:path';
import type { Operation, PrivateRoot } from '../backend/index.js';
import { landlockMinimumAbi } from '../host/index.js';
import { dryRunData, shownAs } from '../launch/index.js';
import { sizeText } from '../options/index.js';
import { imageText, projectText } from '../report/index.js';
import { ownOf, type SandboxSpec } from '../resolve/index.js';
import { displayText, jsonText } from '../text/index.js';
import { out, style } from './terminal.js';

function describe(mount: Operation): [what: string, where: string, note: string] {
  switch (mount.type) {
    case 'bind': {
      const from = mount.source === mount.target ? '' : ` (from ${mount.source})`;
      const what = mount.readOnly ? 'read-only' : 'WRITABLE';
      return [what, mount.target + from, mount.origin === 'system' ? '' : mount.origin];
    }
    case 'overlay': {
      const what = mount.readOnly === true ? 'read-only' : 'copy-on-write';
      const until =
        mount.layer === undefined
          ? ', changes go away with the run'
          : ', changes in memory until the run ends';
      return [what, mount.target, `${mount.origin}${mount.inMemory === true ? until : ''}`];
    }
    case 'private':
      return [
        'private',
        mount.target,
        mount.layer !== undefined ? 'empty, changes saved' : 'empty, in memory',
      ];
    case 'symlink':
      return ['link', `${mount.target} → ${mount.to}`, ''];
    case 'file':
      return ['file', mount.target, `${mount.content.length} bytes`];
    case 'hide':
      return ['hidden', mount.target, mount.origin === 'state' ? "wasbox's own state" : ''];
    case 'proc':
      return ['proc', mount.target, 'its own processes only'];
    case 'mqueue':
      return ['queues', mount.target, 'its own only'];
    case 'devpts':
      return ['terminals', mount.target, 'its own only'];
    case 'device':
      return ['device', mount.target, ''];
    case 'directory':
      return ['directory', mount.target, ''];
  }
}

const grantTexts = {
  read: 'read-only',
  list: 'read-only',
  write: 'WRITABLE',
  device: 'device',
  own: 'private',
} as const;

/** Describes what Landlock allows, and what each directory of the private root stands for. */
function describePrivate(root: PrivateRoot): [what: string, where: string, note: string][] {
  const stands = new Map(
    root.directories.map(({ name, view }) => [
      posix.join(root.path, name),
      view?.type === 'host' ? `a copy of ${view.source}, changes saved` : 'empty',
    ]),
  );
  return root.grants.map(({ path, access }) => [grantTexts[access], path, stands.get(path) ?? '']);
}

function section(title: string, rows: readonly string[]): string {
  return `${style(1, 'bold', title)}\n${rows.map((row) => `  ${displayText(row)}\n`).join('')}\n`;
}

/** Each limit, and what holds it. */
function limitRows(spec: SandboxSpec): string[] {
  const { limits } = spec;
  const size = (bytes: number | undefined) => (bytes === undefined ? 'no limit' : sizeText(bytes));
  const seconds = (ms: number | undefined) => (ms === undefined ? 'no limit' : `${ms / 1000} s`);
  const kernel = limits.cgroup === undefined ? undefined : `cgroup in ${limits.cgroup}`;
  const looks = 'the supervisor, by sampling';
  const row = (name: string, value: string, by: string) =>
    `${name.padEnd(16)} ${value.startsWith('no limit') ? value : `${value.padEnd(22)} ${by}`}`;
  const count = (value: number | undefined) => (value === undefined ? 'no limit' : String(value));
  return [
    row('wall time', seconds(limits.timeoutMs), 'the supervisor'),
    row('time to exit', seconds(limits.graceMs), 'the supervisor, after SIGTERM'),
    row('processor time', seconds(limits.cpuMs), looks),
    row('memory', size(limits.memoryBytes), kernel ?? looks),
    row('processes', count(limits.processes), kernel ?? 'RLIMIT_NPROC'),
    row('open files', count(limits.openFiles), 'RLIMIT_NOFILE, each process'),
    row('file size', size(limits.fileSizeBytes), 'RLIMIT_FSIZE'),
    row('core files', 'none', "fixed, so that a crash does not start the host's crash handler"),
    row('disk', size(limits.diskBytes), looks),
    row('files on disk', count(limits.inodes), looks),
    row('output', size(limits.outputBytes), 'the supervisor, which relays it'),
    ...(ownOf(spec).tree
      ? [
          row(
            'private memory',
            `${Math.round(limits.privateBytes / 1048576)} MiB, ${limits.privateInodes} files`,
            'tmpfs: /tmp and similar directories',
          ),
        ]
      : []),
  ];
}

function identityRow({ identity }: SandboxSpec): string {
  const inside = `${identity.name}, uid ${identity.uid}, gid ${identity.gid}`;
  const same = identity.uid === identity.hostUid && identity.gid === identity.hostGid;
  return same ? inside : `${inside}; on the host uid ${identity.hostUid}, gid ${identity.hostGid}`;
}

function networkText(spec: SandboxSpec): string {
  const { net, network } = spec;
  if (net === 'none') return ownOf(spec).network ? 'loopback only' : 'none';
  if (net === 'host') return "the host's";
  if (network?.optional === true) return 'loopback only; asks before anything else (--ask)';
  const deny = network?.deny.map((rule) => rule.text).join(', ') ?? '';
  return `${network?.allow.map((rule) => rule.text).join(', ')}${deny === '' ? '' : `; denied: ${deny}`}`;
}

/** JSON has no bigint and no bytes: both become text. */
const terminalText = {
  never: 'shared with the program, for each stream that is a terminal',
  auto: 'its own, for each stream that is a terminal',
  always: 'its own',
} as const;

/** Says what is refused whatever the policy says, and why. */
function guardText(spec: SandboxSpec): string {
  const { guards, net } = spec;
  const sole = !ownOf(spec).tree;
  const names = [
    ...(sole ? ['landlock-guard (what Landlock leaves open)'] : []),
    ...(sole && net === 'none' ? ['landlock-net-guard (no sockets)'] : []),
    ...(sole && guards.files.length === 0 ? ['set-id-guard'] : []),
    ...(guards.files.length > 0 ? [`set-id-guard (writable: ${guards.files.join(', ')})`] : []),
    ...(guards.terminal ? ['terminal-guard (the program shares your terminal)'] : []),
    ...(guards.sockets ? ["net-guard (it has sockets of the host's network)"] : []),
  ];
  return names.length === 0 ? 'none' : names.join(', ');
}

function askingText({ asking }: SandboxSpec): string[] {
  if (asking === undefined) return [];
  return [`questions        ${asking.at === 'nowhere' ? `all denied: ${asking.why}` : 'to you'}`];
}

/** Prints the sandbox that a run would get, and the plan that it would start with, on stdout. */
export function printDryRun(spec: SandboxSpec, plan: Uint8Array, json: boolean): void {
  if (json) {
    out(`${jsonText(dryRunData(spec, plan))}\n`);
    return;
  }
  const lowered = shownAs(spec);
  const { operations, namespaces, privateRoot } = lowered;
  const environment = Object.entries(lowered.spec.env).map(([name, value]) => `${name}=${value}`);
  out(
    section('Program', [
      `executes         ${spec.command.path}`,
      `arguments        ${spec.command.argv.map((word) => JSON.stringify(word)).join(' ')}`,
      ...(spec.image === undefined ? [] : [`image            ${imageText(spec.image)}`]),
      `in               ${spec.cwd}`,
      ...(spec.project === undefined ? [] : [`project          ${projectText(spec.project)}`]),
      `as               ${identityRow(spec)}`,
    ]) +
      section(
        'Files',
        [
          ...operations.map(describe),
          ...(privateRoot === undefined ? [] : describePrivate(privateRoot)),
        ].map(
          ([what, where, note]) =>
            `${what.padEnd(16)} ${note === '' ? where : `${where}  [${note}]`}`,
        ),
      ) +
      section('Isolation', [
        `isolation        ${spec.isolation}`,
        `namespaces       ${namespaces.length === 0 ? 'none' : namespaces.join(', ')}`,
        `network          ${networkText(spec)}`,
        `syscall policy   ${spec.policy.name}`,
        `guards           ${guardText(spec)}`,
        `Landlock         ${spec.landlockAbi < landlockMinimumAbi ? 'off' : `ABI ${spec.landlockAbi}`}`,
        `terminal         ${terminalText[spec.terminal]}`,
        ...askingText(spec),
        `host name        ${privateRoot === undefined ? spec.hostname : "this machine's"}`,
        'capabilities     none, and no new privileges',
      ]) +
      section('Limits', limitRows(spec)) +
      section('Environment', environment) +
      (spec.notes.length === 0 ? '' : section('Notes', spec.notes)) +
      `Nothing was started. Changes would be ${changesText[spec.changes]}.\n`,
  );
}

const changesText = {
  keep: 'saved',
  apply: 'applied if it exits 0, otherwise saved',
  discard: 'discarded if it exits 0, otherwise saved',
} as const;

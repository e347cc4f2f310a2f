/**
 * Answers what a script asks of the system and a sandbox never gives: root, and packages of the system. Names the
 * second hosts to which registries lead.
 */
import { runOptionTable, shellQuote, withAdvice } from '../options/index.js';
import type { RunReport } from '../report/index.js';
import { hostsOfRegistry, type SandboxSpec } from '../resolve/index.js';
import type { FailedRun } from './packages.js';

/** The words of a package manager, up to the names of the packages. */
const systemInstall =
  /\b(apt|apt-get|dnf|yum|apk|pacman|zypper|brew)[ \t]+(?:-[\w-]+[ \t]+)*(?:install|add|-Sy?u?)\b((?:[ \t]+[\w.+:@/-]+)*)/;
const globalInstall =
  /\b(?:npm|pnpm)[ \t]+(?:install|i|add)\b[^\n;&|]*[ \t](?:-g|--global)\b|\b(?:npm|pnpm)[ \t]+(?:-g|--global)[ \t]+(?:install|i|add)\b/;
const asRoot = /(?:^|[;&|({`\n]|\b(?:then|do|else)\b)[ \t]*sudo\b/;

/** The line for a script, or for a command, that installs into the system. */
function systemLeads(text: string): string[] {
  const [, manager, given = ''] = systemInstall.exec(text) ?? [];
  if (manager === undefined) return [];
  const names = given.split(/[ \t]+/).filter((word) => /^[\w.+@:/]/.test(word));
  const what = names.length === 0 ? 'what it needs' : names.join(' ');
  return [
    `${manager} installs into the system, which is read-only in a sandbox. Install ${what} on this machine, or use an image that has it: wasbox run --image IMAGE`,
  ];
}

/** Returns the words that run the script from standard input, with the user's options and those for refused hosts. */
function fromInput(words: readonly string[] | undefined, { command, refusals }: RunReport): string {
  const refused = refusals?.calls.flatMap(({ kind, option }) =>
    kind === 'network' && option !== undefined ? option : [],
  );
  const own = words?.[0] === 'run' ? words.slice(1) : (words ?? [command]);
  const all = withAdvice(runOptionTable, own, refused ?? []).filter((word) => word !== '--');
  return ['wasbox', 'run', ...all.with(all.indexOf(command), '-')].map(shellQuote).join(' ');
}

function rootLeads(
  text: string,
  report: RunReport,
  words: readonly string[] | undefined,
): string[] {
  const { command } = report;
  if (!asRoot.test(text)) return [];
  const isFile =
    command !== '-' && command !== '-c' && command !== 'sudo' && words?.includes(command) !== false;
  const again = isFile
    ? `. To run it without: sed 's/\\bsudo //g' ${shellQuote(command)} | ${fromInput(words, report)}`
    : '. Leave it out';
  return [`it uses sudo, and no program in a sandbox becomes root${again}`];
}

function globalLeads(text: string, spec: SandboxSpec, { command }: RunReport): string[] {
  if (!globalInstall.test(text)) return [];
  const { env, identity } = spec;
  if (env.npm_config_prefix !== undefined) return [];
  const place = `${identity.home}/.local`;
  const isOnPath = env.PATH?.split(':').includes(`${place}/bin`) === true;
  const path = isOnPath ? '' : ` --env PATH=${shellQuote(`${place}/bin:${env.PATH ?? ''}`)}`;
  const what = command === '-' || command === '-c' ? `${command} …` : shellQuote(command);
  return [
    `npm -g installs into the system, which is read-only in a sandbox. To install into the home: wasbox run --for npm --env npm_config_prefix=${place}${path} ${what}`,
  ];
}

/** A variable of a script that says where it installs, with a directory of the system as its default. */
const prefix =
  /\$\{(PREFIX|prefix|DESTDIR|INSTALL_DIR|INSTALL_PATH|BIN_?DIR|bindir):?[-=]\/(?:usr|opt)\b[^}]*\}/;
const systemPlace =
  /\b(?:install|cp|mv|ln|tee|mkdir|curl|wget)\b[^\n]*[ \t"'](\/(?:usr|opt|etc)\/[\w./-]+)/;

function prefixLeads(text: string, spec: SandboxSpec, report: RunReport): string[] {
  const name = prefix.exec(text)?.[1];
  if (name !== undefined && !Object.hasOwn(spec.env, name)) {
    const place = `~/.local${/bin|dir|path/i.test(name) ? '/bin' : ''}`;
    const again = report.argv.map(shellQuote).join(' ');
    const line = `mkdir -p ~/.local/bin && ${name}=${place} ${again}`;
    const what = /^-c?$/.test(report.command) ? `${name}=${place} …` : shellQuote(line);
    return [
      `it installs into the system, which is read-only in a sandbox. To install into the home: wasbox run -c ${what}`,
    ];
  }
  const place = systemPlace.exec(text)?.[1];
  return place === undefined
    ? []
    : [
        `it may write to ${place}, and the system is read-only in a sandbox. In an image it can: wasbox run --image IMAGE`,
      ];
}

/** Lines about hosts that were refused and lead to others. */
function companionLeads({ refusals, sandbox, network }: RunReport): string[] {
  const refused = [
    ...(refusals?.calls ?? []).flatMap(({ call, target }) =>
      call === 'lookup' ? (target ?? []) : [],
    ),
    ...(network?.destinations ?? []).flatMap(({ allowed, name }) => (allowed ? [] : (name ?? []))),
  ];
  return [...new Set(refused)].flatMap((name) => {
    const [, ...others] = hostsOfRegistry(name);
    if (others.length === 0) return [];
    const before = sandbox.net === 'none' || sandbox.net === undefined ? [] : [sandbox.net];
    const all = [...before, name, ...others].join(',');
    return [`${name} leads to ${others.join(' and ')}. To allow all of them: --net ${all}`];
  });
}

/** Lines for the summary of a run that failed. @param text the script's, and its arguments */
export const installerLeads = (
  { spec, words }: Pick<FailedRun, 'spec' | 'words'>,
  report: RunReport,
  text: string,
): string[] => [
  ...rootLeads(text, report, words),
  ...systemLeads(text),
  ...globalLeads(text, spec, report),
  ...prefixLeads(text, spec, report),
  ...companionLeads(report),
];

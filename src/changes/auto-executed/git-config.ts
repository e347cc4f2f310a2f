/** Paths and commands that a configuration of git names; see git-config(1). */

/** Configuration files that are read for one tree. */
export const maxConfigs = 500;

/** Keys whose whole value is a path, even if it does not look like one. */
const pathKeys: ReadonlySet<string> = new Set([
  ...['hookspath', 'path', 'fsmonitor', 'attributesfile', 'excludesfile', 'templatedir'],
]);

/**
 * Keys whose values git executes or follows, without a subsection (git-config(1)). All others are data: a file that is
 * named like a branch, a user or a word of a setting is no program.
 */
const followed: ReadonlySet<string> = new Set([
  ...['core.editor', 'core.pager', 'core.sshcommand', 'core.askpass', 'core.gitproxy'],
  ...['core.fsmonitor', 'core.hookspath', 'core.alternaterefscommand', 'core.attributesfile'],
  ...['core.excludesfile', 'sequence.editor', 'diff.command', 'diff.textconv', 'diff.external'],
  ...[
    'diff.orderfile',
    'interactive.difffilter',
    'filter.clean',
    'filter.smudge',
    'filter.process',
  ],
  ...['merge.driver', 'credential.helper', 'gpg.program', 'gpg.defaultkeycommand'],
  ...['gpg.allowedsignersfile', 'gpg.revocationfile', 'user.signingkey', 'remote.url'],
  ...['remote.pushurl', 'remote.uploadpack', 'remote.receivepack', 'remote.proxy', 'remote.vcs'],
  ...['submodule.update', 'submodule.url', 'http.sslcert', 'http.sslkey', 'http.sslcainfo'],
  ...['http.sslcapath', 'http.cookiefile', 'sendemail.smtpserver', 'sendemail.tocmd'],
  ...['sendemail.cccmd', 'sendemail.headercmd', 'sendemail.sendmailcmd', 'sendemail.aliasesfile'],
  ...['imap.tunnel', 'instaweb.httpd', 'instaweb.browser', 'instaweb.modulepath', 'web.browser'],
  ...['help.browser', 'init.templatedir', 'include.path', 'includeif.path', 'trailer.command'],
  ...['trailer.cmd', 'uploadpack.packobjectshook', 'gc.recentobjectshook', 'commit.template'],
  ...['format.signaturefile', 'mailmap.file', 'blame.ignorerevsfile', 'fsck.skiplist'],
  ...['tar.command', 'hook.command', 'maintenance.repo', 'scalar.repo', 'rebase.exec'],
]);

/** Sections of which every key counts: names of commands, chosen by the user. */
const wholeSections: ReadonlySet<string> = new Set([
  ...[
    'pager',
    'difftool',
    'mergetool',
    'guitool',
    'browser',
    'man',
    'lfs',
    'annex',
    'svn',
    'gitcvs',
  ],
]);

/** Keys of programs other than git, by what their names say. */
const ofOthers =
  /(?:cmd|command|program|path|helper|tool|editor|pager|hook|exec|browser|script)s?$/;

/** Sections that are git's own: of these, only the keys above count. */
const known =
  /^(?:core|user|author|committer|push|pull|fetch|branch|remote|init|color|column|commit|diff|merge|rebase|rerere|log|format|gpg|http|credential|url|alias|advice|apply|blame|checkout|clean|clone|extensions|feature|fsck|gc|grep|gui|help|i18n|index|interactive|maintenance|notes|pack|protocol|receive|safe|sequence|showbranch|stash|status|submodule|tag|transfer|uploadpack|versionsort|worktree|tar|mailinfo|mailmap|trailer|sendemail|imap|include|includeif|filter|hook)(?:\.|$)/;

/** An alias runs a shell only with `!`; git's own commands run programs that such options name. */
const runsProgram = /^!|(?:^|\s)-c\b|--\S*(?:exec|pack|config|extcmd|tool|git-dir|work-tree|-C)/;

function isFollowed(section: string, key: string, value: string): boolean {
  const [own = ''] = section.split('.');
  if (own === 'alias') return runsProgram.test(value.trim().replace(/^["']/, ''));
  if (wholeSections.has(own) || followed.has(`${own}.${key}`)) return true;
  return !known.test(section) && ofOthers.test(key);
}

/** Describes what a value names: a path, or a command with paths in it. */
export interface ConfiguredValue {
  readonly text: string;
  /** True if it includes another configuration file. */
  readonly include: boolean;
  /** True if it is a path as a whole. */
  readonly isPath: boolean;
  /** The key, without its subsection. */
  readonly key: string;
}

interface Entry {
  readonly section: string;
  readonly subsection: string | undefined;
  readonly key: string;
  readonly value: string;
}

const escaped: Readonly<Record<string, string>> = { n: '\n', t: '\t', b: '' };

/** A value as git reads it: quotes end comments, and escapes are replaced. */
function readValue(text: string): string {
  let value = '';
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? '';
    if (character === '\\') {
      const next = text[++at] ?? '';
      value += escaped[next] ?? next;
    } else if (character === '"') quoted = !quoted;
    else if (!quoted && (character === '#' || character === ';')) break;
    else value += character;
  }
  return value.trim();
}

/** The entries of a configuration. It is as lenient as possible: what git refuses may count, too. */
function* entriesIn(text: string): Generator<Entry> {
  let section = '';
  let subsection: string | undefined;
  for (const line of text.replace(/\\\r?\n/g, '').split('\n')) {
    const header = /^\s*(?:\xef\xbb\xbf)?\[\s*([\w.-]*)(?:\s+"((?:[^"\\]|\\.)*)")?[^\]]*\]/.exec(
      line,
    );
    if (header !== null) {
      section = (header[1] ?? '').toLowerCase();
      subsection = header[2]?.replace(/\\(.)/g, '$1');
    }
    const rest = line.slice(header?.[0].length ?? 0);
    const [, key, value = ''] = /^\s*([\w-]+)\s*(?:=(.*))?$/s.exec(rest) ?? [];
    if (key !== undefined) yield { section, subsection, key: key.toLowerCase(), value };
    else if (header !== null) yield { section, subsection, key: '', value: '' };
  }
}

/** All that the values of a configuration name. */
export function* valuesIn(text: string): Generator<ConfiguredValue> {
  for (const { section, subsection, key, value } of entriesIn(text)) {
    // url.<address>.insteadOf: the address may be a command (ext::) or a repository here.
    if (section === 'url' && key !== '' && subsection !== undefined) {
      yield { text: subsection, include: false, isPath: false, key: 'url.insteadOf' };
    }
    if (!isFollowed(section, key, value)) continue;
    const isPath = pathKeys.has(key);
    // A comment's sign may be part of the value if a quote is before it, and of a name if git changes.
    const texts = isPath
      ? [readValue(value), value.replace(/["\\]/g, '').trim()]
      : [readValue(value)];
    for (const one of new Set(texts)) {
      const plain = one.replace(/^:\(optional\)/, '');
      const include = /^include(?:if)?$/.test(section) && key === 'path';
      if (plain !== '') yield { text: plain, include, isPath, key: `${section}.${key}` };
    }
  }
}

/** The worktree that a repository's configuration sets (`core.worktree`). */
export function worktreeIn(text: string): string | undefined {
  for (const { key, value } of entriesIn(text)) {
    if (key === 'worktree') return readValue(value);
  }
  return undefined;
}

/** Finds programs that a shell script starts and that this machine does not have, by the words of its commands. */
import { posix } from 'node:path';
import type { Host } from '../host/index.js';
import { isPythonTool } from '../resolve/index.js';
import { againWith } from './again.js';
import { headMax } from './excerpt.js';
import { onPath } from './on-path.js';
import { type FailedRun, shells } from './packages.js';

/** More programs than these are no lead: the text was read wrongly, or is for another system. */
const most = 5;

const words = (text: string): ReadonlySet<string> => new Set(text.split(' '));

/** Words of the shell that no file has, those of bash among them. */
const builtIn = words(
  'alias bg bind break builtin caller cd compgen complete continue coproc declare dirs disown echo enable eval exit export false fc fg function getopts hash help history jobs kill let local logout mapfile popd printf pushd pwd read readarray readonly return set shift shopt source suspend test times trap true type typeset ulimit umask unalias unset wait done fi esac in sudo doas',
);
/** Words behind which a command follows. */
const leading = words(
  '! { if then elif else while until do time exec command nohup nice env setsid stdbuf xargs',
);
/** Commands whose other words are no commands. */
const headings = words('for case select function [ [[ ((');

/** The Debian packages of programs, where the name differs. */
const packageOf: Readonly<Record<string, string>> = {
  '7z': '7zip',
  convert: 'imagemagick',
  dig: 'dnsutils',
  fd: 'fd-find',
  ffprobe: 'ffmpeg',
  ifconfig: 'net-tools',
  inotifywait: 'inotify-tools',
  magick: 'imagemagick',
  mogrify: 'imagemagick',
  mysql: 'default-mysql-client',
  nc: 'netcat-openbsd',
  pdftotext: 'poppler-utils',
  pg_dump: 'postgresql-client',
  psql: 'postgresql-client',
  rg: 'ripgrep',
  tesseract: 'tesseract-ocr',
  xmllint: 'libxml2-utils',
  zipinfo: 'unzip',
};
/** Programs whose package has their name. */
const sameName = words(
  'bc cmake curl exiftool ffmpeg figlet gawk git gnuplot graphviz htop jq lynx make moreutils nmap pandoc parallel pngquant pv rclone restic rsync shellcheck socat sox sqlite3 strace tmux tree unzip wget whois xmlstarlet zip zstd',
);

/** Matches what a shell replaces by the output of a command. */
const replaced = /\$\(((?:[^()]|\([^()]*\))*)\)|`([^`]*)`/g;
/** Matches comments and texts in quotes, in which `$( )` may hold quotes of its own. */
const quoted =
  /'[^']*'|"(?:\\[\s\S]|\$\((?:[^()]|\([^()]*\))*\)|\$(?!\()|[^"\\$])*"|(?:^|[ \t;])#.*$/gm;
/** Matches documents of the script itself, patterns of `case`, arrays, calculations and `[[ ]]`. */
const others: readonly (readonly [form: RegExp, by: string])[] = [
  [/<<-?[ \t]*(["']?)(\w+)\1([^\n]*)\n(?:[^\n]*\n)*?[ \t]*\2(?=\n|$)/g, '$3'],
  [/\$?\(\([\s\S]*?\)\)/g, '0'],
];
const forms: readonly (readonly [form: RegExp, by: string])[] = [
  [/\[\[[\s\S]*?\]\]/g, 'true'],
  [/\w+\+?=\([^)]*\)/g, ''],
  [/(^|;;|\bin\b)[ \t]*\(?[^\s()]+(?:[ \t]*\|[ \t]*[^\s()]+)*\)(?!\))/gm, '$1\n'],
];
const without = (text: string, all: typeof forms): string =>
  all.reduce((left, [form, by]) => left.replace(form, by), text);

/** Characters of a script that are read: some of the forms are looked for from each place to the end. */
const charactersMax = 8192;

/** Returns the first word of each command of a shell's text, with those whose output it uses. */
export const commandWords = (text: string): string[] => wordsOf(text.slice(0, charactersMax));

function wordsOf(text: string): string[] {
  const inner: string[] = [];
  const takeInner = (part: string): string =>
    part.replace(replaced, (_, one?: string, other?: string) => {
      inner.push(one ?? other ?? '');
      return '""';
    });
  const plain = without(text.replace(/\\\n/g, ' '), others).replace(quoted, (part) => {
    if (part.startsWith('"')) takeInner(part);
    return /^["']/.test(part) ? '""' : '';
  });
  const found = without(takeInner(plain), forms)
    .split(/\n|;|&&?|\|\|?|(?<!\w)\(/)
    .flatMap((command) => firstWord(command.trim().split(/[ \t]+/)) ?? []);
  return [...new Set([...found, ...inner.flatMap(wordsOf)])];
}

function firstWord(all: readonly string[]): string | undefined {
  const at = all.findIndex(
    (word, index) =>
      !/^\w+\+?=/.test(word) && !leading.has(word) && !(index > 0 && word.startsWith('-')),
  );
  const [, word] = /^([A-Za-z0-9][\w.+-]+)\)*$/.exec(all[at] ?? '') ?? [];
  return word === undefined || headings.has(word) ? undefined : word;
}

/** Programs that a script looks for by itself: it knows what to do without them. */
const lookedFor = /\b(?:command[ \t]+-[vV]|which|type|hash)[ \t]+(?:-\w+[ \t]+)*["']?([\w.+-]+)/g;
const functions = /(?:^|[;{}\n])[ \t]*(?:function[ \t]+([\w.+-]+)|([\w.+-]+)[ \t]*\(\))/g;
/** Files of functions that are not beside the script. */
const sourced = /(?:^|[;&|\n])[ \t]*(?:\.|source)[ \t]+(?!["']?\.\/)\S/;
/** Signs of an installer, which brings programs of its own: a download that a shell runs, places added to PATH. */
const installs = /\|[ \t]*(?:sudo[ \t]+)?(?:\/\S*\/)?(?:ba|da|z)?sh\b|\bPATH=/;
const aliases = /\balias[ \t]+([\w.+-]+)=/g;

/** Lines for a script or code of a shell. */
export function programLeads(
  { spec, report, text, words, offered }: FailedRun,
  host: Host,
): string[] {
  if (spec.image !== undefined || !shells.test(posix.basename(spec.command.path))) return [];
  const all = (form: RegExp): string[] =>
    [...text.matchAll(form)].flatMap(([, ...names]) => names.filter((name) => name !== undefined));
  const known = new Set([...all(lookedFor), ...all(functions), ...all(aliases)]);
  const inside = { ...host, env: { PATH: `${spec.env.PATH}:${host.env.PATH}` } };
  const isKnown = (name: string): boolean =>
    Object.hasOwn(packageOf, name) || sameName.has(name) || isPythonTool(name);
  // A large script defines functions in parts of it that are not read.
  const mayDefine = text.length >= headMax || sourced.test(text) || installs.test(text);
  const missing = commandWords(text).filter(
    (name) =>
      !known.has(name) &&
      !builtIn.has(name) &&
      !onPath(inside, name) &&
      (!mayDefine || isKnown(name)),
  );
  if (missing.length > most) return [];
  const tools = missing.filter((name) => isPythonTool(name));
  offered.packages.push(...tools);
  return missing.map((name) => {
    if (tools.includes(name))
      return `${name} is not installed. To run with it: ${againWith([name], words, report)}`;
    const debian = Object.hasOwn(packageOf, name) ? packageOf[name] : sameName.has(name) && name;
    const had = debian ? `. On Debian: apt install ${debian}` : '';
    return `${name} is not installed. A run sees the programs of this machine${had}`;
  });
}

/** Finds known programs that a shell script starts and that this machine does not have. */
import { posix } from 'node:path';
import type { Host } from '../host/index.js';
import { isPythonTool } from '../resolve/index.js';
import { againWith } from './again.js';
import { onPath } from './on-path.js';
import { type FailedRun, shells } from './packages.js';

/** More programs than these are no lead: the text was read wrongly, or is for another system. */
const most = 5;

const words = (text: string): ReadonlySet<string> => new Set(text.split(' '));

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

/** Matches the first word of a command: at the start of a line, behind what separates commands, or in `$( )`. */
const commands =
  /(?:^|[|;&({`])[ \t]*(?:(?:then|do|else|elif|if|while|until|exec|command|nohup|nice|time|env|xargs|\w+=[^\s(`]*)[ \t]+){0,8}([a-z0-9][\w.+-]*)(?=[\s;|&)`"]|$)/gm;
/** Lines and texts that are no commands: comments, what single quotes hold, documents of the script itself. */
const noCommands =
  /^[ \t]*#.*$|'[^'\n]*'|<<-?[ \t]*(["']?)(\w+)\1[^\n]*\n[\s\S]{0,1000}?\n[ \t]*\2(?=\n|$)/gm;
/** Programs that a script looks for by itself, or defines: it knows what to do without them. */
const own = (name: string): RegExp =>
  new RegExp(
    `\\b(?:command[ \\t]+-[vV]|which|type|hash)[^\\n]*\\b${name}\\b|\\b${name}[ \\t]*\\(\\)|\\b(?:function|alias)[ \\t]+${name}\\b`,
  );
const escaped = (name: string): string => name.replace(/[.+]/g, '\\$&');

/**
 * Lines for a script or code of a shell: only programs whose package is known. The shell itself tells of others, which
 * the script may define, or bring along.
 */
export function programLeads(
  { spec, report, text, words, offered }: FailedRun,
  host: Host,
): string[] {
  if (spec.image !== undefined || !shells.test(posix.basename(spec.command.path))) return [];
  const inside = { ...host, env: { PATH: `${spec.env.PATH}:${host.env.PATH}` } };
  const isKnown = (name: string): boolean =>
    Object.hasOwn(packageOf, name) || sameName.has(name) || isPythonTool(name);
  const started = text.replace(noCommands, '').matchAll(commands);
  const named = new Set([...started].map(([, name = '']) => name).filter(isKnown));
  const missing = [...named].filter(
    (name) => !onPath(inside, name) && !own(escaped(name)).test(text),
  );
  if (missing.length > most) return [];
  const tools = missing.filter((name) => isPythonTool(name));
  offered.packages.push(...tools);
  return missing.map((name) => {
    if (tools.includes(name))
      return `${name} is not installed. To run with it: ${againWith([name], words, report)}`;
    const debian = Object.hasOwn(packageOf, name) ? packageOf[name] : name;
    return `${name} is not installed. A run sees the programs of this machine. On Debian: apt install ${debian}`;
  });
}

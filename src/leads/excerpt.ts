/**
 * Takes from a program's text the lines that leads can be made of, so that a large program costs little more than a
 * small one: nearly all that leads look for contains one of a few words, and finding these is a plain search.
 */

/** Characters of a text that are kept whole: most scripts are no longer, and longer ones begin with their imports. */
const headMax = 4096;
/** Characters of all other lines, places of one word that count, and characters on each side of it in a long line. */
const [restMax, placesMax, sideMax] = [4096, 16, 160];

/** Lists words, one of which stands in nearly every line that a form of this folder matches. */
const signs = [
  ...['port', 'PORT', 'from ', 'require', 'include', 'library', 'source ', 'load', 'use ', '. /'],
  ...['.py', '.js', '.sh', '.rb', '.php', '.pl', 'env', 'ENV', '${', '~/', '$HOME', '/home/'],
  ...['/srv/', '/mnt/', '/opt/', '/usr/', '/etc/', '/var/', '://', 'localhost', '127.0.0.1'],
  ...['listen', 'Server(', 'Flask', 'docker', 'podman', 'cuda', 'DISPLAY', 'xdg-', 'plt.'],
  ...['sudo', 'install', 'npm', ' git', 'python', 'command -v', 'alias ', 'sql', 'redis', 'mongo'],
];

/** Returns where the line around a place begins and ends, cut on both sides where it is long. */
function lineAround(text: string, at: number): [from: number, to: number] {
  const from = text.lastIndexOf('\n', at) + 1;
  const end = text.indexOf('\n', at);
  return [Math.max(from, at - sideMax), Math.min(end < 0 ? text.length : end, at + sideMax)];
}

/** Returns the beginning of a text, then each line behind it that has one of the words. */
export function excerptOf(text: string): string {
  if (text.length <= headMax + restMax) return text;
  const head = text.slice(0, headMax);
  const lines: [from: number, to: number][] = [];
  for (const sign of signs) {
    let at = headMax;
    for (let count = 0; count < placesMax; count++) {
      at = text.indexOf(sign, at);
      if (at < 0) break;
      const line = lineAround(text, at);
      lines.push(line);
      at = line[1];
    }
  }
  lines.sort(([a], [b]) => a - b);
  let rest = '';
  let done = headMax;
  for (const [from, to] of lines) {
    if (to <= done || rest.length > restMax) continue;
    rest += `\n${text.slice(Math.max(from, done), to)}`;
    done = to;
  }
  return head + rest;
}

/** Returns whether a text has a name as a word of its own. */
export function hasWord(text: string, name: string): boolean {
  const isPart = (at: number): boolean => /\w/.test(text[at] ?? ' ');
  for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + 1)) {
    if (!isPart(at - 1) && !isPart(at + name.length)) return true;
  }
  return false;
}

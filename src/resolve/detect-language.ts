/**
 * Detects the language of a script without a `#!` line, where it is surely not a shell's: a Python snippet given to
 * sh fails with a message about something else, or runs the wrong programs (`import` is one of ImageMagick's).
 */

/** Only the beginning is looked at. */
const sniffedBytes = 4096;

/**
 * The first line that says something. It decides: a program of another language can stand in a shell script (between
 * quotes, in a here-document), but then something of the shell comes before it.
 */
const firstLine = (text: string): string =>
  text
    .split('\n')
    .map((line) => line.trim())
    .find((line) => line !== '' && !/^(?:#|\/\/)/.test(line)) ?? '';

/** Signs of a shell script: where there is one, nothing is said. */
const shellSigns =
  /^\s*(?:fi|done|esac|then|do)\b|[;|&]\s*(?:then|do)\b|^\s*(?:export|local|set|echo|eval|source|trap|sudo|cd|curl|apt|apt-get)\s|\$\(|\$\{|\$[A-Za-z_]|^\s*if \[|^[A-Za-z_]\w*\(\)\s*\{/m;

const python =
  /^(?:(?:'''|""").*|import [A-Za-z_][\w.]*(?: as \w+)?(?:\s*,\s*[\w.]+)*(?:;.*)?|from \.*[A-Za-z_][\w.]* import .+|(?:async )?def \w+\(.*\).*:|class \w+(?:\(.*\))?:|if __name__ ?== ?['"].*|@\w[\w.]*(?:\(.*\))?|print\(.*\))\s*(?:#.*)?$/;
const javascript =
  /^(?:(?:const|let|var) [\w${}[\], :]+ = .+|import .+ from ['"].+['"];?|import ['"].+['"];?|export (?:default|const|function|class) .+|(?:async )?function\*? ?\w*\(.*\) ?\{.*|console\.\w+\(.*\);?|['"]use strict['"];?|.*\brequire\(['"].+['"]\).*)\s*$/;
const ruby =
  /^(?:require(?:_relative)? ['"][\w/.-]+['"]|puts [\w'":[@].*|def \w+[?!]?(?:\(.*\))?|class [A-Z]\w*(?: < [A-Z][\w:]*)?|module [A-Z]\w*)\s*$/;
const perl =
  /^(?:use (?:strict|warnings|utf8|v?5[\d._]*|[A-Z][\w:]*\b.*);|my [$@%]\w+.*;|package [A-Z][\w:]*;)\s*$/;

/** No shell has these words, so that `${…}` and the like beside them say nothing. */
const modules =
  /^(?:const [\w${}[\], :]+ = .+|import .+ from ['"].+['"];?|import \{.*|export (?:default|const|function|class)\b.*)\s*$/;

interface Row {
  /** The value that `--lang` takes. */
  readonly lang: string;
  /** The name as people write it. */
  readonly label: string;
  readonly sign: RegExp;
  /** True if it stands although there are signs of a shell script. */
  readonly certain?: true;
}

const languages: readonly Row[] = [
  { lang: 'php', label: 'PHP', sign: /^\s*<\?php\b/, certain: true },
  {
    lang: 'typescript',
    label: 'TypeScript',
    sign: /^(?:import type .+|interface \w+ \{|type \w+ = .+;|(?:const|let) \w+: \w+.* = .+)\s*$/,
    certain: true,
  },
  { lang: 'perl', label: 'Perl', sign: perl, certain: true },
  { lang: 'node', label: 'JavaScript', sign: modules, certain: true },
  { lang: 'python', label: 'Python', sign: python },
  { lang: 'node', label: 'JavaScript', sign: javascript },
  { lang: 'ruby', label: 'Ruby', sign: ruby },
];

export interface Sniffed {
  /** The value that `--lang` takes; undefined for what no interpreter runs. */
  readonly lang: string | undefined;
  /** The name as people write it. */
  readonly label: string;
}

/** Returns what `content` surely is; undefined for a shell script, and wherever there is doubt. */
export function sniff(content: Uint8Array): Sniffed | undefined {
  const head = new TextDecoder('latin1').decode(content.subarray(0, sniffedBytes));
  const line = firstLine(head);
  if (/^(?:<!doctype html|<html\b|<\?xml\b)/i.test(line)) {
    return { lang: undefined, label: 'a web page' };
  }
  if (/^[[{]/.test(line) && isJson(content)) return { lang: undefined, label: 'JSON' };
  const shell = shellSigns.test(head);
  const row = languages.find(
    ({ sign, certain }) => sign.test(line) && (certain === true || !shell),
  );
  return row && { lang: row.lang, label: row.label };
}

function isJson(content: Uint8Array): boolean {
  try {
    JSON.parse(new TextDecoder().decode(content));
    return true;
  } catch {
    return false;
  }
}

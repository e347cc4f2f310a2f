/**
 * Stage: spec. What a script without a `#!` line is, where it is surely not a shell's: a Python snippet given to
 * sh fails with a message about something else, or runs the wrong programs (`import` is one of ImageMagick's).
 */

/** Only the beginning is looked at. */
const sniffedBytes = 4096;

/** Signs of a shell script: where there is one, nothing is said. */
const shellSigns =
  /^\s*(?:fi|done|esac|then|do)\b|[;|&]\s*(?:then|do)\b|^\s*(?:export|local|set|echo|eval|source|trap|sudo|cd|curl|apt|apt-get)\s|\$\(|\$\{|\$[A-Za-z_]|^\s*if \[|^[A-Za-z_]\w*\(\)\s*\{/m;

const python =
  /^(?:import [A-Za-z_][\w.]*(?: as \w+)?(?:\s*,\s*[\w.]+)*(?:;.*)?|from \.*[A-Za-z_][\w.]* import .+|(?:async )?def \w+\(.*\).*:|class \w+(?:\(.*\))?:|if __name__ ?== ?['"].*|@\w[\w.]*(?:\(.*\))?|print\(.*\))\s*(?:#.*)?$/m;
const javascript =
  /^(?:(?:const|let|var) [\w${}[\], :]+ = .+|import .+ from ['"].+['"];?|import ['"].+['"];?|import \{$|export (?:default|const|function|class) .+|(?:async )?function\*? ?\w*\(.*\) ?\{.*|console\.\w+\(.*\);?|['"]use strict['"];?|.*\brequire\(['"].+['"]\).*)\s*$/m;
const ruby =
  /^(?:require(?:_relative)? ['"][\w/.-]+['"]|puts [\w'":[@].*|def \w+[?!]?(?:\(.*\))?|class [A-Z]\w*(?: < [A-Z][\w:]*)?|module [A-Z]\w*)\s*$/m;
const perl =
  /^(?:use (?:strict|warnings|utf8|v?5[\d._]*|[A-Z][\w:]*\b.*);|my [$@%]\w+.*;|package [A-Z][\w:]*;)\s*$/m;

/** No shell has these words, so that `${…}` and the like beside them say nothing. */
const modules =
  /^(?:const [\w${}[\], :]+ = .+|import .+ from ['"].+['"];?|import \{|export (?:default|const|function|class)\b.*)\s*$/m;

interface Row {
  /** As `--lang` takes it. */
  readonly lang: string;
  /** As people write it. */
  readonly label: string;
  readonly sign: RegExp;
  /** Whether it stands although there are signs of a shell script. */
  readonly certain?: true;
}

const languages: readonly Row[] = [
  { lang: 'php', label: 'PHP', sign: /^\s*<\?php\b/, certain: true },
  {
    lang: 'typescript',
    label: 'TypeScript',
    sign: /^(?:import type .+|interface \w+ \{|type \w+ = .+;|(?:const|let) \w+: \w+.* = .+)\s*$/m,
    certain: true,
  },
  { lang: 'perl', label: 'Perl', sign: perl, certain: true },
  { lang: 'node', label: 'JavaScript', sign: modules, certain: true },
  { lang: 'python', label: 'Python', sign: python },
  { lang: 'node', label: 'JavaScript', sign: javascript },
  { lang: 'ruby', label: 'Ruby', sign: ruby },
];

export interface Sniffed {
  /** As `--lang` takes it; undefined for what no interpreter runs. */
  readonly lang: string | undefined;
  /** As people write it. */
  readonly label: string;
}

/** What `content` surely is; undefined for a shell script, and wherever there is doubt. */
export function sniff(content: Uint8Array): Sniffed | undefined {
  const text = new TextDecoder('latin1').decode(content.subarray(0, sniffedBytes));
  if (/^\s*(?:<!doctype html|<html\b|<\?xml\b)/i.test(text))
    return { lang: undefined, label: 'a web page' };
  const trimmed = text.trimStart();
  if (/^[[{]/.test(trimmed) && isJson(content)) return { lang: undefined, label: 'JSON' };
  const shell = shellSigns.test(text);
  const row = languages.find(
    ({ sign, certain }) => sign.test(text) && (certain === true || !shell),
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

// Colours for code, by a few patterns a language. Text that no pattern knows stays plain.
import { escapeHtml } from './html.mjs';

const span = (kind, text) => `<span class="hl-${kind}">${escapeHtml(text)}</span>`;

const cLike = [
  ['comment', /\/\/[^\n]*|\/\*[\s\S]*?\*\//y],
  ['string', /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/y],
  ['number', /\b(?:0x[\da-f_]+|\d[\d_]*(?:\.\d+)?)n?\b/iy],
];
const word = (list) => new RegExp(`\\b(?:${list.replaceAll(' ', '|')})\\b`, 'y');

const typescript = [
  ...cLike,
  [
    'keyword',
    word(
      'import export from const let function return await async for of if else new throw try catch finally class interface type extends readonly typeof declare default true false undefined null as in',
    ),
  ],
  ['name', /\b[A-Za-z_$][\w$]*(?=\()/y],
  [undefined, /[A-Za-z_$][\w$]*/y],
];

const languages = {
  ts: typescript,
  js: typescript,
  c: [
    ...cLike,
    [
      'keyword',
      /#\w+|\b(?:static|const|struct|return|int|void|char|unsigned|long|if|else|for|while|sizeof)\b/y,
    ],
    ['name', /\b[A-Za-z_]\w*(?=\()/y],
    [undefined, /[A-Za-z_]\w*/y],
  ],
  json: [
    ['name', /"(?:\\.|[^"\\])*"(?=\s*:)/y],
    ['string', /"(?:\\.|[^"\\])*"/y],
    ['number', /-?\b\d+(?:\.\d+)?\b/y],
    ['keyword', word('true false null')],
  ],
  toml: [
    ['comment', /#[^\n]*/y],
    ['string', /"(?:\\.|[^"\\\n])*"|'[^'\n]*'/y],
    ['keyword', /^\[[^\]\n]+\]/my],
    ['name', /[\w-]+(?=\s*=)/y],
    ['number', /\b(?:\d+|true|false)\b/y],
    [undefined, /[\w-]+/y],
  ],
  policy: [
    ['comment', /#[^\n]*/y],
    ['string', /"[^"\n]*"/y],
    ['name', /@[\w-]+/y],
    [
      'keyword',
      word(
        'allow deny kill kill_thread kill_process log notify trace trap errno default unknown target kernel include where in and not group const',
      ),
    ],
    ['number', /\b(?:0x[\da-fA-F]+|\d+|E[A-Z0-9]+|[A-Z][A-Z0-9]*_[A-Z0-9_]+)\b/y],
    [undefined, /[\w-]+/y],
  ],
  python: [
    ['comment', /#[^\n]*/y],
    ['string', /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"/y],
    [
      'keyword',
      word(
        'import from def return for in if else elif try except with as print True False None while',
      ),
    ],
    [undefined, /[A-Za-z_]\w*/y],
  ],
  bash: [
    ['comment', /(?<=^|\s)#[^\n]*/my],
    ['string', /'[^'\n]*'|"(?:\\.|[^"\\\n])*"/y],
    ['name', /(?<=^|\s)--?[a-z][\w-]*/my],
    [undefined, /[\w./-]+/y],
  ],
};
languages.sh = languages.bash;
languages.mjs = languages.ts;
languages.yaml = [
  ['comment', /(?<=^|\s)#[^\n]*/my],
  ['name', /[\w-]+(?=:)/y],
  ['string', /'[^'\n]*'|"[^"\n]*"/y],
  [undefined, /[\w./-]+/y],
];

function colour(text, patterns) {
  let html = '';
  let plain = '';
  const flush = () => {
    html += escapeHtml(plain);
    plain = '';
  };
  for (let at = 0; at < text.length; ) {
    let found;
    let kind;
    for (const [name, pattern] of patterns) {
      pattern.lastIndex = at;
      found = pattern.exec(text)?.[0];
      kind = name;
      if (found) break;
    }
    if (!found) {
      plain += text[at];
      at++;
      continue;
    }
    if (kind === undefined) plain += found;
    else {
      flush();
      html += span(kind, found);
    }
    at += found.length;
  }
  flush();
  return html;
}

/** A session at a terminal: `$ ` starts a command, `> ` continues it, the rest is output. */
function terminal(text) {
  return text
    .split('\n')
    .map((line) => {
      const prompt = /^([$>] )(.*)$/.exec(line);
      if (prompt !== null) {
        const [, mark, command] = prompt;
        return `${span('prompt', mark)}<span class="hl-command">${escapeHtml(command)}</span>`;
      }
      if (/^\+(?!\+\+ )/.test(line)) return span('added', line);
      if (/^-(?!-- )/.test(line)) return span('removed', line);
      return line === '' ? '' : span('output', line);
    })
    .join('\n');
}

/** Code as HTML; an unknown language stays plain. */
export function highlight(text, language) {
  if (language === 'console') return terminal(text);
  const patterns = languages[language];
  return patterns === undefined ? escapeHtml(text) : colour(text, patterns);
}

// Full-text search over the sections of all pages. Loaded at the first use, with its index.
import MiniSearch from 'minisearch';

/** Words that a question may contain and that say nothing about its subject. */
const empty = new Set(
  'a an and are can do does for from how i in is it my of on or the to what when where why with'.split(
    ' ',
  ),
);
/** Results of one page, at most. */
const mostOfPage = 2;
const mostResults = 10;
/** Characters of text before and after the word that was found. */
const before = 40;
const after = 110;

/** Runs of characters that make up options, paths and words: `--rm`, `~/.ssh`, `io_uring`. */
const runsOf = (text) =>
  (text.toLowerCase().match(/[\p{L}\p{N}_.@~/$+-]+/gu) ?? [])
    .map((run) => run.replace(/[./-]+$/, ''))
    .filter(Boolean);

/** Singular and plural are one word. */
const stem = (word) =>
  /^[a-z]{4,}s$/.test(word) && !word.endsWith('ss') ? word.slice(0, -1) : word;

/** The pieces of a run that are words by themselves: `.env` and `env` of `app/.env`. */
function piecesOf(run) {
  const pieces = run.split('/').flatMap((part) => [part, ...part.split(/[^\p{L}\p{N}]+/u)]);
  return [...new Set(pieces)].filter((piece) => piece !== '' && piece !== run);
}

const options = {
  fields: ['title', 'words', 'page', 'text'],
  storeFields: ['title', 'path', 'page', 'text', 'weight'],
  tokenize: (text) => runsOf(text).flatMap((run) => [run, ...piecesOf(run)]),
  processTerm: stem,
};

const searchOptions = {
  // The query is a tree of words already.
  tokenize: (text) => [text],
  boost: { title: 5, words: 4, page: 2, text: 1 },
  prefix: (term) => term.length > 1,
  // Spelling mistakes in words; options and numbers are meant as they are.
  fuzzy: (term) => (/^[a-z]{5,}$/.test(term) ? (term.length < 7 ? 1 : 2) : false),
  weights: { prefix: 0.3, fuzzy: 0.15 },
  boostDocument: (_, __, { weight }) => weight,
};

/** A run as it is, or all of its pieces. */
function queryOf(run) {
  const pieces = piecesOf(run);
  if (pieces.length === 0) return run;
  return { combineWith: 'OR', queries: [run, { combineWith: 'AND', queries: pieces }] };
}

/** The runs of a question that say something about its subject, or all of them if none does. */
function subjectOf(query) {
  const all = [...new Set(runsOf(query))];
  const said = all.filter((run) => !empty.has(run));
  return said.length > 0 ? said : all;
}

const keyOf = (runs) => runs.map(stem).sort().join(' ');

/** Where a word begins in a text; -1 if it is not there. */
function placeOf(text, word) {
  let at = text.indexOf(word);
  while (at > 0 && /[\p{L}\p{N}]/u.test(text[at - 1])) at = text.indexOf(word, at + 1);
  return at;
}

/** The text around the longest word that was found, in three parts: before it, the word, after it. */
function excerptOf(text, terms) {
  const lower = text.toLowerCase();
  const places = terms
    .map((term) => ({ term, at: placeOf(lower, term) }))
    .filter(({ at }) => at >= 0)
    .sort((a, b) => b.term.length - a.term.length);
  const [{ at, term } = { at: 0, term: '' }] = places;
  const from = at <= before ? 0 : text.indexOf(' ', at - before) + 1;
  const to = at + after >= text.length ? text.length : text.lastIndexOf(' ', at + after);
  return {
    head: `${from > 0 ? '… ' : ''}${text.slice(from, at)}`,
    word: text.slice(at, at + term.length),
    tail: `${text.slice(at + term.length, Math.max(to, at + term.length))}${to < text.length ? ' …' : ''}`,
  };
}

/**
 * @param entries sections: `title`, `path`, `page` (title of its page), `text`, `words` (that readers
 *   may look for it by), `weight`
 * @returns from a query to results, best first: `title`, `path`, `page`, `excerpt`
 */
export function makeFinder(entries) {
  const index = new MiniSearch(options);
  index.addAll(entries.map((entry, id) => ({ ...entry, id })));
  const search = (combineWith, runs) =>
    index.search({ combineWith, queries: runs.map(queryOf) }, searchOptions);

  // A section that names this very question answers it.
  const named = new Map();
  entries.forEach(({ words }, id) => {
    for (const phrase of words.split(',')) {
      const key = keyOf(subjectOf(phrase));
      if (key !== '') named.set(key, (named.get(key) ?? new Set()).add(id));
    }
  });

  return (query) => {
    const runs = subjectOf(query);
    if (runs.length === 0) return [];
    const answers = named.get(keyOf(runs)) ?? new Set();
    const exact = search('AND', runs);
    const ranked =
      exact.length >= 3 || runs.length === 1 ? exact : [...exact, ...search('OR', runs)];
    const isAnswer = ({ id }) => answers.has(id);
    const found = [...ranked.filter(isAnswer), ...ranked.filter((one) => !isAnswer(one))];
    const pages = new Map();
    const seen = new Set();
    const results = [];
    for (const { id, title, path, page, text, terms } of found) {
      const [file = ''] = path.split('#');
      const count = pages.get(file) ?? 0;
      if (seen.has(id) || count >= mostOfPage) continue;
      seen.add(id);
      pages.set(file, count + 1);
      results.push({ title, path, page, excerpt: excerptOf(text, terms) });
      if (results.length === mostResults) break;
    }
    return results;
  };
}

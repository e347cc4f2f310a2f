// Sections of a page: for the outline beside it and for the search over all pages.
import { stripComments } from './html.mjs';

const headings = /<h([1-4]) id="([^"]+)"[^>]*>(.*?)<\/h\1>/gs;
/** Matches the beginning of a section: a heading, or an entry of a reference. */
const starts = /<(h[1-4]|dt) id="([^"]+)"[^>]*>(.*?)<\/\1>/gs;
/** Words that readers may look for a section by, which its text does not contain. */
const searchWords = /<!-- search: (.*?) -->/gs;

/** How much a section counts beside others that contain the same words. */
const weights = { Guide: 1.3, Tasks: 1.2, Policies: 0.8, Reference: 0.7, About: 0.9 };

/** Text of a piece of HTML that this build made. */
const textOf = (html) =>
  stripComments(html)
    .replace(/<a class="anchor".*?<\/a>/gs, '')
    .replace(/<(svg|script|style)\b.*?<\/\1>/gs, ' ')
    .replace(/<\/(p|li|td|th|pre|dt|dd|h\d|div)>/g, '$& ')
    .replace(/<[^>]+>/g, '')
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&quot;/g, '"')
    .replace(/&#39;/g, "'")
    .replace(/&amp;/g, '&')
    .replace(/\s+/g, ' ')
    .trim();

/** Headings below the title, with their levels and anchors. */
export function outlineOf(html) {
  return [...html.matchAll(headings)]
    .map(([, level, id, inner]) => ({ level: Number(level), id, text: textOf(inner) }))
    .filter(({ level }) => level > 1);
}

/** The sections of a page, from its title to its last entry. */
function sectionsOf({ page, body }) {
  const found = [...body.matchAll(starts)];
  const titles = new Set();
  return found.map((match, at) => {
    const [whole, tag, id, inner] = match;
    const from = match.index + whole.length;
    const html = body.slice(from, found[at + 1]?.index ?? body.length);
    const words = [...html.matchAll(searchWords)].map(([, said]) => said);
    const top = tag === 'h1';
    const title = textOf(inner);
    // An option that several commands have is looked for at the first.
    const again = titles.has(title);
    titles.add(title);
    return {
      title,
      path: top ? page.path : `${page.path}#${id}`,
      page: page.title,
      text: textOf(html),
      words: [...words, ...(top ? [page.title, page.description] : [])].join(', '),
      weight: (weights[page.section] ?? 1) * (top ? 1.2 : 1) * (again ? 0.5 : 1),
    };
  });
}

/** System calls, which their page lists with a search of its own. */
const callsOf = (calls) =>
  calls.map(({ name, groups, decisions }) => ({
    title: name,
    path: `reference/syscalls.html?q=${name}`,
    page: 'System calls',
    text: [
      ...decisions.map(({ action, reason }) => `${action} ${reason}`),
      groups.map((group) => `@${group}`).join(' '),
    ].join(' '),
    words: '',
    weight: 0.5,
  }));

/** assets/search.json: one entry a section; fetched when the reader searches. */
export function writeSearchIndex(put, written, facts) {
  // The first page only points at the others.
  const pages = written.filter(({ page }) => page.landing !== true);
  const entries = [...pages.flatMap(sectionsOf), ...callsOf(facts.calls)];
  put('assets/search.json', JSON.stringify(entries));
}

// Headings of a page: for the outline beside it and for the search over all pages.

const headings = /<h([1-4]) id="([^"]+)"[^>]*>(.*?)<\/h\1>/gs;

/** Text of a piece of HTML that this build made. */
const textOf = (html) =>
  html
    .replace(/<a class="anchor".*?<\/a>/gs, '')
    .replace(/<[^>]+>/g, '')
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&quot;/g, '"')
    .replace(/&#39;/g, "'")
    .replace(/&amp;/g, '&')
    .trim();

/** Headings below the title, with their levels and anchors. */
export function outlineOf(html) {
  return [...html.matchAll(headings)]
    .map(([, level, id, inner]) => ({ level: Number(level), id, text: textOf(inner) }))
    .filter(({ level }) => level > 1);
}

/** assets/search.json: one entry a page and one a heading; fetched when the reader searches. */
export function writeSearchIndex(put, written) {
  const entries = written.flatMap(({ page, outline }) => [
    { title: page.title, path: page.path, in: page.section, words: page.description },
    ...outline.map(({ id, text }) => ({
      title: text,
      path: `${page.path}#${id}`,
      in: page.title,
    })),
  ]);
  put('assets/search.json', JSON.stringify(entries));
}

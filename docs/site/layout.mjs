// The frame around every page: top bar, navigation, outline, neighbours.
import { escapeHtml, toRoot } from './html.mjs';
import { outlineOf } from './search-index.mjs';

const policy = [
  "default-src 'self'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "worker-src 'self' blob:",
  "object-src 'none'",
  "base-uri 'none'",
].join('; ');

function navigation(page, pages, root) {
  const sections = [...new Set(pages.map(({ section }) => section))];
  return sections
    .map((section) => {
      const items = pages
        .filter((one) => one.section === section && one.landing !== true)
        .map((one) => {
          const here = one.path === page.path ? ' aria-current="page"' : '';
          return `<li><a href="${root}${one.path}"${here}>${escapeHtml(one.title)}</a></li>`;
        });
      return `<h2>${escapeHtml(section)}</h2>\n<ul>${items.join('')}</ul>`;
    })
    .join('\n');
}

function outline(content) {
  const headings = outlineOf(content.body).filter(({ level }) => level <= 3);
  if (headings.length < 3 || headings.length > 60) return '';
  const items = headings.map(
    ({ level, id, text }) =>
      `<li class="level-${level}"><a href="#${id}">${escapeHtml(text)}</a></li>`,
  );
  return `<aside class="outline"><nav aria-label="On this page"><h2>On this page</h2><ul>${items.join('')}</ul></nav></aside>`;
}

function neighbours(page, pages, root) {
  const listed = pages.filter(({ landing }) => landing !== true);
  const at = listed.indexOf(page);
  const link = (one, rel, text) =>
    one === undefined
      ? '<span></span>'
      : `<a rel="${rel}" class="${rel}" href="${root}${one.path}"><small>${text}</small>${escapeHtml(one.title)}</a>`;
  return `<nav class="neighbours" aria-label="Previous and next page">${link(listed[at - 1], 'prev', 'Previous')}${link(listed[at + 1], 'next', 'Next')}</nav>`;
}

const tags = (names, root, make) => (names ?? []).map((name) => make(`${root}${name}`)).join('\n');

/**
 * A whole HTML document.
 * @param content `body` (HTML), and `styles` and `scripts` (paths in the site) where the page has any
 */
export function layout({ page, pages, content, facts }) {
  const root = toRoot(page.path);
  const title = page.path === 'index.html' ? 'wasbox' : `${page.title} · wasbox`;
  const plain = page.wide === true || page.landing === true;
  const kind = page.wide === true ? 'wide' : page.landing === true ? 'landing' : '';
  const aside = plain ? '' : outline(content);
  return `<!doctype html>
<html lang="en" data-root="${root === '' ? './' : root}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${escapeHtml(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="description" content="${escapeHtml(page.description)}">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<link rel="icon" href="${root}assets/icon.svg" type="image/svg+xml">
<script src="${root}assets/theme.js"></script>
<link rel="stylesheet" href="${root}assets/style.css">
${tags(content.styles, root, (href) => `<link rel="stylesheet" href="${href}">`)}
<script src="${root}assets/site.js" defer></script>
${tags(content.scripts, root, (src) => `<script type="module" src="${src}"></script>`)}
</head>
<body${kind === '' ? '' : ` class="${kind}"`}>
<a class="skip" href="#content">Skip to content</a>
<header class="bar">
<button type="button" class="menu-button" aria-expanded="false" aria-controls="navigation"><span class="hidden">Menu</span><svg viewBox="0 0 20 20" aria-hidden="true"><path d="M3 5.5h14M3 10h14M3 14.5h14"/></svg></button>
<a class="brand" href="${root}index.html"><svg viewBox="0 0 24 24" aria-hidden="true"><path d="M12 2.5 20.5 7v10L12 21.5 3.5 17V7Z"/><path d="M3.5 7 12 11.5 20.5 7M12 11.5v10"/></svg>wasbox</a><span class="version">${escapeHtml(facts.version)}</span>
<nav class="top" aria-label="Sections"><a href="${root}guide/start.html">Docs</a><a href="${root}playground/index.html">Playground</a><a href="${root}about/comparison.html">Comparison</a></nav>
<div class="find" role="search"><label class="hidden" for="find">Search the documentation</label><input id="find" type="search" placeholder="Search ( / )" autocomplete="off" role="combobox" aria-expanded="false" aria-controls="found" aria-autocomplete="list"><div class="found" hidden><ul id="found" role="listbox" aria-label="Search results"></ul><p id="found-said" role="status"></p></div></div>
<button type="button" class="theme-button"><span class="hidden" data-theme-label>Colours: system</span><svg viewBox="0 0 20 20" aria-hidden="true"><circle cx="10" cy="10" r="7"/><path class="half" d="M10 3a7 7 0 0 1 0 14Z"/></svg></button>
</header>
<div class="frame">
<nav id="navigation" class="side" aria-label="Pages">
${navigation(page, pages, root)}
</nav>
<main id="content" tabindex="-1">
<article>
${content.body}
</article>
${plain ? '' : neighbours(page, pages, root)}
</main>
${aside}
</div>
</body>
</html>
`;
}

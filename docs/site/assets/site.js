// Adds what the pages do beyond being read: the menu of small screens, colours, search, offline use.
// Everything but the search works without this script.
import { addCopyButtons } from './copy.js';
import { addSearch } from './search.js';

const html = document.documentElement;

/** The root of the site, whatever path it is served from. */
const root = new URL(html.dataset.root ?? './', location.href);

const menu = document.querySelector('.menu-button');
menu?.addEventListener('click', () => {
  const open = menu.getAttribute('aria-expanded') !== 'true';
  menu.setAttribute('aria-expanded', String(open));
  html.classList.toggle('menu-open', open);
});
document.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape' || !html.classList.contains('menu-open')) return;
  html.classList.remove('menu-open');
  menu?.setAttribute('aria-expanded', 'false');
  menu?.focus();
});

const themeButton = document.querySelector('.theme-button');
const themeLabel = document.querySelector('[data-theme-label]');
const labels = {
  system: 'Colours: system',
  light: 'Colours: light',
  dark: 'Colours: dark',
};
function tellTheme() {
  const chosen = html.dataset.theme ?? 'system';
  if (themeLabel !== null) themeLabel.textContent = labels[chosen];
  themeButton?.setAttribute('title', labels[chosen]);
}
themeButton?.addEventListener('click', () => {
  const order = ['system', 'light', 'dark'];
  const next = order[(order.indexOf(html.dataset.theme ?? 'system') + 1) % order.length];
  if (next === 'system') delete html.dataset.theme;
  else html.dataset.theme = next;
  try {
    localStorage.setItem('wasbox-theme', next);
  } catch {
    // It then lasts as long as the page.
  }
  tellTheme();
});
tellTheme();

// A table or drawing that is wider than its box shows at its edge that it scrolls.
const widths = new ResizeObserver((entries) => {
  for (const { target } of entries)
    target.classList.toggle('scrolls', target.scrollWidth > target.clientWidth);
});
for (const box of document.querySelectorAll('.table-box, .chart, .drawing')) widths.observe(box);

// The list of pages is longer than a small window.
document.querySelector('.side [aria-current]')?.scrollIntoView({ block: 'nearest' });

addSearch(root);
addCopyButtons();

if ('serviceWorker' in navigator && location.protocol.startsWith('http')) {
  navigator.serviceWorker.register(new URL('service-worker.js', root)).catch(() => {
    // No storage, or an origin that is not secure: the site then needs its server.
  });
}

// The search in the top bar: titles and headings of all pages, fetched at the first use.

/** How well an entry answers; 0 where it does not. */
function score(entry, words) {
  const title = entry.title.toLowerCase();
  const rest = `${entry.in} ${entry.words ?? ''}`.toLowerCase();
  let sum = 0;
  for (const word of words) {
    if (title === word) sum += 12;
    else if (title.startsWith(word)) sum += 8;
    else if (title.includes(word)) sum += 5;
    else if (rest.includes(word)) sum += 1;
    else return 0;
  }
  return sum - title.length / 100 + (entry.words === undefined ? 0 : 1);
}

export function addSearch(root) {
  const input = document.querySelector('#find');
  const list = document.querySelector('#found');
  if (input === null || list === null) return;
  let entries;
  let active = -1;

  const load = async () => {
    entries ??= fetch(new URL('assets/search.json', root)).then((response) => response.json());
    return entries;
  };
  const close = () => {
    list.hidden = true;
    active = -1;
    input.setAttribute('aria-expanded', 'false');
    input.removeAttribute('aria-activedescendant');
  };
  const mark = (next) => {
    const options = [...list.children];
    active = options.length === 0 ? -1 : (next + options.length) % options.length;
    options.forEach((option, at) => {
      option.setAttribute('aria-selected', String(at === active));
      if (at === active) option.scrollIntoView({ block: 'nearest' });
    });
    if (active >= 0) input.setAttribute('aria-activedescendant', `found-${active}`);
  };
  const show = (found) => {
    list.replaceChildren(
      ...found.map((entry, at) => {
        const option = document.createElement('li');
        option.id = `found-${at}`;
        option.role = 'option';
        option.dataset.path = entry.path;
        const where = document.createElement('small');
        where.textContent = entry.in;
        option.append(entry.title, where);
        return option;
      }),
    );
    list.hidden = found.length === 0;
    input.setAttribute('aria-expanded', String(found.length > 0));
    active = -1;
    input.removeAttribute('aria-activedescendant');
  };
  const go = (option) => {
    if (option?.dataset.path !== undefined) location.href = new URL(option.dataset.path, root).href;
  };

  input.addEventListener('focus', () => load().catch(() => {}));
  input.addEventListener('input', async () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    if (words.length === 0) {
      close();
      return;
    }
    const all = await load().catch(() => []);
    const found = all
      .map((entry) => ({ entry, value: score(entry, words) }))
      .filter(({ value }) => value > 0)
      .sort((a, b) => b.value - a.value)
      .slice(0, 12)
      .map(({ entry }) => entry);
    show(found);
  });
  input.addEventListener('keydown', (event) => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      mark(active + (event.key === 'ArrowDown' ? 1 : -1));
    } else if (event.key === 'Enter') {
      go(list.children[Math.max(active, 0)]);
    } else if (event.key === 'Escape') {
      close();
    }
  });
  list.addEventListener('mousedown', (event) => {
    event.preventDefault();
    go(event.target.closest('[role=option]'));
  });
  input.addEventListener('blur', close);
  document.addEventListener('keydown', (event) => {
    const typing = event.target.closest?.('input, textarea, select, [contenteditable]') !== null;
    if (event.key !== '/' || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    input.focus();
  });
}

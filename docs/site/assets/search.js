// The search field in the top bar. The index and what searches it are fetched at the first use.

const element = (name, className, ...children) => {
  const made = document.createElement(name);
  if (className !== '') made.className = className;
  made.append(...children);
  return made;
};

function optionOf({ title, path, page, excerpt }, at) {
  const { head, word, tail } = excerpt;
  const found = word === '' ? [] : [element('mark', '', word)];
  const option = element(
    'li',
    '',
    element('span', 'found-title', title),
    element('small', 'found-page', page),
    element('span', 'found-text', head, ...found, tail),
  );
  option.id = `found-${at}`;
  option.role = 'option';
  option.dataset.path = path;
  return option;
}

export function addSearch(root) {
  const input = document.querySelector('#find');
  const list = document.querySelector('#found');
  const box = document.querySelector('.found');
  const said = document.querySelector('#found-said');
  if (input === null || list === null || box === null || said === null) return;
  let loading;
  let active = -1;

  async function fetchFinder() {
    const [{ makeFinder }, response] = await Promise.all([
      import(new URL('assets/find.js', root).href),
      fetch(new URL('assets/search.json', root)),
    ]);
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    return makeFinder(await response.json());
  }
  const load = () => {
    loading ??= fetchFinder().catch((error) => {
      loading = undefined;
      throw error;
    });
    return loading;
  };
  const close = () => {
    box.hidden = true;
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
  /** Shows results, or what there is to say instead. */
  const show = (results, message) => {
    list.replaceChildren(...results.map(optionOf));
    list.hidden = results.length === 0;
    said.textContent = message;
    said.classList.toggle('hidden', results.length > 0);
    box.hidden = false;
    list.scrollTop = 0;
    input.setAttribute('aria-expanded', String(results.length > 0));
    active = -1;
    input.removeAttribute('aria-activedescendant');
    // The question of this answer; the field may say something else by now.
    box.dataset.query = input.value;
  };
  const answer = async () => {
    if (input.value.trim() === '') {
      close();
      return;
    }
    try {
      const find = await load();
      const query = input.value.trim();
      if (query === '') return;
      const results = find(query);
      const many = `${results.length} ${results.length === 1 ? 'result' : 'results'}`;
      show(
        results,
        results.length > 0 ? many : `No results for “${query}”. Try one word, or an option’s name.`,
      );
    } catch {
      show([], 'The search index cannot be loaded. Reload the page to try again.');
    }
  };
  const go = (option) => {
    if (option?.dataset.path !== undefined) location.href = new URL(option.dataset.path, root).href;
  };

  input.addEventListener('focus', () => load().catch(() => {}));
  input.addEventListener('input', answer);
  input.addEventListener('keydown', (event) => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      mark(active + (event.key === 'ArrowDown' ? 1 : -1));
    } else if (event.key === 'Enter') {
      if (box.dataset.query === input.value) go(list.children[Math.max(active, 0)]);
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

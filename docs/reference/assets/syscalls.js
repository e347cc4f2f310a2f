// The list of system calls: filtered as one types, a screenful at a time. What is asked for stands
// in the address, so that it can be linked to.
const step = 40;
const byId = (id) => document.getElementById(id);
const [text, arch, group, decision] = ['text', 'arch', 'group', 'decision'].map((name) =>
  byId(`call-${name}`),
);
const [count, list, more] = [byId('call-count'), byId('calls-list'), byId('call-more')];
let calls = [];
let shown = step;

const element = (name, className, ...children) => {
  const made = document.createElement(name);
  if (className !== '') made.className = className;
  made.append(...children);
  return made;
};

/** Says what the default policy does with a call, in one word. */
function verdict({ decisions }) {
  const allowed = decisions.filter(({ action }) => action === 'allow').length;
  if (decisions.length === 0) return 'none';
  if (allowed === decisions.length) return 'allow';
  return allowed === 0 ? 'deny' : 'some';
}
const verdicts = {
  allow: 'allowed',
  deny: 'refused',
  some: 'depends',
  none: 'not a call of x86_64 or aarch64',
};

function row(call) {
  const kind = verdict(call);
  const number = call.numbers[arch.value];
  const head = element('p', 'call-head');
  head.append(
    element('code', 'call-name', call.name),
    ' ',
    element('span', 'muted', number === undefined ? 'no number' : `nr ${number}`),
    ' ',
    element('span', `badge ${kind}`, verdicts[kind]),
  );
  const item = element('li', '', head);
  if (call.args.length > 0) {
    const parts = call.args.flatMap(([name, type, constants], at) => {
      const title = constants === undefined ? type : `${type}, constants: ${constants}`;
      const one = element('span', 'call-arg', element('span', 'muted', `${type} `), name);
      one.title = title;
      return at === 0 ? [one] : [', ', one];
    });
    item.append(element('p', 'call-args', element('code', '', '(', ...parts, ')')));
  }
  if (call.groups.length > 0) {
    item.append(element('p', 'muted', call.groups.map((name) => `@${name}`).join(' ')));
  }
  for (const { action, rule, line, reason } of call.decisions) {
    const why = line === undefined ? 'no rule matches: the default applies' : reason;
    const short = rule === undefined ? '' : rule.length > 110 ? `${rule.slice(0, 109)}…` : rule;
    const where = line === undefined ? '' : ` default.policy:${line}`;
    const cell = element('p', 'call-why', element('strong', '', action));
    if (why !== '') cell.append(` ${why}`);
    if (short !== '') cell.append(element('br', ''), element('code', '', short));
    cell.append(element('span', 'muted', where));
    item.append(cell);
  }
  return item;
}

function matches(call, words) {
  if (call.numbers[arch.value] === undefined) return false;
  if (group.value !== '' && !call.groups.includes(group.value)) return false;
  if (decision.value !== '' && verdict(call) !== decision.value) return false;
  if (words.length === 0) return true;
  const reasons = call.decisions.map(({ reason }) => reason).join(' ');
  const all = `${call.name} ${call.args.flat().join(' ')} ${reasons}`.toLowerCase();
  return words.every((word) => all.includes(word) || String(call.numbers[arch.value]) === word);
}

function remember() {
  const wanted = new URLSearchParams();
  if (text.value !== '') wanted.set('q', text.value);
  if (arch.value !== 'x86_64') wanted.set('arch', arch.value);
  if (group.value !== '') wanted.set('group', group.value);
  if (decision.value !== '') wanted.set('decision', decision.value);
  const query = wanted.toString();
  history.replaceState(
    null,
    '',
    `${location.pathname}${query === '' ? '' : `?${query}`}${location.hash}`,
  );
}

function draw() {
  const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
  const found = calls.filter((call) => matches(call, words));
  // Names that begin with what was typed come first.
  const [first = ''] = words;
  found.sort((a, b) => Number(b.name.startsWith(first)) - Number(a.name.startsWith(first)));
  list.replaceChildren(...found.slice(0, shown).map(row));
  count.textContent = `${found.length} ${found.length === 1 ? 'call' : 'calls'} of ${arch.value}`;
  more.hidden = found.length <= shown;
}

function changed() {
  shown = step;
  remember();
  draw();
}

const wanted = new URLSearchParams(location.search);
text.value = wanted.get('q') ?? '';
arch.value = wanted.get('arch') ?? 'x86_64';
group.value = wanted.get('group') ?? '';
decision.value = wanted.get('decision') ?? '';
for (const field of [text, arch, group, decision]) field.addEventListener('input', changed);
document.querySelector('.filters').addEventListener('submit', (event) => event.preventDefault());
more.addEventListener('click', () => {
  const before = list.children.length;
  shown += step;
  draw();
  // The reader goes on where the list ended.
  list.children[before]?.setAttribute('tabindex', '-1');
  list.children[before]?.focus();
});
for (const link of document.querySelectorAll('[data-group]')) {
  link.addEventListener('click', () => {
    group.value = link.dataset.group;
    changed();
  });
}

try {
  const response = await fetch(new URL('syscalls.json', import.meta.url));
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  calls = await response.json();
  draw();
} catch (error) {
  count.textContent = `Cannot load the list (${error.message}). Reload the page to try again.`;
}

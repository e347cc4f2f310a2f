/** Files that a run used, as a tree that works without script. */
import type { AuditFile } from '../audit/types.js';
import { html, type Markup } from './markup.js';

/** Names listed per directory; the rest is counted. */
const listedNames = 300;
/** Deeper names are joined on one line. */
const depthLimit = 24;

/** The letter for what was done with a file. */
const letters: Readonly<Record<AuditFile['action'], string>> = {
  read: 'R',
  write: 'W',
  create: 'C',
  delete: 'D',
  rename: 'M',
  directory: 'C',
  link: 'C',
  symlink: 'C',
  attributes: 'A',
  look: 'L',
  execute: 'X',
};

const titles: Readonly<Record<string, string>> = {
  R: 'read',
  W: 'written',
  C: 'created',
  D: 'deleted',
  M: 'renamed',
  A: 'attributes changed',
  X: 'executed',
};

interface Node {
  readonly children: Map<string, Node>;
  readonly letters: Set<string>;
  /** Files below and itself. */
  files: number;
  changed: boolean;
}

const emptyNode = (): Node => ({
  children: new Map(),
  letters: new Set(),
  files: 0,
  changed: false,
});

/** Names on the way of a path as it is displayed: of one in quotes, each that needs them has its own. */
function namesOf(path: string): string[] {
  if (!/^".*"$/s.test(path)) return path.split('/').filter(Boolean);
  const names = path.slice(1, -1).split('/').filter(Boolean);
  return names.map((name) => (/\\|^ | $|: /.test(name) ? `"${name}"` : name));
}

function add(root: Node, path: string, letter: string): void {
  const names = namesOf(path);
  const kept =
    names.length > depthLimit
      ? [...names.slice(0, depthLimit), names.slice(depthLimit).join('/')]
      : names;
  const chain = [root];
  for (const name of kept) {
    const parent = chain.at(-1) ?? root;
    const child = parent.children.get(name) ?? emptyNode();
    parent.children.set(name, child);
    chain.push(child);
  }
  const leaf = chain.at(-1) ?? root;
  const fresh = leaf.letters.size === 0;
  leaf.letters.add(letter);
  for (const node of chain) {
    if (fresh) node.files += 1;
    if ('WCDMA'.includes(letter)) node.changed = true;
  }
}

function tags(node: Node): Markup[] {
  return [...node.letters]
    .sort()
    .map(
      (letter) =>
        html`<span class="tag ${letter.toLowerCase()}" title="${titles[letter] ?? ''}">${letter}</span>`,
    );
}

function item(name: string, node: Node, depth: number): Markup {
  if (node.children.size === 0)
    return html`<li>${tags(node)}<span class="mono">${name}</span></li>`;
  let [label, at] = [name, node];
  // A chain of single directories is one line.
  while (at.children.size === 1 && at.letters.size === 0) {
    const [only] = at.children;
    if (only === undefined || only[1].children.size === 0) break;
    label = `${label}/${only[0]}`;
    at = only[1];
  }
  const open = at.files <= (at.changed && depth < 5 ? 80 : depth === 0 ? 12 : 0) ? html` open` : '';
  return html`<li><details${open}><summary>${tags(at)}<span class="mono">${label}/</span> <span class="muted">${at.files} ${at.files === 1 ? 'file' : 'files'}</span></summary>${list(at, depth + 1)}</details></li>`;
}

function list(node: Node, depth: number): Markup {
  const names = [...node.children].sort(([a], [b]) => (a < b ? -1 : 1));
  const more = names.length - listedNames;
  return html`<ul>${names.slice(0, listedNames).map(([name, child]) => item(name, child, depth))}${
    more > 0 ? html`<li class="muted">and ${more} more</li>` : ''
  }</ul>`;
}

/** Shows uses that were possible just before the call; without metadata look-ups. */
export function filesTree(files: readonly AuditFile[]): Markup {
  const root = emptyNode();
  for (const { action, path, to, error } of files) {
    if (error !== undefined || action === 'look') continue;
    if (action !== 'symlink') add(root, path, letters[action]);
    if (to !== undefined) add(root, to, 'C');
  }
  if (root.files === 0) return html`<p class="muted">none</p>`;
  const top = [...root.children].sort(([a], [b]) => (a < b ? -1 : 1));
  return html`<ul class="tree">${top.map(([name, node]) => item(`/${name}`, node, 0))}</ul>`;
}

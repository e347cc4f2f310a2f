/**
 * Playground, tree. The drawing on the page: it draws only what is in view. The pane scrolls like any
 * other, so fingers, wheels and the arrow keys pan it; a mouse drags it.
 */
import { toneOfWord } from '../actions.js';
import { svg } from '../dom.js';
import {
  boxHeight,
  gap,
  layOut,
  nodesOnPath,
  nodeWidth,
  rowHeight,
  type Tree,
  type TreeNode,
} from './layout.js';

const smallest = 0.3;
const largest = 2;
const margin = 16;
const stem = 14;

const top = (node: TreeNode): number => margin + node.row * rowHeight;

export class TreeDrawing {
  readonly #host: HTMLElement;
  readonly #canvas: SVGElement;
  #tree: Tree = { nodes: [], rows: 0, columns: [16] };
  #onPath = new Set<TreeNode>();
  #scale = 1;
  #stale = true;
  readonly #onPick: (at: number) => void;

  constructor(host: HTMLElement, onPick: (at: number) => void) {
    this.#host = host;
    this.#onPick = onPick;
    this.#canvas = svg('svg', { class: 'tree', role: 'img' });
    host.append(this.#canvas);
    host.addEventListener('scroll', () => this.#paint(), { passive: true });
    new ResizeObserver(() => this.#paint()).observe(host);
    host.addEventListener('wheel', (event) => this.#wheel(event), { passive: false });
    host.addEventListener('keydown', (event) => this.#key(event));
    this.#dragging();
  }

  /** Shows a filter; the layout is kept until the next one. */
  show(...[instructions, tables]: Parameters<typeof layOut>): void {
    this.#tree = layOut(instructions, tables);
    this.#onPath = new Set();
    this.#stale = true;
    this.#resize();
  }

  /** Marks the way of a call, and brings its end into view. */
  mark(path: readonly number[], label: string): void {
    this.#onPath = nodesOnPath(this.#tree, path);
    this.#stale = true;
    this.#canvas.setAttribute('aria-label', label);
    this.revealPath();
    this.#paint();
  }

  get tests(): number {
    return this.#tree.nodes.filter(({ kind }) => kind === 'test').length;
  }

  zoom(factor: number): void {
    const { scrollLeft, scrollTop, clientWidth, clientHeight } = this.#host;
    const before = this.#scale;
    this.#scale = Math.min(largest, Math.max(smallest, before * factor));
    const ratio = this.#scale / before;
    this.#resize();
    this.#host.scrollLeft = (scrollLeft + clientWidth / 2) * ratio - clientWidth / 2;
    this.#host.scrollTop = (scrollTop + clientHeight / 2) * ratio - clientHeight / 2;
    this.#paint();
  }

  /** The whole drawing in view, or its real size where it is in view already. */
  fit(): void {
    const { clientWidth, clientHeight } = this.#host;
    const { width, height } = this.#size();
    this.#scale = Math.min(
      1,
      Math.max(smallest, Math.min(clientWidth / width, clientHeight / height)),
    );
    this.#resize();
    this.#paint();
  }

  /** Real size, with the end of the path in view. */
  revealPath(): void {
    const end = this.#tree.nodes.find((node) => node.kind === 'outcome' && this.#onPath.has(node));
    const { clientWidth, clientHeight } = this.#host;
    if (end === undefined || clientWidth === 0) return;
    const next = this.#tree.columns[end.column + 1] ?? 0;
    const right = (next - gap + margin) * this.#scale;
    this.#host.scrollLeft = Math.max(0, right - clientWidth);
    this.#host.scrollTop = Math.max(0, top(end) * this.#scale - clientHeight * 0.6);
  }

  resetZoom(): void {
    this.#scale = 1;
    this.#resize();
    this.revealPath();
    this.#paint();
  }

  #size(): { width: number; height: number } {
    const width = (this.#tree.columns.at(-1) ?? 0) + margin;
    return { width, height: this.#tree.rows * rowHeight + 2 * margin };
  }

  #resize(): void {
    const { width, height } = this.#size();
    this.#canvas.setAttribute('width', String(Math.ceil(width * this.#scale)));
    this.#canvas.setAttribute('height', String(Math.ceil(height * this.#scale)));
    this.#canvas.setAttribute('viewBox', `0 0 ${width} ${height}`);
    this.#stale = true;
  }

  #view = { first: 0, last: -1 };

  #paint(): void {
    const { scrollTop, clientHeight } = this.#host;
    if (clientHeight === 0) return;
    const pixels = rowHeight * this.#scale;
    const first = Math.floor(scrollTop / pixels) - 1;
    const last = Math.ceil((scrollTop + clientHeight) / pixels) + 1;
    if (!this.#stale && first >= this.#view.first && last <= this.#view.last) return;
    // Draw a little more than is visible, so that not every step of a scroll repaints.
    this.#view = { first: first - 12, last: last + 12 };
    this.#stale = false;
    const lines: SVGElement[] = [];
    const taken: SVGElement[] = [];
    const boxes: SVGElement[] = [];
    for (const node of this.#tree.nodes) {
      const { parent, row } = node;
      const inView = row >= this.#view.first && row <= this.#view.last;
      if (parent !== undefined && row >= this.#view.first && parent.row <= this.#view.last) {
        const onPath = this.#onPath.has(node) && this.#onPath.has(parent);
        (onPath ? taken : lines).push(...this.#line(parent, node, onPath));
      }
      if (inView) boxes.push(this.#box(node));
    }
    this.#canvas.replaceChildren(...lines, ...taken, ...boxes);
  }

  #line(parent: TreeNode, node: TreeNode, onPath: boolean): SVGElement[] {
    const left = this.#tree.columns[parent.column] ?? 0;
    const middle = boxHeight / 2;
    const name = onPath ? 'edge taken' : 'edge';
    if (node.branch === 'yes') {
      const from = left + nodeWidth(parent);
      const to = this.#tree.columns[node.column] ?? 0;
      const y = top(node) + middle;
      return [
        svg('path', { class: name, d: `M${from} ${y}H${to}` }),
        svg('text', { class: onPath ? 'branch taken' : 'branch', x: from + 6, y: y - 5 }, 'yes'),
      ];
    }
    const x = left + stem;
    const from = top(parent) + boxHeight;
    return [
      svg('path', { class: name, d: `M${x} ${from}V${top(node)}` }),
      svg('text', { class: onPath ? 'branch taken' : 'branch', x: x + 5, y: from + 10 }, 'no'),
    ];
  }

  #box(node: TreeNode): SVGElement {
    const tone = node.kind === 'outcome' ? toneOfWord(node.text.replace(/\W.*/, '')) : undefined;
    const classes = ['node', node.kind, tone ?? '', this.#onPath.has(node) ? 'taken' : ''];
    const x = this.#tree.columns[node.column] ?? 0;
    const radius = node.kind === 'test' ? 4 : boxHeight / 2;
    const note = node.note === '' ? [] : [svg('tspan', { class: 'note', dx: 10 }, node.note)];
    const group = svg(
      'g',
      { class: classes.filter(Boolean).join(' '), transform: `translate(${x} ${top(node)})` },
      svg('title', {}, `instruction ${node.at}`),
      svg('rect', { width: nodeWidth(node), height: boxHeight, rx: radius }),
      svg('text', { x: 11, y: boxHeight / 2 + 4.3 }, node.text, ...note),
    );
    group.addEventListener('click', () => {
      if (node.kind === 'reference') this.#reveal(node.at);
      else this.#onPick(node.at);
    });
    return group;
  }

  #reveal(at: number): void {
    const node = this.#tree.nodes.find((one) => one.kind === 'test' && one.at === at);
    if (node === undefined) return;
    this.#host.scrollLeft = (this.#tree.columns[node.column] ?? 0) * this.#scale - margin;
    this.#host.scrollTop = top(node) * this.#scale - this.#host.clientHeight / 3;
    this.#paint();
  }

  #wheel(event: WheelEvent): void {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    this.zoom(event.deltaY < 0 ? 1.15 : 1 / 1.15);
  }

  #key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === '+' || event.key === '=') this.zoom(1.25);
    else if (event.key === '-') this.zoom(0.8);
    else if (event.key === '0') this.resetZoom();
    else if (event.key === 'f') this.fit();
    else return;
    event.preventDefault();
  }

  #dragging(): void {
    let last: { x: number; y: number } | undefined;
    this.#host.addEventListener('pointerdown', (event) => {
      if (event.pointerType !== 'mouse' || event.button !== 0) return;
      last = { x: event.clientX, y: event.clientY };
    });
    this.#host.addEventListener('pointermove', (event) => {
      if (last === undefined || event.buttons === 0) return;
      this.#host.classList.add('dragged');
      this.#host.scrollLeft -= event.clientX - last.x;
      this.#host.scrollTop -= event.clientY - last.y;
      last = { x: event.clientX, y: event.clientY };
    });
    for (const name of ['pointerup', 'pointerleave'] as const)
      this.#host.addEventListener(name, () => {
        last = undefined;
        this.#host.classList.remove('dragged');
      });
  }
}

/**
 * Playground, tree. A filter as a drawing without crossing lines: every test is a box, "yes" goes
 * right in the same row, "no" goes down in the same column, and each row ends in one outcome. What
 * several ways lead to is drawn once; the other ways end in a reference to it.
 */
import type { FilterInstruction } from '../../../src/policy.js';
import type { Tables } from '../core/protocol.js';
import { type Known, learn, nameTest, nothingKnown } from './names.js';

export interface TreeNode {
  readonly kind: 'test' | 'outcome' | 'reference';
  /** Position of the test or the return; of a reference, where it leads. */
  readonly at: number;
  /** First instruction that belongs to it: the load, say. */
  readonly from: number;
  readonly row: number;
  readonly column: number;
  readonly text: string;
  /** The meaning of the number: the name of the call. */
  readonly note: string;
  /** Node that leads here, and how. */
  readonly parent: TreeNode | undefined;
  readonly branch: 'yes' | 'no' | undefined;
}

export interface Tree {
  readonly nodes: readonly TreeNode[];
  readonly rows: number;
  /** Left edge of each column in pixels, and the whole width at the end. */
  readonly columns: readonly number[];
}

export const rowHeight = 38;
export const boxHeight = 26;
/** Pixels of a character of the drawing's font. */
export const characterWidth = 7.3;
export const gap = 44;
const longestText = 44;

const signs: Readonly<Record<string, string>> = { jeq: '=', jgt: '>', jge: '≥', jset: '&' };
const tests = new Set(Object.keys(signs));
const ends = new Set(['return', 'return_a']);

const hex = (value: number): string => (value < 10 ? String(value) : `0x${value.toString(16)}`);

/** Decimal for system call numbers, otherwise hexadecimal. */
function operandText(what: string, insn: FilterInstruction): string {
  const note = /# (.*)$/.exec(insn.text)?.[1];
  if (what === 'arch' && note !== undefined) return note;
  return what === 'nr' && insn.k < 0x4000_0000 ? String(insn.k) : hex(insn.k);
}

interface Todo {
  readonly at: number;
  readonly column: number;
  readonly accumulator: string;
  readonly known: Known;
  readonly parent: TreeNode | undefined;
  readonly branch: 'yes' | 'no' | undefined;
}

/** Follows instructions that only compute, up to the next test or end. */
function advance(instructions: readonly FilterInstruction[], start: number, before: string) {
  let at = start;
  let what = before;
  for (;;) {
    const insn = instructions[at];
    if (insn === undefined || tests.has(insn.kind) || ends.has(insn.kind))
      return { at, what, insn };
    if (insn.kind === 'jump') {
      at = insn.yes ?? instructions.length;
      continue;
    }
    if (insn.kind === 'load') what = insn.text.replace(/^A = /, '').replace(/\.low$/, '');
    else if (insn.kind === 'and') what = `${what} & ${hex(insn.k)}`;
    else what = 'A';
    at++;
  }
}

const clipped = (text: string): string =>
  text.length > longestText ? `${text.slice(0, longestText - 1)}…` : text;

export const nodeWidth = ({ text, note }: TreeNode): number =>
  Math.ceil((text.length + (note === '' ? 0 : note.length + 2)) * characterWidth) + 22;

/** Lays a filter out; every row ends in one outcome or reference. */
export function layOut(
  instructions: readonly FilterInstruction[],
  tables: Tables | undefined = undefined,
): Tree {
  const nodes: TreeNode[] = [];
  const drawn = new Set<number>();
  const todo: Todo[] = [
    {
      at: 0,
      column: 0,
      accumulator: 'A',
      known: nothingKnown,
      parent: undefined,
      branch: undefined,
    },
  ];
  let row = 0;
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    const { column, accumulator, known, parent, branch } = next;
    const { at, what, insn } = advance(instructions, next.at, accumulator);
    if (insn === undefined) continue;
    const common = { at, from: next.at, row, column, parent, branch };
    if (ends.has(insn.kind)) {
      const text = insn.text.replace(/^return /, '');
      nodes.push({ ...common, kind: 'outcome', text, note: '' });
      row++;
      continue;
    }
    if (drawn.has(at)) {
      nodes.push({ ...common, kind: 'reference', text: `go to ${at}`, note: '' });
      row++;
      continue;
    }
    drawn.add(at);
    const operand = insn.text.includes(' X ') ? 'X' : operandText(what, insn);
    const named = operand === 'X' ? undefined : nameTest(what, insn.k, known, tables);
    const note =
      what === 'nr'
        ? (/# (.*)$/.exec(insn.text)?.[1] ?? '')
        : insn.kind === 'jeq'
          ? (named?.note ?? '')
          : '';
    const text = clipped(`${named?.what ?? what} ${signs[insn.kind]} ${operand}`);
    const node: TreeNode = { ...common, kind: 'test', text, note };
    nodes.push(node);
    // The stack gives "yes" first, with all that follows from it, then "no" below.
    for (const way of ['no', 'yes'] as const) {
      const yes = way === 'yes';
      todo.push({
        at: insn[way] ?? 0,
        column: yes ? column + 1 : column,
        accumulator: what,
        known: learn(known, what, insn, yes),
        parent: node,
        branch: way,
      });
    }
  }
  return { nodes, rows: row, columns: columnsOf(nodes) };
}

function columnsOf(nodes: readonly TreeNode[]): number[] {
  const widths: number[] = [];
  for (const node of nodes)
    widths[node.column] = Math.max(widths[node.column] ?? 0, nodeWidth(node));
  const lefts = [16];
  for (const [i, width] of widths.entries()) lefts.push((lefts[i] ?? 0) + width + gap);
  return lefts;
}

/** The nodes on a call's path: the tests and the outcome that it executes. */
export function nodesOnPath(tree: Tree, path: readonly number[]): Set<TreeNode> {
  const executed = new Set(path);
  const following = new Map<number, number>();
  for (const [i, at] of path.entries()) following.set(at, path[i + 1] ?? -1);
  const found = new Set<TreeNode>();
  for (const node of tree.nodes) {
    if (!executed.has(node.at)) continue;
    // An outcome appears in many places, so check that the edge to it was taken, too.
    const { parent } = node;
    if (parent !== undefined && !(found.has(parent) && following.get(parent.at) === node.from)) {
      const byReference = node.kind === 'test';
      if (!byReference) continue;
    }
    found.add(node);
  }
  return found;
}

/** Tells for which calls recent kernels run a filter at all. */
import { type CoreInstruction, layout } from '../core/index.js';
import type { Architecture } from './source.js';

/** Architectures whose kernels keep no such list, nor for numbers with x32's bit. */
const uncached: ReadonlySet<Architecture> = new Set(['x32', 'mips64el']);

const allow = 0x7fff_0000;

/**
 * Returns whether Linux 5.11 and newer run the filter for a number. When a filter is loaded, the kernel tries
 * every number with instructions that know only the number and the architecture
 * (`seccomp_is_const_allow` in kernel/seccomp.c); it keeps those that this allows, and answers them
 * without the filter from then on.
 */
export function runsFilter(
  instructions: readonly CoreInstruction[],
  arch: Architecture,
  audit: number,
  nr: number,
): boolean {
  if (uncached.has(arch)) return true;
  let a = 0;
  for (let at = 0; at < instructions.length; ) {
    const insn = instructions[at];
    if (insn === undefined || insn.usesX === 1) return true;
    const { k } = insn;
    const jump = (holds: boolean) => (holds ? insn.yes : insn.no);
    switch (layout.insnKindNames[insn.kind]) {
      case 'load':
        if (k !== 0 && k !== 4) return true;
        a = k === 0 ? nr : audit;
        at++;
        break;
      case 'and':
        a = (a & k) >>> 0;
        at++;
        break;
      case 'jump':
        at = insn.yes;
        break;
      case 'jeq':
        at = jump(a === k);
        break;
      case 'jgt':
        at = jump(a > k);
        break;
      case 'jge':
        at = jump(a >= k);
        break;
      case 'jset':
        at = jump((a & k) !== 0);
        break;
      case 'return':
        return k !== allow;
      default:
        return true;
    }
  }
  return true;
}

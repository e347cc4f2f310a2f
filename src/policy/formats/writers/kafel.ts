/** Writes kafel's format, which can say whatever the policy language can say of one architecture. */
import type { Comparison } from '../boolean.js';
import { Tables } from '../calls.js';
import { byAction, type Model } from './model.js';

const words: Readonly<Record<string, string>> = {
  allow: 'ALLOW',
  log: 'LOG',
  notify: 'USER_NOTIF',
  trap: 'TRAP(0)',
  kill_thread: 'KILL',
  kill_process: 'KILL_PROCESS',
};

const actionWord = (action: string): string =>
  words[action] ?? action.replace('errno', 'ERRNO').replace('trace', 'TRACE');

const hex = (value: bigint): string => `0x${value.toString(16)}`;

function testText({ arg, width, mask, op, value }: Comparison, bits: number): string {
  // kafel compares what the kernel reads of an argument.
  const bound = width === 32 && bits > 32 ? (mask ?? 0xffff_ffffn) : mask;
  const left = bound === undefined ? `a${arg}` : `(a${arg} & ${hex(bound)})`;
  return `${left} ${op} ${hex(value)}`;
}

export function writeKafel({ arch, byDefault, plain, conditional }: Model): string {
  const tables = new Tables(arch);
  const blocks: string[] = [];
  for (const [action, calls] of byAction(plain))
    if (action !== byDefault) blocks.push(`  ${actionWord(action)} {\n    ${wrapped(calls)}\n  }`);
  for (const [call, ways] of conditional) {
    const known = tables.argumentsOf(call);
    const names = known.map((_, at) => `a${at}`).join(', ');
    const actions = new Set(ways.map(({ action }) => action).filter((one) => one !== byDefault));
    for (const action of actions) {
      const terms = ways
        .filter((way) => way.action === action)
        .map(
          ({ tests }) =>
            `(${tests.map((test) => testText(test, known[test.arg]?.bits ?? 64)).join(' && ')})`,
        );
      const condition = terms.join(' ||\n      ');
      blocks.push(
        `  ${actionWord(action)} {\n    ${call}(${names}) {\n      ${condition}\n    }\n  }`,
      );
    }
  }
  return `POLICY exported {\n${blocks.join(',\n')}\n}\nUSE exported DEFAULT ${actionWord(byDefault)}\n`;
}

/** Names between commas, in lines of a readable length. */
function wrapped(calls: readonly string[]): string {
  const lines: string[] = [];
  let line = '';
  for (const call of calls) {
    if (line.length + call.length > 90) {
      lines.push(line);
      line = '';
    }
    line += `${line === '' ? '' : ' '}${call},`;
  }
  return [...lines, line.replace(/,$/, '')].join('\n    ');
}

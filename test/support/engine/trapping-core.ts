/** The policy core with a trap in front of its compiler: a policy that begins with `#` and a letter comes to one. */
import * as fs from 'node:fs';
import wabt from 'wabt';
import { requestWords } from '../../../src/core/layout.generated.js';

interface Trap {
  readonly made: string;
  /** The engine's word for it. */
  readonly cause: string;
  /** WebAssembly that comes to it. */
  readonly code: string;
}

const size = '(i32.mul (memory.size) (i32.const 65536))';

export const traps: Readonly<Record<string, Trap>> = {
  r: {
    made: 'a read beyond the memory',
    cause: 'memory access out of bounds',
    code: '(drop (i32.load offset=16 (i32.const 0xfffffff0)))',
  },
  w: {
    made: 'a write over its end',
    cause: 'memory access out of bounds',
    code: `(i32.store (i32.sub ${size} (i32.const 3)) (i32.const 1))`,
  },
  c: {
    made: 'a copy over its end',
    cause: 'memory access out of bounds',
    code: `(memory.copy (i32.sub ${size} (i32.const 9)) (i32.const 0) (i32.const 10))`,
  },
  s: {
    made: 'calls without an end',
    cause: 'call stack exhausted',
    code: '(drop (call $deep (i32.const 0)))',
  },
  g: {
    made: 'memory that cannot grow',
    cause: 'unreachable',
    code: '(if (i32.eq (memory.grow (i32.const 65535)) (i32.const -1)) (then unreachable))',
  },
  i: {
    made: 'a call of no function',
    cause: 'null function or function signature mismatch',
    code: '(call_indirect (type $nothing) (i32.const 0))',
  },
  t: {
    made: 'a call of a function of another type',
    cause: 'null function or function signature mismatch',
    code: '(call_indirect (type $nothing) (i32.const 1))',
  },
  d: {
    made: 'a division by zero',
    cause: 'divide by zero',
    code: '(drop (i32.div_u (i32.const 1) (i32.eq (i32.const 1) (memory.size))))',
  },
};

/** Each trap comes behind a write over the module's data, of which the next instance must know nothing. */
const branches = Object.entries(traps).map(
  ([letter, { code }]) => `(if (i32.eq (local.get $letter) (i32.const ${letter.charCodeAt(0)}))
    (then (memory.fill (i32.const 1048576) (i32.const 255) (i32.const 100000)) ${code}))`,
);

const addition = (compile: string): string => `
  (type $nothing (func))
  (func $deep (param $depth i32) (result i32) (local $deeper i32)
    (local.set $deeper (call $deep (i32.add (local.get $depth) (i32.const 1))))
    (i32.store (i32.const 1048576) (local.get $depth))
    (i32.add (local.get $deeper) (i32.load (i32.const 1048576))))
  (func (export "wb_compile") (param $request i32) (result i32) (local $letter i32)
    (local.set $letter (i32.load8_u offset=1
      (i32.load offset=${requestWords.text * 4} (local.get $request))))
    ${branches.join('\n')}
    (call ${compile} (local.get $request)))`;

/** Returns the module that is made of the core's own. */
export async function trappingCore(core: string): Promise<Uint8Array<ArrayBuffer>> {
  const tools = await wabt();
  const own = tools.readWasm(fs.readFileSync(core), {});
  const text = own.toText({});
  own.destroy();
  let compile: string | undefined;
  const less = text.replace(/\(export "wb_compile" \(func (\d+)\)\)/, (_, index: string) => {
    compile = index;
    return '';
  });
  if (compile === undefined) throw new Error('the policy core has no compiler');
  const whole = `${less.trimEnd().slice(0, -1)}${addition(compile)})`;
  const made = tools.parseWat('trapping.wat', whole, {});
  try {
    return new Uint8Array(made.toBinary({}).buffer);
  } finally {
    made.destroy();
  }
}

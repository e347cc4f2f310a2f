// A notebook's kernel: node notebook.mjs
// Reads requests from stdin, one JSON value a line, and answers each with a line:
//   {"cell": "x = 6"}   runs Python and keeps its state;   {"file": "data.csv", "text": "a,b"}   writes a file;
//   {"restart": true}   a new interpreter, the same files.   A cell ends after CELL_SECONDS, its variables stay.
import { createInterface } from 'node:readline';
import { createSession } from 'wasbox';

const cellMs = 1000 * Number(process.env.CELL_SECONDS ?? 30);

const interpreter = `
import ast, contextlib, io, json, sys, traceback
requests, answers = sys.stdin, sys.stdout
sys.stdin = io.StringIO()
scope = {"__name__": "__main__"}
def run(code):
    tree = ast.parse(code)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "<cell>", "exec"), scope)
    if last is not None:
        value = eval(compile(ast.Expression(last.value), "<cell>", "eval"), scope)
        if value is not None: print(repr(value))
print(json.dumps("ready"), file=answers, flush=True)
while line := requests.readline():
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        try: run(json.loads(line))
        except BaseException: out.write(traceback.format_exc(limit=0))
    print(json.dumps(out.getvalue()), file=answers, flush=True)
`;

const session = await createSession({ lang: 'python', memoryBytes: 2 ** 30, pids: 64, changes: 'discard' });

/** The interpreter, until it ends. */
class Kernel {
  static async start() {
    const kernel = new Kernel(await session.spawn({ lang: 'python', code: interpreter }));
    // From here on, a signal ends a cell and not the start.
    if ((await kernel.lines.next()).done) throw new Error('the interpreter did not start');
    return kernel;
  }

  constructor(program) {
    this.program = program;
    this.lines = createInterface(program.stdout)[Symbol.asyncIterator]();
    program.stderr.resume();
  }

  async run(code) {
    this.program.stdin.write(`${JSON.stringify(code)}\n`);
    const timer = setTimeout(() => this.program.kill('SIGINT'), cellMs);
    const { value, done } = await this.lines.next();
    clearTimeout(timer);
    return done ? undefined : JSON.parse(value);
  }
}

let kernel = await Kernel.start();

async function answer({ cell, file, text, restart }) {
  if (typeof file === 'string') {
    await session.files.write(file, text ?? '');
    return { written: file };
  }
  if (restart === true) {
    kernel.program.kill('SIGKILL');
    kernel = await Kernel.start();
    return { restarted: true };
  }
  const out = await kernel.run(String(cell));
  if (out !== undefined) return { out };
  kernel = await Kernel.start();
  return { error: 'the kernel ended; a new one was started' };
}

for await (const line of createInterface(process.stdin)) {
  let reply;
  try {
    reply = await answer(JSON.parse(line));
  } catch (error) {
    reply = { error: error.message };
  }
  console.log(JSON.stringify(reply));
}
await session.close();

// An agent's loop: agent.ts STEPS     (Node 22.18 or newer, or: npx tsx agent.ts STEPS)
// In place of a model, the file STEPS has one step per line, in the form in which a model would answer:
//   {"tool": "write", "path": "a.py", "content": "…"}   {"tool": "read", "path": "a.py"}
//   {"tool": "run", "argv": ["make", "test"], "risky": true}   a risky one that fails is undone
//   {"tool": "done", "paths": ["a.py"]}   applies these paths; all else that was changed is dropped
// Prints what the model would be shown, one line per step. Without a "done" step, your files stay untouched.
import { readFileSync } from 'node:fs';
import { createSession, isWasboxError, type Session } from 'wasbox';

type Step =
  | { tool: 'write'; path: string; content: string }
  | { tool: 'read'; path: string }
  | { tool: 'run'; argv: string[]; risky?: boolean }
  | { tool: 'done'; paths: string[] };

/** The outcome of a step, for the model. */
type Seen = Record<string, unknown>;

/** Returns the next step, given all outcomes so far. Replace it with one that asks a model. */
type Model = (seen: readonly Seen[]) => Promise<Step | undefined>;

const maxSteps = 50;
const stepMs = 1000 * Number(process.env.STEP_SECONDS ?? 60);
const maxOutputBytes = 10_000;

async function runStep(session: Session, { argv, risky }: Step & { tool: 'run' }): Promise<Seen> {
  const before = risky ? await session.snapshot() : undefined;
  // If the command is not found, this rejects and nothing has changed.
  const result = await session.exec(argv, { timeoutMs: stepMs, maxOutputBytes });
  const { outcome, exitCode, stdout, stderr, truncated, denied } = result;
  const failed = outcome !== 'exited' || exitCode !== 0;
  if (before !== undefined && failed) await session.rollback(before);
  before?.release();
  const told = denied.map(({ what, cause, option }) => ({ what, cause, option }));
  return { outcome, exitCode, stdout, stderr, truncated, denied: told, undone: failed && !!risky };
}

async function take(session: Session, step: Step): Promise<Seen> {
  switch (step.tool) {
    case 'write':
      await session.files.write(step.path, step.content);
      return { written: step.path };
    case 'read':
      return { content: await session.files.readText(step.path, { maxBytes: maxOutputBytes }) };
    case 'run':
      return runStep(session, step);
    case 'done': {
      const changed = (await session.diff()).map(({ kind, path }) => `${kind} ${path}`);
      const { applied, refused } = await session.apply(step.paths);
      return {
        changed,
        applied: applied.map(({ path }) => path),
        refused: refused.map(({ path, message }) => ({ path, message })),
      };
    }
    default:
      return { error: 'unknown tool' };
  }
}

async function work(model: Model): Promise<boolean> {
  const seen: Seen[] = [];
  const session = await createSession({
    changes: 'discard', // drops what "done" does not name
    timeoutMs: 30 * 60_000,
    memoryBytes: 2 ** 31,
    ask: () => 'deny', // allows nothing beyond these options, but tells the model what was denied
  });
  try {
    while (seen.length < maxSteps) {
      const step = await model(seen);
      if (step === undefined) return false;
      const result = await take(session, step).catch((error: unknown) => {
        // A command or file is not found, for example. The model can try something else.
        if (!isWasboxError(error) || error.code === 'ERR_SESSION_CLOSED') throw error;
        return { error: error.message };
      });
      seen.push(result);
      console.log(JSON.stringify(result));
      if (step.tool === 'done' && !('error' in result)) return true;
    }
    return false;
  } finally {
    await session.close();
  }
}

const [file = ''] = process.argv.slice(2);
const steps = readFileSync(file, 'utf8')
  .split('\n')
  .filter((line) => line.trim() !== '');
const scripted: Model = async (seen) => {
  const line = steps[seen.length];
  return line === undefined ? undefined : JSON.parse(line);
};
if (!(await work(scripted))) {
  console.error('the agent ended without a result; your files are untouched');
  process.exitCode = 1;
}

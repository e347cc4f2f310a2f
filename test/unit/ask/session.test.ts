/** Questions of one run: asked once, remembered, bounded, and denied whatever goes wrong. */
import { describe, expect, it, vi } from 'vitest';
import { type Ask, AskSession, type Decision, type Question } from '../../../src/ask/index.js';

const question = (id: number, text = 'read /etc/x'): Question => ({
  id,
  kind: 'file',
  text,
  path: '/etc/x',
  requested: '/etc/x',
  access: 'read',
  truncate: false,
  directory: false,
  process: { pid: 1, name: 'p', executable: '/p', argv: ['p'], truncated: false },
});

/** A session, and what the supervisor would hear of it. */
function session(ask: Ask | string) {
  const answers = new Map<number, boolean>();
  const waiting = new Map<number, () => void>();
  let stops = 0;
  const made = new AskSession({
    ask,
    answer: (id, allow) => {
      answers.set(id, allow);
      waiting.get(id)?.();
    },
    stop: () => {
      stops += 1;
    },
  });
  const put = async (one: Question): Promise<boolean | undefined> => {
    const answered = new Promise<void>((resolve) => waiting.set(one.id, resolve));
    made.put(one);
    await answered;
    return answers.get(one.id);
  };
  return { made, put, answers, stops: () => stops };
}

const always = (decision: Decision) => {
  const asked: number[] = [];
  const ask: Ask = ({ id }) => {
    asked.push(id);
    return decision;
  };
  return { ask, asked };
};

/** Options of `vi.waitFor`. */
const patience = { timeout: 60_000 };

describe('a session', () => {
  it.each<[Decision, boolean, number[]]>([
    ['allow', true, [1, 2]],
    ['allow-run', true, [1]],
    ['deny', false, [1]],
  ])('%s: %s, and asks as often as it must', async (decision, allowed, expected) => {
    const { ask, asked } = always(decision);
    const { put, made } = session(ask);
    expect(await put(question(1))).toBe(allowed);
    expect(await put(question(2))).toBe(allowed);
    expect(asked).toEqual(expected);
    expect(await put(question(3, 'write to /etc/x'))).toBe(allowed);
    expect(asked).toContain(3); // another access is another question
    expect(made.records().total).toBe(3);
  });

  it('stop ends the run once and sends no answers: waiting processes are killed', async () => {
    const { ask, asked } = always('stop');
    const { made, answers, stops } = session(ask);
    made.put(question(1));
    made.put(question(2, 'other'));
    await vi.waitFor(() => expect(made.records().total).toBe(2), patience);
    await new Promise(setImmediate);
    expect(answers.size).toBe(0);
    expect(asked).toHaveLength(2);
    expect(stops()).toBe(1);
    made.put(question(3, 'a third'));
    await vi.waitFor(() => expect(made.records().total).toBe(3), patience);
    expect(answers.size).toBe(0);
    expect(asked).toHaveLength(2);
  });

  it('does not ask the same twice at a time', async () => {
    const open: ((decision: Decision) => void)[] = [];
    const { put, made } = session(() => new Promise<Decision>((resolve) => open.push(resolve)));
    const both = Promise.all([put(question(1)), put(question(2))]);
    await new Promise(setImmediate);
    expect(open).toHaveLength(1);
    open[0]?.('allow-run');
    expect(await both).toEqual([true, true]);
    expect(made.records().records.map(({ verdict }) => verdict)).toEqual([
      'answered',
      'remembered',
    ]);
  });

  it.each([
    ['throws', () => Promise.reject(new Error('no'))],
    [
      'throws at once',
      () => {
        throw new Error('no');
      },
    ],
    ['answers nonsense', () => 'yes' as Decision],
    ['answers nothing', () => undefined as unknown as Decision],
  ] satisfies [string, Ask][])(
    'denies where the callback %s, and asks again',
    async (_what, ask) => {
      const { put, made } = session(ask);
      expect(await put(question(1))).toBe(false);
      expect(await put(question(2))).toBe(false);
      expect(made.records().records).toMatchObject([{ verdict: 'failed', count: 2 }]);
    },
  );

  it('aborts the question when its answer is no longer needed', async () => {
    let aborted = false;
    const { made, answers } = session(
      (_question, { signal }) =>
        new Promise(() => {
          signal.addEventListener('abort', () => {
            aborted = true;
          });
        }),
    );
    made.put(question(1));
    await new Promise(setImmediate);
    made.withdraw(1, 'timeout');
    await new Promise(setImmediate);
    expect(aborted).toBe(true);
    expect(answers.size).toBe(0); // the supervisor has denied it by itself
    expect(made.records().records).toMatchObject([{ verdict: 'timeout', decision: 'deny' }]);
  });

  it('does not ask a question that was withdrawn while it waited for its turn', async () => {
    const { ask, asked } = always('allow');
    let first: (decision: Decision) => void = () => {};
    const { made } = session((one, context) =>
      one.id === 1
        ? new Promise((resolve) => {
            first = resolve;
          })
        : ask(one, context),
    );
    made.put(question(1));
    made.put(question(2));
    await new Promise(setImmediate);
    made.withdraw(2, 'withdrawn');
    first('allow');
    await new Promise(setImmediate);
    expect(asked).toEqual([]);
  });

  it('keeps no more than so many records', async () => {
    const { put, made } = session(always('allow').ask);
    for (let id = 1; id <= 400; id++) await put(question(id, `read /etc/${id}`));
    const { records, total, dropped } = made.records();
    expect([records.length, total, dropped]).toEqual([256, 400, 144]);
  });

  it('denies all if it has nowhere to ask, and says why', async () => {
    const { put, made } = session('no terminal');
    expect(await put(question(1))).toBe(false);
    expect(made.records()).toMatchObject({ unasked: 'no terminal', total: 1 });
  });
});

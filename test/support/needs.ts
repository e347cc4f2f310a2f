/**
 * Says what a test needs beyond what the README asks for. `needs('fish').test(...)` is left out where fish is
 * missing, and test/run.mjs then names it at the end, with its Debian package and the number of tests. On CI that is
 * a failure. Tests have no other way to be left out.
 */
import { describe, TestRunner, test } from 'vitest';
import { missing } from './packages.mjs';

declare module 'vitest' {
  interface TaskMeta {
    /** Why the test was left out. */
    missing?: readonly string[];
  }
}

type Call = (...args: unknown[]) => unknown;

/** Gives the reasons to every test and suite that a call adds to the current suite. */
function marked<T>(reasons: readonly string[], add: () => T): T {
  const { tasks } = TestRunner.getCurrentSuite();
  const before = tasks.length;
  const result = add();
  for (const task of tasks.slice(before)) {
    const made = task.type === 'collector' ? task.suite : task;
    if (made !== undefined) made.meta.missing = reasons;
    // Suites inside take over the options of this one.
    if (task.type === 'collector') task.options = { ...task.options, meta: { missing: reasons } };
  }
  return result;
}

/** Returns the same function, and its `each`, `for` and modifiers, for tests that are left out. */
function leftOut<T extends object>(make: T, reasons: readonly string[]): T {
  return new Proxy(make, {
    apply: (target, self, args) =>
      marked(reasons, () => Reflect.apply(target as unknown as Call, self, args)),
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      if (name !== 'each' && name !== 'for')
        return 'skip' in value ? leftOut(value, reasons) : value;
      return (...cases: unknown[]) => {
        const add = Reflect.apply(value, target, cases) as Call;
        return (...args: unknown[]) => marked(reasons, () => add(...args));
      };
    },
  });
}

/**
 * @param names packages of .ci/packages.txt, or conditions of packages.mjs
 */
export function needs(...names: readonly string[]) {
  const reasons = missing(names);
  if (reasons.length === 0) return { describe, test, met: true };
  return {
    describe: leftOut(describe.skip as typeof describe, reasons),
    test: leftOut(test.skip as typeof test, reasons),
    met: false,
  };
}

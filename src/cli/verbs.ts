/** The one table of verbs: help, completion, the manual and the reference follow. */

import type { VerbEntry } from './verb-entry.js';

export const verbs: Readonly<Record<string, VerbEntry>> = {
  run: {
    what: 'run a script or command in a sandbox',
    load: async () => (await import('./run.js')).runVerb,
  },
  ps: {
    what: 'list what runs now',
    load: async () => (await import('./ps.js')).psVerb,
  },
  stop: {
    what: 'stop runs',
    load: async () => (await import('./stop.js')).stopVerb,
  },
  session: {
    what: 'start a sandbox that stays for several commands, list those that run',
    load: async () => (await import('./session.js')).sessionVerb,
  },
  exec: {
    what: 'run a command in a session',
    load: async () => (await import('./exec.js')).execVerb,
  },
  sh: {
    what: "a shell in a sandbox, for programs that start a user's shell",
    load: async () => (await import('./sh.js')).shVerb,
  },
  runs: {
    what: 'list runs with saved changes',
    load: async () => (await import('./runs.js')).runsVerb,
  },
  diff: {
    what: 'show what a run changed',
    load: async () => (await import('./diff.js')).diffVerb,
  },
  apply: {
    what: "apply a run's changes to the working directory",
    load: async () => (await import('./apply.js')).applyVerb,
  },
  discard: {
    what: "discard a run's changes",
    load: async () => (await import('./discard.js')).discardVerb,
  },
  why: {
    what: 'say what the last run here lacked, and which option gives it',
    load: async () => (await import('./why.js')).whyVerb,
  },
  learn: {
    what: 'run a program and write the smallest profile that lets it run',
    load: async () => (await import('./learn.js')).learnVerb,
  },
  preset: {
    what: 'list and show presets for --for, clear their caches',
    load: async () => (await import('./preset.js')).presetVerb,
  },
  image: {
    what: 'pull, import, list and remove images for --image',
    load: async () => (await import('./image.js')).imageVerb,
  },
  mcp: {
    what: 'serve a sandbox to agents over the Model Context Protocol',
    load: async () => (await import('./mcp.js')).mcpVerb,
  },
  worker: {
    what: 'run the jobs of a queue, each in a sandbox',
    load: async () => (await import('./worker.js')).workerVerb,
  },
  doctor: {
    what: 'check this machine and suggest fixes',
    load: async () => (await import('./doctor.js')).doctorVerb,
  },
  bench: {
    what: 'measure start-up, next to other installed sandboxes',
    load: async () => (await import('./bench.js')).benchVerb,
  },
  policy: {
    what: 'check, compile and explain system call policies',
    load: async () => (await import('./policy/index.js')).policyVerb,
  },
  completion: {
    what: 'print shell completions',
    load: async () => (await import('./completion/index.js')).completionVerb(verbs),
  },
};

/**
 * The verbs below `wasbox policy`, and the core that they use. A bundle of its own (src/build.mjs), which runs
 * never load: most of it is about formats of other tools.
 */
export { init } from '../../policy/index.js';
export { checkVerb } from './check.js';
export { compileVerb } from './compile.js';
export { exportVerb, importVerb } from './convert.js';
export { diffVerb } from './diff.js';
export { disasmVerb } from './disasm.js';
export { explainVerb } from './explain.js';
export { groupsVerb } from './groups.js';
export { replayVerb } from './replay.js';
export { simulateVerb } from './simulate.js';

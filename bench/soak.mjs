// Long series of runs, and what they leave. Its options stand in what it calls, which the tests call
// with small numbers.
//   node --expose-gc bench/soak.mjs
import '../test/support/soak.mjs';

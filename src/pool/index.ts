/** Sandboxes made ready beforehand, each used once. */
export { type CloseOptions, filledPool } from './filled.js';
export {
  createPool,
  type Pool,
  type PoolCommand,
  type PoolLanguage,
  type PoolOptions,
  type PoolProgram,
  type PoolSettings,
} from './pool.js';
export { type Runtime, runtimes } from './runtimes.js';
export type { PoolState } from './schedule.js';
export type { PoolTask } from './task.js';

/** Sandboxes made ready beforehand, each used once. */
export {
  type CloseOptions,
  createPool,
  type Pool,
  type PoolCommand,
  type PoolLanguage,
  type PoolOptions,
  type PoolProgram,
  type PoolSettings,
} from './pool.js';
export { type PoolState, Schedule } from './schedule.js';
export type { PoolTask } from './task.js';

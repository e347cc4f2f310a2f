/** Sandboxes made ready beforehand, each used once. */
export { createPool, type Pool, type PoolOptions } from './pool.js';
export type { PoolState } from './schedule.js';
export type { PoolTask } from './task.js';

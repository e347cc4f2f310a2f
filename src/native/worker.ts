/**
 * Tells whether this is a worker thread. node:worker_threads would say so, and takes a command milliseconds to load:
 * a worker may not change the directory of its process (process.chdir).
 */
export function isWorker(): boolean {
  try {
    process.chdir('.');
    return false;
  } catch (error) {
    return (error as { readonly code?: unknown }).code === 'ERR_WORKER_UNSUPPORTED_OPERATION';
  }
}

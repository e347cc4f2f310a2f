/** Where the layers of a run are. */
import { join } from 'node:path';
import { unmadeRunId } from './id.js';

/** The layer of one of a run's trees; the first is the working directory. */
export const layerPath = (directory: string, index: number): string =>
  join(index === 0 ? directory : join(directory, 'trees', String(index)), 'layers', '0');

/** Where the layers of a run would be that is not made: zeros stand for its id. */
export const unmadeLayers = (store: { readonly directory: string }, count: number): string[] =>
  Array.from({ length: count }, (_, index) =>
    layerPath(join(store.directory, 'runs', unmadeRunId), index),
  );

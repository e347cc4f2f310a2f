/** Names the directories of layers. */
import { join } from 'node:path';
import { layerName } from '../../resolve/index.js';

/** The layer of one of a run's trees; the first is the working directory. */
export const layerPath = (directory: string, index: number): string =>
  join(directory, layerName(index));

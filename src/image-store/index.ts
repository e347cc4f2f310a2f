/** Images of files and registries, in the user's store: pulled, verified, unpacked once, listed, removed. */
export { type EnsureOptions, ensureImage } from './ensure.js';
export { importedReference } from './imported.js';
export type { ImageLimits } from './limits.js';
export type { RegistryOptions } from './registry/image.js';
export {
  type InspectedImage,
  inspectImage,
  type ListedImage,
  listImages,
  type Pruned,
  pruneImages,
  removeImages,
} from './store/manage.js';

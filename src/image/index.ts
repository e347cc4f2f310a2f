/** Defines what images are, and which of them the store has: references, platforms, configurations. */
export {
  type ImageConfig,
  imageConfig,
  type Json,
  type JsonObject,
  jsonObject,
  listOf,
  objectOf,
  textOf,
} from './config.js';
export { aboutImage, invalidImage } from './invalid.js';
export {
  hostPlatform,
  type ImageReference,
  isDigest,
  isIdLike,
  type LocalReference,
  type Platform,
  parsePlatform,
  parseReference,
  platformText,
  type RegistryReference,
} from './reference.js';
export { containersHome, matchRegistry, readRegistries } from './registries.js';
export type { ConfiguredRegistry, Registries } from './registries-file.js';
export { namedReferences } from './short-names.js';
export {
  imageLockName,
  imagesDirectory,
  layerDirectory,
  readStoredImage,
  recordName,
  type StoredImage,
  sourceStamp,
  storeVersion,
} from './stored.js';

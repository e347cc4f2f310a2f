/** Profiles: TOML files that hold the options of a run. */
export { learnAgain } from './learn-command.js';
export { withProfile } from './merge.js';
export { type Profile, type ProfilePlaces, readProfile } from './read.js';

/**
 * Stage: front. The other half of the native front end (addon/front): it starts again what was started
 * before, without Node. Here such starts are recorded, and runs that have something to tell are told.
 */
export { decodeEnded, type EndedRun } from './ended.js';
export { Recorder, type TellingOptions, takeFacts } from './recorder.js';

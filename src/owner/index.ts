/** Sessions of the command line: a process that holds one, and how others find it. `serve.ts` is a bundle of its own. */
export { askOwner, connect, goneError, readAnswer, specOf, withViewOf } from './connect.js';
export {
  type ExecEnded,
  type ExecRequest,
  type Frame,
  FrameReader,
  frame,
  type StateRequest,
} from './frames.js';
export { checkName, findSession, listSessions, type OwnedSession } from './place.js';
export { insidePortText, type SessionPortsTold } from './port-call.js';
export { fromRemote, type RemoteError, toRemote } from './remote-error.js';

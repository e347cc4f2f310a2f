/** Re-exports only. */
export type {
  Ask,
  AskingProcess,
  CallQuestion,
  Decision,
  DestinationQuestion,
  FileQuestion,
  LookupQuestion,
  NetworkQuestion,
  Question,
} from './question.js';
export {
  type AskedRecord,
  type AskedRecords,
  AskSession,
  type Remembered,
  type Verdict,
} from './session.js';

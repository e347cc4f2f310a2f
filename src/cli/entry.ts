/** The command in Node. */
import { keepOwnRights } from '../host/index.js';
import { commandLine } from './main.js';

keepOwnRights();
commandLine(process.argv.slice(2)).then((status) => {
  process.exitCode = status;
});

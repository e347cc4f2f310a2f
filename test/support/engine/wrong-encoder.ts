/** Injected into an engine that is to be wrong in one place: what is not ASCII becomes a question mark. */
import { machine } from '../../../src/engine/machine.js';

const { toBytes } = machine;
Object.assign(machine, {
  toBytes: (text: string, encoding: number) =>
    toBytes(encoding === 0 ? text.replace(/[\u0080-\uffff]/g, '?') : text, encoding),
});

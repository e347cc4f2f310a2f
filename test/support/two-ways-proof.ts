/** Checks after each file of tests through the native command that no recorded start went through Node. */
import { afterAll, expect } from 'vitest';
import { startedThroughNode, throughFront } from './two-ways.js';

if (throughFront) afterAll(() => expect(startedThroughNode()).toEqual([]));

// Compiles the object files that the engine is linked from, for src/build.mjs to find.
import { makeObjects } from './build.mjs';

makeObjects();

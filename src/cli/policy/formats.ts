/** A compiled filter as JSON. */
import { type CompiledPolicy, rawInstructions } from '../../policy/index.js';

/** Returns what `--format json` prints, without the version of its schema. */
export function toJson(compiled: CompiledPolicy): object {
  const { targets, bigEndian, instructions, figures, rules, origins, diagnostics } = compiled;
  return {
    targets,
    bigEndian,
    instructions,
    figures,
    rules,
    origins,
    diagnostics,
    program: rawInstructions(compiled),
  };
}

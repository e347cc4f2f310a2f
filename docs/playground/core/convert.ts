/**
 * Playground, core. The worker for other tools' formats, which the page loads only when it needs
 * them.
 */
import { exportPolicy, importPolicy } from '../../../src/policy.js';
import { serve } from './answer.js';

serve({
  import: ({ text, from, part, capabilities, arch }) =>
    importPolicy(text, { name: 'profile', from, part, capabilities, arch }),
  export: ({ text, arch, to }) => exportPolicy({ name: 'policy', text }, { arch, to }),
});

// The threat model is SECURITY.md itself, so that the site cannot promise anything different.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderMarkdown } from '../site/markdown.mjs';

export function render({ root }) {
  const text = readFileSync(join(root, 'SECURITY.md'), 'utf8').replace(
    /^# Security\n/,
    `# Threat model

<!-- search: is it safe, is it secure, security, trust, guarantees, escape, sandbox escape, kernel bugs, vulnerability -->

<p class="lead">What wasbox promises, whom it trusts, and what it does not promise.</p>
`,
  );
  return renderMarkdown(text);
}

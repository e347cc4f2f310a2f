// The threat model is SECURITY.md itself, so that the site cannot promise anything different.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderMarkdown } from '../site/markdown.mjs';

/** Words that readers look for a section by; SECURITY.md has none of them. */
const searchWords = {
  '## Reporting':
    'report a hole, report a vulnerability, security hole, responsible disclosure, security contact, security advisory',
  '### The kernel and the machine': 'kernel exploit, zero-day, spectre, meltdown, side channel',
};

export function render({ root }) {
  const text = readFileSync(join(root, 'SECURITY.md'), 'utf8').replace(
    /^# Security\n/,
    `# Threat model

<!-- search: is it safe, is it safe on my laptop, is it secure, security, trust, guarantees, escape, sandbox escape, kernel bugs, vulnerability, malware, ransomware, virus, crypto miner -->

<p class="lead">What wasbox promises, whom it trusts, and what it does not promise.</p>
`,
  );
  const found = Object.entries(searchWords).reduce((all, [title, words]) => {
    if (!all.includes(`\n${title}\n`)) throw new Error(`SECURITY.md has no section "${title}"`);
    return all.replace(`\n${title}\n`, `\n${title}\n\n<!-- search: ${words} -->\n`);
  }, text);
  return renderMarkdown(found);
}

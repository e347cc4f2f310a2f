// A dry run of a policy, the same in Node and in a page: what would the filter do?
// Node: node dry-run.mjs      Page: dry-run.html, served beside policy.js and wasbox-core.wasm
import { compilePolicy, init, simulate } from 'wasbox/policy';

await init();

const policy = {
  name: 'example.policy',
  text: `default errno(EPERM)
allow @basic-io
allow socket where domain in [AF_UNIX, AF_INET]
`,
};

const { instructions } = compilePolicy(policy, { arch: 'x86_64' });
const lines = [`${instructions} instructions`];
for (const domain of ['AF_UNIX', 'AF_INET', 'AF_VSOCK']) {
  const { actionText, rule } = simulate(policy, { call: 'socket', args: [domain] });
  lines.push(`socket(${domain}): ${actionText}, ${rule ? `line ${rule.line}` : 'by default'}`);
}

if (globalThis.document) document.querySelector('output').textContent = lines.join('\n');
else console.log(lines.join('\n'));

/** `wasbox doctor`: what this machine offers, what is missing, and the exact fix. */
import { type Diagnosis, doctor, type Verdict } from '../doctor/index.js';
import { jsonText } from '../text/index.js';
import { out, style } from './terminal.js';
import { flag, parseVerb } from './verb.js';

const marks: Readonly<Record<Verdict, string>> = { good: '✓', degraded: '!', missing: '✗' };
const styles = { good: 'green', degraded: 'yellow', missing: 'red' } as const;

function print({ wasboxVersion, host, findings, ready }: Diagnosis): void {
  const runtime = host.node === undefined ? `QuickJS ${host.quickjs}` : `Node ${host.node}`;
  out(`wasbox ${wasboxVersion}, Linux ${host.kernel}, ${runtime}\n\n`);
  for (const { name, verdict, detail, fix } of findings) {
    out(`${style(1, styles[verdict], marks[verdict])} ${name}: ${detail}\n`);
    if (fix !== undefined) out(`${fix.replace(/^/gm, '    ')}\n`);
  }
  out(
    `\n${ready ? 'Sandboxes work here.' : 'Sandboxes do not work here yet. See above for the fix.'}\n`,
  );
}

export async function doctorVerb(argv: readonly string[]): Promise<number> {
  const parsed = parseVerb(
    {
      name: 'doctor',
      what:
        'Check what sandboxes need on this machine and print the exact fix for what is missing.\n' +
        'The last check is a real run and decides the result.\n' +
        'Exit status: 0 if sandboxes work here, 1 if not.',
      usage: '[--json]',
      options: [flag('json', 'print the findings as JSON')],
      maxOperands: 0,
    },
    argv,
  );
  if (parsed === undefined) return 0;
  const found = await doctor();
  if (parsed.values.json === true) out(`${jsonText({ schemaVersion: 1, ...found })}\n`);
  else print(found);
  return found.ready ? 0 : 1;
}

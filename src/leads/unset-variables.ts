/** Finds variables that a program reads and that are set nowhere. */
import type { Host } from '../host/index.js';
import type { FailedRun } from './packages.js';

/** The names of variables without which a program ends, and of those that hold what it signs in with. */
const needed = [
  /\bos\.environ\[\s*["'](\w+)["']\s*\](?!\s*=[^=])/g,
  /\bENV\.fetch\(\s*["'](\w+)["']\s*\)/g,
  /\$\{(\w+):?\?/g,
];
const secrets =
  /(?:\bprocess\.env(?:\.|\[["'])|\bgetenv\(\s*["']|\benviron\.get\(\s*["']|\bENV\[["'])((?:[A-Z0-9]+_)*(?:TOKEN|SECRET|PASSWORD|APIKEY|KEY)(?:_ID)?)\b/g;

/** Returns a line with variables that the program reads and that are set nowhere. */
export function unsetVariables({ text, script, spec, offered }: FailedRun, host: Host): string[] {
  const beside = host.files.read(script.replace(/[^/]*$/, '.env'), 1 << 16);
  const set = new TextDecoder().decode(beside);
  const names = [...needed, secrets].flatMap((form) =>
    [...text.matchAll(form)].map(([, name = '']) => name),
  );
  const unknown = [...new Set(names)].filter(
    (name) => !Object.hasOwn(spec.env, name) && host.env[name] === undefined,
  );
  // A program with many names has them from elsewhere, and each is looked for in the whole text.
  if (unknown.length > 20) return [];
  const unset = unknown.filter(
    (name) => !new RegExp(`\\b${name}\\b["'\\]]*\\s*\\|?\\|?=[^=]`).test(`${text}\n${set}`),
  );
  if (unset.length === 0 || unset.length > 5) return [];
  const options = unset.map((name) => `--env ${name}`);
  offered.options.push(...options);
  const what = unset.length === 1 ? 'which is not set. Set it' : 'which are not set. Set them';
  return [
    `it reads ${unset.join(', ')}, ${what}, and pass ${unset.length === 1 ? 'it' : 'them'}: ${options.join(' ')}`,
  ];
}
